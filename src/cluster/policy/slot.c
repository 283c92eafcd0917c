/* SPDX-License-Identifier: MIT
 *
 * A slot's life (slot.h). Master only. */
#include "cluster/policy/slot.h"

struct step {
	unsigned char next, action;
};

/* clang-format off */
#define STAY(state) {SLOT_##state, SLOT_DO_NOTHING}
#define GO(state, act) {SLOT_##state, SLOT_DO_##act}

static const struct step table[SLOT_STATES][SLOT_EVENTS] = {
	[SLOT_EMPTY] = {
		[SLOT_WANT]         = GO(STARTING, START),
		[SLOT_UNWANT]       = STAY(EMPTY),
		[SLOT_READY]        = STAY(EMPTY),
		[SLOT_DIED]         = STAY(EMPTY),
		[SLOT_DIED_EARLY]   = STAY(EMPTY),
		[SLOT_DIED_IN_VAIN] = STAY(EMPTY),
		[SLOT_SUCCEEDED]    = STAY(EMPTY),
		[SLOT_TIMER]        = STAY(EMPTY),
	},
	[SLOT_STARTING] = {
		[SLOT_WANT]         = STAY(STARTING),
		[SLOT_UNWANT]       = GO(DRAINING, DRAIN),
		[SLOT_READY]        = GO(SERVING, SERVE),
		[SLOT_DIED]         = GO(STARTING, START),
		[SLOT_DIED_EARLY]   = GO(BACKOFF, WAIT),
		[SLOT_DIED_IN_VAIN] = GO(PARKED, PARK),
		[SLOT_SUCCEEDED]    = STAY(STARTING),
		[SLOT_TIMER]        = STAY(STARTING),
	},
	[SLOT_SERVING] = {
		[SLOT_WANT]         = STAY(SERVING),
		[SLOT_UNWANT]       = GO(DRAINING, DRAIN),
		[SLOT_READY]        = STAY(SERVING),
		[SLOT_DIED]         = GO(STARTING, START),
		[SLOT_DIED_EARLY]   = GO(BACKOFF, WAIT),
		[SLOT_DIED_IN_VAIN] = GO(PARKED, PARK),
		[SLOT_SUCCEEDED]    = GO(STARTING, NOTHING),
		[SLOT_TIMER]        = STAY(SERVING),
	},
	[SLOT_DRAINING] = {
		[SLOT_WANT]         = GO(STARTING, START), /* beside the one that drains */
		[SLOT_UNWANT]       = STAY(DRAINING),
		[SLOT_READY]        = STAY(DRAINING),      /* too late */
		[SLOT_DIED]         = STAY(EMPTY),
		[SLOT_DIED_EARLY]   = STAY(EMPTY),
		[SLOT_DIED_IN_VAIN] = STAY(EMPTY),
		[SLOT_SUCCEEDED]    = STAY(DRAINING),
		[SLOT_TIMER]        = STAY(DRAINING),
	},
	[SLOT_BACKOFF] = {
		[SLOT_WANT]         = STAY(BACKOFF),
		[SLOT_UNWANT]       = GO(EMPTY, CANCEL),
		[SLOT_READY]        = GO(SERVING, CANCEL), /* a roll's new worker took the place */
		[SLOT_DIED]         = STAY(BACKOFF),
		[SLOT_DIED_EARLY]   = STAY(BACKOFF),
		[SLOT_DIED_IN_VAIN] = STAY(BACKOFF),
		[SLOT_SUCCEEDED]    = STAY(BACKOFF),
		[SLOT_TIMER]        = GO(STARTING, START),
	},
	[SLOT_PARKED] = {
		[SLOT_WANT]         = STAY(PARKED),
		[SLOT_UNWANT]       = GO(EMPTY, CANCEL),
		[SLOT_READY]        = GO(SERVING, CANCEL),
		[SLOT_DIED]         = STAY(PARKED),
		[SLOT_DIED_EARLY]   = STAY(PARKED),
		[SLOT_DIED_IN_VAIN] = STAY(PARKED),
		[SLOT_SUCCEEDED]    = STAY(PARKED),
		[SLOT_TIMER]        = GO(STARTING, START),
	},
};
/* clang-format on */

enum slot_action slot_step(enum slot_state *state, enum slot_event event)
{
	const struct step *step = &table[*state][event];

	*state = step->next;
	return step->action;
}

const char *slot_state_name(enum slot_state state)
{
	static const char *const names[SLOT_STATES] = {
		[SLOT_EMPTY] = "empty",       [SLOT_STARTING] = "starting", [SLOT_SERVING] = "serving",
		[SLOT_DRAINING] = "draining", [SLOT_BACKOFF] = "backoff",   [SLOT_PARKED] = "parked",
	};

	return names[state];
}
