/* SPDX-License-Identifier: MIT
 *
 * Somebody looks at what the next generation needs, before a reload. Master only. */
#ifndef BROOD_CLUSTER_MASTER_LOOK_H
#define BROOD_CLUSTER_MASTER_LOOK_H

#include "cluster/master/master.h"

/* Has somebody look at what the next generation needs, then calls `looked`, also from here. `wrong`: why there will be
 * no roll; NULL: go on. */
void look_begin(struct master *master, void (*looked)(struct master *master, const char *wrong));
void look_cancel(struct master *master);

#endif
