/* SPDX-License-Identifier: MIT
 *
 * The order of a rolling restart (roll.h). Master only. */
#include "cluster/roll.h"

static enum roll_action over(struct roll *roll, enum roll_action verdict)
{
	roll->running = false;
	roll->started = false;
	return verdict;
}

/* Turns to roll->slot: starts its new worker, waits for its old one, or sees that all is done. */
static enum roll_action turn_to(struct roll *roll, const struct roll_view *view)
{
	roll->started = false;
	if (roll->slot >= view->slots)
		return over(roll, ROLL_DONE);
	if (view->draining(view->context, roll->slot))
		return ROLL_WAIT;
	roll->started = true;
	roll->tries++;
	return ROLL_START;
}

enum roll_action roll_begin(struct roll *roll, const struct roll_view *view)
{
	if (roll->running) {
		roll->again = true;
		return ROLL_NOTHING;
	}
	*roll = (struct roll){.running = true};
	return turn_to(roll, view);
}

enum roll_action roll_ready(struct roll *roll, const struct roll_view *view, unsigned slot)
{
	if (!roll->running || !roll->started || roll->slot != slot)
		return ROLL_NOTHING;
	roll->slot++;
	roll->tries = 0;
	return turn_to(roll, view);
}

enum roll_action roll_died(struct roll *roll, const struct roll_view *view, unsigned slot)
{
	if (!roll->running || !roll->started || roll->slot != slot)
		return ROLL_NOTHING;
	if (roll->tries >= ROLL_TRIES && slot < view->slots)
		return over(roll, ROLL_FAILED);
	return turn_to(roll, view);
}

enum roll_action roll_drained(struct roll *roll, const struct roll_view *view, unsigned slot)
{
	if (!roll->running || roll->started || roll->slot != slot)
		return ROLL_NOTHING;
	return turn_to(roll, view);
}

bool roll_wanted_again(struct roll *roll)
{
	bool again = roll->again && !roll->running;

	if (again)
		roll->again = false;
	return again;
}

void roll_cancel(struct roll *roll)
{
	*roll = (struct roll){0};
}
