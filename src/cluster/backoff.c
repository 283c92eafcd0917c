/* SPDX-License-Identifier: MIT
 *
 * How long to wait before a slot's next try (backoff.h). Master only. */
#include "cluster/backoff.h"

static unsigned jitter(unsigned delay_ms, uint32_t random)
{
	return delay_ms - random % (delay_ms / 4 + 1);
}

/* 0 for the first early death, then 100 ms, doubling. */
static unsigned delay_after(unsigned early_deaths)
{
	unsigned delay_ms = BACKOFF_FIRST_MS;

	if (early_deaths <= 1)
		return 0;
	while (--early_deaths > 1 && delay_ms < BACKOFF_LAST_MS)
		delay_ms *= 2;
	return delay_ms < BACKOFF_LAST_MS ? delay_ms : BACKOFF_LAST_MS;
}

enum slot_event backoff_next(struct backoff *backoff, enum backoff_death death, uint32_t random,
			     unsigned *delay_ms)
{
	*delay_ms = 0;
	if (death == BACKOFF_DEATH_LATE) {
		backoff_reset(backoff);
		return SLOT_DIED;
	}
	if (backoff->early_deaths < BACKOFF_COUNTED_MAX)
		backoff->early_deaths++;
	if (death == BACKOFF_DEATH_FATAL ||
	    (death == BACKOFF_DEATH_EARLY && backoff->early_deaths >= BACKOFF_PARK_AFTER)) {
		*delay_ms = jitter(BACKOFF_PARKED_MS, random);
		return SLOT_DIED_IN_VAIN;
	}
	*delay_ms = delay_after(backoff->early_deaths);
	if (death == BACKOFF_DEATH_RESOURCES && *delay_ms == 0)
		*delay_ms = BACKOFF_FIRST_MS; /* at once would only be short of the same again */
	if (*delay_ms == 0)
		return SLOT_DIED;
	*delay_ms = jitter(*delay_ms, random);
	return SLOT_DIED_EARLY;
}

void backoff_reset(struct backoff *backoff)
{
	backoff->early_deaths = 0;
}
