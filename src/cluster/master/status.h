/* SPDX-License-Identifier: MIT
 *
 * What the admin process is told of the master. Master only. */
#ifndef BROOD_CLUSTER_MASTER_STATUS_H
#define BROOD_CLUSTER_MASTER_STATUS_H

#include "cluster/master/master.h"

/* Answers command `id` with a struct status. */
void status_tell(struct master *master, uint64_t id);

#endif
