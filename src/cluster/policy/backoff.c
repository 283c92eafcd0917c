/* SPDX-License-Identifier: MIT
 *
 * How long to wait before a slot's next try (backoff.h). Master only. */
#include "cluster/policy/backoff.h"

static unsigned jitter(unsigned delay_ms, uint32_t random)
{
	return delay_ms - random % (delay_ms / 4 + 1);
}

/* 100 ms for the first wait, doubling. */
static unsigned delay_of(unsigned wait)
{
	unsigned delay_ms = BACKOFF_FIRST_MS;

	while (--wait > 0 && delay_ms < BACKOFF_LAST_MS)
		delay_ms *= 2;
	return delay_ms < BACKOFF_LAST_MS ? delay_ms : BACKOFF_LAST_MS;
}

enum slot_event backoff_next(struct backoff *backoff, enum backoff_death death, uint32_t random, unsigned *delay_ms)
{
	*delay_ms = 0;
	if (death == BACKOFF_DEATH_LATE) {
		backoff_reset(backoff);
		return SLOT_DIED;
	}
	if (death == BACKOFF_DEATH_RESOURCES) { /* at once would only be short of the same again */
		backoff->short_deaths++;
		*delay_ms = jitter(delay_of(backoff->short_deaths), random);
		return SLOT_DIED_EARLY;
	}
	if (backoff->early_deaths < BACKOFF_PARK_AFTER)
		backoff->early_deaths++;
	if (death == BACKOFF_DEATH_FATAL || backoff->early_deaths >= BACKOFF_PARK_AFTER) {
		*delay_ms = jitter(BACKOFF_PARKED_MS, random);
		return SLOT_DIED_IN_VAIN;
	}
	if (backoff->early_deaths == 1)
		return SLOT_DIED;
	*delay_ms = jitter(delay_of(backoff->early_deaths - 1), random);
	return SLOT_DIED_EARLY;
}

void backoff_reset(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}
