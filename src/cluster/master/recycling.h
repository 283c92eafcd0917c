/* SPDX-License-Identifier: MIT
 *
 * Workers that have done enough are replaced. Master only. */
#ifndef BROOD_CLUSTER_MASTER_RECYCLING_H
#define BROOD_CLUSTER_MASTER_RECYCLING_H

#include "cluster/master/master.h"

void recycling_tick(struct master *master, uint64_t now_ms);

#endif
