/* SPDX-License-Identifier: MIT
 *
 * Sockets of a slot that nobody serves are accepted on by another one's worker. Master only. */
#ifndef BROOD_CLUSTER_MASTER_ADOPT_H
#define BROOD_CLUSTER_MASTER_ADOPT_H

#include "cluster/master/master.h"

/* Sees that each slot's own sockets are accepted on by somebody. */
void adopt_follow(struct master *master, uint64_t now_ms);
/* The same when listeners have come or gone: those who adopted a slot's sockets have its former ones. */
void adopt_anew(struct master *master);
/* Nobody needs to accept for this slot any more. */
void adopt_release(struct slot *slot);
/* Whose worker does; NULL: nobody's. */
struct slot *adopt_adopter(const struct slot *slot);

#endif
