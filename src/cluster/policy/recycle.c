/* SPDX-License-Identifier: MIT
 *
 * When a worker has done enough (recycle.h). Master only. */
#include "cluster/policy/recycle.h"

#include <inttypes.h>
#include <stdio.h>

enum { JITTER_STEPS = 1024 };

/* Divides first: no limit is too large for this, and a small one loses nothing. */
static uint64_t lower(uint64_t limit, unsigned step)
{
	uint64_t less = limit / 10 / JITTER_STEPS * step + limit / 10 % JITTER_STEPS * step / JITTER_STEPS;

	return limit - less;
}

struct recycle_limits recycle_decide(const struct recycle_limits *set, uint32_t random)
{
	unsigned step = random % (JITTER_STEPS + 1);

	return (struct recycle_limits){
		.requests = lower(set->requests, step),
		.memory_bytes = lower(set->memory_bytes, step),
		.age_ms = lower(set->age_ms, step),
	};
}

enum recycle_reason recycle_judge(const struct recycle_limits *limits, uint64_t requests, uint64_t memory_bytes,
				  uint64_t age_ms)
{
	if (age_ms < RECYCLE_YOUNG_MS)
		return RECYCLE_NOT;
	if (limits->requests > 0 && requests >= limits->requests)
		return RECYCLE_REQUESTS;
	if (limits->age_ms > 0 && age_ms >= limits->age_ms)
		return RECYCLE_AGE;
	if (limits->memory_bytes > 0 && memory_bytes >= limits->memory_bytes && age_ms >= RECYCLE_YOUNG_FOR_MEMORY_MS)
		return RECYCLE_MEMORY;
	return RECYCLE_NOT;
}

void recycle_describe(enum recycle_reason reason, uint64_t requests, uint64_t memory_bytes, uint64_t age_ms, char *out,
		      size_t room)
{
	switch (reason) {
	case RECYCLE_REQUESTS:
		snprintf(out, room, "%" PRIu64 " requests (max_requests)", requests);
		break;
	case RECYCLE_MEMORY:
		snprintf(out, room, "%" PRIu64 " KiB of memory (max_memory)", memory_bytes / 1024);
		break;
	case RECYCLE_AGE:
		snprintf(out, room, "%" PRIu64 " s of age (max_age)", age_ms / 1000);
		break;
	case RECYCLE_NOT:
		snprintf(out, room, "no reason");
		break;
	}
}
