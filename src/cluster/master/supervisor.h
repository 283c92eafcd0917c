/* SPDX-License-Identifier: MIT
 *
 * What happens to workers, and all that follows from it. Master only. */
#ifndef BROOD_CLUSTER_MASTER_SUPERVISOR_H
#define BROOD_CLUSTER_MASTER_SUPERVISOR_H

#include "cluster/master/master.h"

/* Before there is a worker. */
void supervisor_open(struct master *master);
/* A worker was stopped, or goes on (for brood_process_watch), or has ended. */
void supervisor_changed(void *master, pid_t pid, int stopped);
void supervisor_ended(struct worker_process *worker, const struct brood_process_end *end);
/* As slots_resize, and slot_disable, with all that follows. */
int supervisor_resize(struct master *master, unsigned count) __attribute__((warn_unused_result));
void supervisor_disable(struct slot *slot, bool disable);
/* For logger_open. */
void supervisor_check_logs(struct master *master);

#endif
