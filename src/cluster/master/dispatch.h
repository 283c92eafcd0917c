/* SPDX-License-Identifier: MIT
 *
 * Who gets the connections that the master hands out: new ones, and those that move. Master only. */
#ifndef BROOD_CLUSTER_MASTER_DISPATCH_H
#define BROOD_CLUSTER_MASTER_DISPATCH_H

#include "cluster/master/master.h"

int dispatch_open(struct master *master) __attribute__((warn_unused_result));
/* A worker gives connections away; they go to others. What it must not do, and is to be ended for. */
enum kill_reason dispatch_given(struct worker_process *giver, struct brood_frame *frame);
/* A few times a second: gives what waits another try, with those workers too that had refused; what
 * nobody can take goes back to the worker that gave it. */
void dispatch_tick(struct master *master, uint64_t now_ms);
/* A connection that a worker gave is here (1), or is taken or back (-1). */
void dispatch_count_given(struct master *master, const struct transfer *transfer, int by);
void dispatch_close(struct master *master);
/* Accepts in the master as far as the configuration in force, or the next one, wants it. */
void dispatch_follow_mode(struct master *master);
/* One that hands out what it accepts; NULL without memory. */
struct acceptor *dispatch_new_acceptor(struct master *master);
/* A worker has become able to take connections, or something else that may help those that wait. */
void dispatch_resume(struct master *master);
/* Accepts what is queued and gives it away; before a stop. */
void dispatch_drain(struct master *master);

#endif
