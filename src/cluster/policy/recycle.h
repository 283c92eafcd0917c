/* SPDX-License-Identifier: MIT
 *
 * When a worker has done enough: after a number of requests, with so much memory, at an age. Pure.
 * Master only.
 *
 * Each worker's own limits are decided at its start, up to a tenth below those that are set, so
 * that workers which began together do not come due together. */
#ifndef BROOD_CLUSTER_POLICY_RECYCLE_H
#define BROOD_CLUSTER_POLICY_RECYCLE_H

#include "cluster/cluster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* A worker is left alone for so long, lest a limit that every worker exceeds (one request;
	 * less memory than it starts with) keep the server busy with nothing but replacing them. */
	RECYCLE_YOUNG_MS = 2000,
	RECYCLE_YOUNG_FOR_MEMORY_MS = 10000,
};

enum recycle_reason { RECYCLE_NOT, RECYCLE_REQUESTS, RECYCLE_MEMORY, RECYCLE_AGE };

/* What a new worker's limits are, for those that are set. */
struct recycle_limits recycle_decide(const struct recycle_limits *set, uint32_t random);

/* Should this one be replaced? memory_bytes 0: not known. */
enum recycle_reason recycle_judge(const struct recycle_limits *limits, uint64_t requests, uint64_t memory_bytes,
				  uint64_t age_ms);

/* "50123 requests (max_requests)", for the log. */
void recycle_describe(enum recycle_reason reason, uint64_t requests, uint64_t memory_bytes, uint64_t age_ms, char *out,
		      size_t room);

#endif
