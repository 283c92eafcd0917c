/* SPDX-License-Identifier: MIT
 *
 * Who may have made a worker hang. Master only. */
#ifndef BROOD_CLUSTER_MASTER_SUSPECTS_H
#define BROOD_CLUSTER_MASTER_SUSPECTS_H

#include "cluster/master/master.h"

/* A worker is given what this one (its serial; 0: nobody) has given, or refused. */
void suspects_note(struct worker_process *worker, uint64_t giver);
/* One hangs. If that is in a call on a socket, whoever gave it connections is ended: true, and its own_why says so. */
bool suspects_end(struct worker_process *worker, const struct cluster_obituary *hang);

#endif
