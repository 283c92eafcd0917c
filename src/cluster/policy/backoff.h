/* SPDX-License-Identifier: MIT
 *
 * How long to wait before a slot's next try. A worker that served for a while is replaced at once; one
 * that dies early is replaced at once the first time, then after 100 ms, 200 ms ... 30 s, and after
 * eight early deaths in a row its slot is parked and tried every 30 s. Pure. Master only. */
#ifndef BROOD_CLUSTER_POLICY_BACKOFF_H
#define BROOD_CLUSTER_POLICY_BACKOFF_H

#include "cluster/policy/slot.h"

#include <stdint.h>

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_LAST_MS = 30000,
	BACKOFF_PARK_AFTER = 8,
	BACKOFF_PARKED_MS = 30000,
	BACKOFF_PROVEN_MS = 1000, /* ready for so long: the death was not an early one */
};

struct backoff {
	unsigned early_deaths; /* in a row, those for lack of something left out */
	unsigned short_deaths; /* these, which never park a slot */
};

enum backoff_death {
	BACKOFF_DEATH_LATE,      /* it had been ready for BACKOFF_PROVEN_MS */
	BACKOFF_DEATH_EARLY,     /* before that */
	BACKOFF_DEATH_FATAL,     /* it said that its set-up cannot succeed: park */
	BACKOFF_DEATH_RESOURCES, /* something was short: wait, but never give up for it */
};

/* What the slot is to be told (SLOT_DIED, SLOT_DIED_EARLY or SLOT_DIED_IN_VAIN), and when its timer is
 * due. `random` (any number) spreads the times of several slots by up to a quarter less. */
enum slot_event backoff_next(struct backoff *backoff, enum backoff_death death, uint32_t random, unsigned *delay_ms);

/* A worker has been ready for BACKOFF_PROVEN_MS, or a new configuration comes: forget the past. */
void backoff_reset(struct backoff *backoff);

#endif
