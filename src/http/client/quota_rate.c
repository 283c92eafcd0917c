/* SPDX-License-Identifier: MIT
 *
 * Requests per second of each client, by the generic cell rate algorithm: a client has a time at
 * which its bucket would be full again, each request puts that off by one interval, and it must not
 * be further ahead than the burst allows. One whose time has come is as if it had never been here,
 * so its bucket may be another's. Workers. */
#include "http/client/quota_table.h"

#include <stddef.h>

enum { TIME_BITS = 40 };

#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define HOUR_US   (UINT64_C(3600) * 1000 * 1000)
#define DAY_US    (24 * HOUR_US)

struct quota_rate quota_rate_of(uint64_t requests_per_hour, unsigned burst)
{
	struct quota_rate rate = {0};

	if (requests_per_hour == 0)
		return rate;
	rate.interval_us = HOUR_US / requests_per_hour;
	if (rate.interval_us == 0)
		rate.interval_us = 1;
	rate.tolerance_us = burst > 1 ? rate.interval_us * (burst - 1) : 0;
	if (rate.tolerance_us > DAY_US)
		rate.tolerance_us = DAY_US / rate.interval_us * rate.interval_us;
	return rate;
}

static uint64_t *set_of(struct quota *quota, uint64_t client)
{
	return quota->shared->buckets[client % QUOTA_BUCKET_SETS];
}

/* Never 0. */
static uint64_t tag_of(uint64_t client)
{
	return client >> TIME_BITS | 1;
}

/* How far from now it is full again: 0 when it is. Times go around in twelve days; what would be
 * further ahead than half of them lies behind. */
static uint64_t ahead_of(uint64_t bucket, uint64_t now_us)
{
	uint64_t ahead = (bucket - now_us) & TIME_MASK;

	return ahead <= TIME_MASK / 2 ? ahead : 0;
}

/* The client's bucket, or else one that is free or full again, or NULL: all are busy. *out is what
 * was in it. */
static uint64_t *find(uint64_t *set, uint64_t tag, uint64_t now_us, uint64_t *out)
{
	uint64_t *other = NULL;

	for (unsigned i = 0; i < QUOTA_BUCKETS; i++) {
		uint64_t bucket = quota_load(&set[i]);

		if (bucket >> TIME_BITS == tag) {
			*out = bucket;
			return &set[i];
		}
		if (!other && (bucket == 0 || ahead_of(bucket, now_us) == 0)) {
			other = &set[i];
			*out = bucket;
		}
	}
	return other;
}

uint64_t quota_ask(struct quota *quota, const struct quota_rate *rate, uint64_t client, uint64_t now_ms)
{
	uint64_t *set = set_of(quota, client), *at, bucket = 0, ahead, next;
	uint64_t tag = tag_of(client), now_us = now_ms * 1000;
	/* Nobody gets further ahead than this but under another rate, which a reload has changed. */
	uint64_t most = rate->tolerance_us + rate->interval_us;

	for (unsigned i = 0; i < QUOTA_TRIES; i++) {
		at = find(set, tag, now_us, &bucket);
		if (!at)
			return 0;
		ahead = bucket >> TIME_BITS == tag ? ahead_of(bucket, now_us) : 0;
		if (ahead > rate->tolerance_us && ahead <= most)
			return ahead - rate->tolerance_us;
		next = ahead > most ? most : ahead + rate->interval_us;
		if (quota_swap(at, bucket, tag << TIME_BITS | ((now_us + next) & TIME_MASK)))
			return ahead > most ? rate->interval_us : 0;
	}
	return 0;
}
