/* SPDX-License-Identifier: MIT
 *
 * The process that speaks with broodctl. Master only. */
#ifndef BROOD_CLUSTER_MASTER_ADMIN_PROCESS_H
#define BROOD_CLUSTER_MASTER_ADMIN_PROCESS_H

#include "cluster/master/master.h"

void admin_start(struct master *master);
void admin_close(struct admin *admin);
/* Logs its end; the next one starts, now or in a moment, if there is to be one. */
enum admin_end admin_ended(struct master *master, const struct brood_process_end *end);
/* Has an admin of this version take the place of the one there is, and */
void admin_renew(struct master *master);
/* sees to that. */
void admin_tick(struct master *master, uint64_t now_ms);
void admin_save(const struct master *master, struct upgrade_writer *writer);
/* The admin of a former version, with its channel (taken; -1: none), and whether it was told to leave. 0 or
 * -errno. */
int admin_restore(struct master *master, pid_t pid, int channel, bool leaves) __attribute__((warn_unused_result));
void admin_say(struct master *master, const struct brood_frame *frame);
/* Is it alive? Every tick; `late`: the master was held up itself. */
void admin_watch(struct master *master, uint64_t now_ms, bool late);
/* What it is told before that comes back it has heard then. */
void admin_ask_for_sign(struct admin *admin);

#endif
