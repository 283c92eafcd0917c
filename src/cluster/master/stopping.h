/* SPDX-License-Identifier: MIT
 *
 * What a stop does, from its first word to the end. Master only. */
#ifndef BROOD_CLUSTER_MASTER_STOPPING_H
#define BROOD_CLUSTER_MASTER_STOPPING_H

#include "cluster/master/master.h"

/* 0 or -ENOMEM. */
int stopping_open(struct master *master) __attribute__((warn_unused_result));
void stopping_close(struct master *master);
void stopping_begin(struct master *master, enum stop_call call, const char *asked_by);
/* The set-up has failed for good: everybody is ended and the master exits with this status. */
void stopping_give_up(struct master *master, int status);
/* Tells the workers to stop, once the server is to and nothing waits for one of them any more. */
void stopping_tell_workers(struct master *master);
void stopping_leave_if_done(struct master *master);

#endif
