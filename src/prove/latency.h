/* SPDX-License-Identifier: MIT
 *
 * How long answers took: a histogram of fixed size, exact to about 3 %, its maximum exact. Pure. */
#ifndef BROOD_PROVE_LATENCY_H
#define BROOD_PROVE_LATENCY_H

#include <stdint.h>

/* Below 64 µs each has a bucket of its own; above, each doubling has 32, to more than an hour. */
enum { LATENCY_EXACT = 64, LATENCY_STEPS = 32, LATENCY_DOUBLINGS = 26 };
enum { LATENCY_BUCKETS = LATENCY_EXACT + LATENCY_DOUBLINGS * LATENCY_STEPS };

/* All zero is an empty one. */
struct latency {
	uint64_t count;
	uint64_t max_us;
	uint64_t bucket[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t us);

/* What `percent` (1 to 100) of all took at most: the upper end of the bucket, but never more than
 * the maximum. 0 when there is nothing. */
uint64_t latency_percentile_us(const struct latency *latency, unsigned percent);

#endif
