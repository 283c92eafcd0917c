/* SPDX-License-Identifier: MIT
 *
 * A histogram of latencies (latency.h). */
#include "prove/latency.h"

static unsigned bucket_of(uint64_t us)
{
	unsigned doublings, bucket;

	if (us < LATENCY_EXACT)
		return (unsigned)us;
	doublings = 63 - (unsigned)__builtin_clzll(us) - 5; /* 64 to 127 µs: 1 */
	bucket = LATENCY_EXACT + (doublings - 1) * LATENCY_STEPS + (unsigned)(us >> doublings) - LATENCY_STEPS;
	return doublings > LATENCY_DOUBLINGS ? LATENCY_BUCKETS - 1 : bucket;
}

/* The largest value that falls into it. */
static uint64_t bucket_end(unsigned bucket)
{
	unsigned doublings, step;

	if (bucket < LATENCY_EXACT)
		return bucket;
	doublings = (bucket - LATENCY_EXACT) / LATENCY_STEPS + 1;
	step = (bucket - LATENCY_EXACT) % LATENCY_STEPS + LATENCY_STEPS;
	return (((uint64_t)step + 1) << doublings) - 1;
}

void latency_add(struct latency *latency, uint64_t us)
{
	latency->count++;
	latency->bucket[bucket_of(us)]++;
	if (us > latency->max_us)
		latency->max_us = us;
}

uint64_t latency_percentile_us(const struct latency *latency, unsigned percent)
{
	uint64_t wanted = (latency->count * percent + 99) / 100, seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS && wanted > 0; i++) {
		seen += latency->bucket[i];
		if (seen >= wanted && i < LATENCY_BUCKETS - 1 && bucket_end(i) < latency->max_us)
			return bucket_end(i);
		if (seen >= wanted)
			return latency->max_us;
	}
	return 0;
}
