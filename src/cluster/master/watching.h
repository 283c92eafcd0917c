/* SPDX-License-Identifier: MIT
 *
 * Workers that are silent are ended. Master only. */
#ifndef BROOD_CLUSTER_MASTER_WATCHING_H
#define BROOD_CLUSTER_MASTER_WATCHING_H

#include "cluster/master/master.h"

void watching_tick(struct master *master, uint64_t now_ms, uint64_t interval_ms);

#endif
