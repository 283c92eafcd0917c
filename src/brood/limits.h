/* SPDX-License-Identifier: MIT
 *
 * Limits that hold for all workers together (http/client/quota.h), joined with the cluster: each worker's
 * number in the table is its own, and is cleared by the master when its process has ended. Connections
 * that move are counted by their taker before the giver hears that they are taken, since it may be gone
 * right after: for a moment they count twice. */
#ifndef BROOD_BROOD_LIMITS_H
#define BROOD_BROOD_LIMITS_H

#include "cluster/cluster.h"
#include "http/http.h"
#include "http/client/quota.h"

struct server;
struct worker;

/* Worker: what its configuration sets. */
struct http_limits limits_of(const struct server *server, const struct worker *worker);

/* Worker: connections that are about to move here, which this counts until they are here. All-zero: none. */
struct limits_expected {
	struct quota_hold holds[CLUSTER_EXPECTED_MAX];
	unsigned count, come;
};

/* One that is given with that state, and is to be counted for this worker from now on. */
void limits_expect(struct limits_expected *expected, struct quota *quota, unsigned worker, const void *state,
		   size_t size);

/* The first one of them is here and counts by itself, or could not be taken. */
void limits_come(struct limits_expected *expected, struct quota *quota);

/* Master: for the cluster's callback. */
void limits_worker_ended(void *server, const struct master *master, unsigned worker);

#endif
