/* SPDX-License-Identifier: MIT
 *
 * Listeners that come and go. Master only. */
#ifndef BROOD_CLUSTER_MASTER_LEAVING_H
#define BROOD_CLUSTER_MASTER_LEAVING_H

#include "cluster/master/master.h"

/* The configuration's listeners are others: these listen, and what is not among them goes. */
void leaving_follow(struct master *master);
void leaving_tick(struct master *master, uint64_t now_ms);
/* What goes does so at once, its last clients with workers. */
void leaving_end(struct master *master);
bool leaving_any(const struct master *master);

#endif
