/* SPDX-License-Identifier: MIT
 *
 * How fast a client must send, or take what it is sent. A total of time alone cannot tell a slow
 * line from a client that only wants to stay; so many octets a second can. */
#ifndef BROOD_HTTP_CONNECTION_PACE_H
#define BROOD_HTTP_CONNECTION_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_GRACE_MS = 5000, /* for who sends: a line that begins slowly, or stalls for a moment */
	PACE_RATE_MAX = 1 << 30,
};

/* From when on it is measured, and what had been taken by then. */
struct pace {
	uint64_t from_ms;
	uint64_t octets;
};

/* Whether these octets in that time are enough, at `rate` octets a second; always when that is 0. */
static inline bool pace_is_kept(uint64_t octets, uint64_t elapsed_ms, uint64_t rate)
{
	return octets * 1000 >= rate * elapsed_ms;
}

/* When somebody who sends will be too slow, if nothing more comes than these octets: 0 when that is
 * so already, else how long it is from now. `rate` is not 0. */
static inline uint64_t pace_left_ms(const struct pace *pace, uint64_t octets, uint64_t rate, uint64_t now_ms)
{
	uint64_t enough_ms = octets * 1000 / rate;
	uint64_t until_ms = pace->from_ms + (enough_ms > PACE_GRACE_MS ? enough_ms : PACE_GRACE_MS);

	return until_ms > now_ms ? until_ms - now_ms : 0;
}

#endif
