/* SPDX-License-Identifier: MIT
 *
 * A roll (roll.h). Master only. */
#include "cluster/policy/roll.h"

static enum roll_action over(struct roll *roll, enum roll_action verdict)
{
	roll->phase = ROLL_IDLE;
	roll->started = false;
	return verdict;
}

/* Starts the worker of roll->slot, or waits for the one that drains there. */
static enum roll_action start(struct roll *roll, const struct roll_view *view)
{
	roll->started = false;
	if (view->draining(view->context, roll->slot))
		return ROLL_WAIT;
	roll->started = true;
	roll->tries++;
	return ROLL_START;
}

static enum roll_action forward(struct roll *roll, const struct roll_view *view)
{
	if (roll->slot < view->slots)
		return start(roll, view);
	roll->phase = ROLL_SETTLING;
	roll->started = false;
	return ROLL_COMMIT;
}

/* The slots below roll->slot have to be put back, those that are still there. */
static enum roll_action back(struct roll *roll, const struct roll_view *view)
{
	roll->tries = 0;
	while (roll->slot > 0)
		if (--roll->slot < view->slots)
			return start(roll, view);
	roll->phase = ROLL_SETTLING_BACK;
	roll->started = false;
	return ROLL_GIVE_BACK;
}

static enum roll_action next(struct roll *roll, const struct roll_view *view)
{
	if (roll->phase == ROLL_BACK)
		return back(roll, view);
	roll->slot++;
	roll->tries = 0;
	return forward(roll, view);
}

static bool is_waited_for(const struct roll *roll, unsigned slot, bool started)
{
	return (roll->phase == ROLL_FORWARD || roll->phase == ROLL_BACK) && roll->slot == slot &&
	       roll->started == started;
}

enum roll_action roll_begin(struct roll *roll, const struct roll_view *view)
{
	if (roll->phase != ROLL_IDLE) {
		roll->again = true;
		return ROLL_NOTHING;
	}
	*roll = (struct roll){.phase = ROLL_FORWARD};
	return forward(roll, view);
}

void roll_look(struct roll *roll)
{
	if (roll->phase == ROLL_IDLE)
		*roll = (struct roll){.phase = ROLL_LOOKING};
}

enum roll_action roll_looked(struct roll *roll, const struct roll_view *view, bool good)
{
	if (roll->phase != ROLL_LOOKING)
		return ROLL_NOTHING;
	if (!good)
		return over(roll, ROLL_FAILED);
	roll->phase = ROLL_FORWARD; /* asked for meanwhile, another one follows */
	return forward(roll, view);
}

enum roll_action roll_ready(struct roll *roll, const struct roll_view *view, unsigned slot)
{
	return is_waited_for(roll, slot, true) ? next(roll, view) : ROLL_NOTHING;
}

enum roll_action roll_died(struct roll *roll, const struct roll_view *view, unsigned slot, bool accident)
{
	if (!is_waited_for(roll, slot, true))
		return ROLL_NOTHING;
	if (slot >= view->slots) /* it went away meanwhile, and its worker with it */
		return next(roll, view);
	if (accident && roll->tries < ROLL_TRIES)
		return start(roll, view);
	/* On the way back there is nothing left to return to: that slot keeps what it has. */
	roll->phase = ROLL_BACK;
	return back(roll, view);
}

enum roll_action roll_drained(struct roll *roll, const struct roll_view *view, unsigned slot)
{
	if (!is_waited_for(roll, slot, false))
		return ROLL_NOTHING;
	return slot < view->slots ? start(roll, view) : next(roll, view);
}

enum roll_action roll_settled(struct roll *roll, const struct roll_view *view)
{
	if ((roll->phase != ROLL_SETTLING && roll->phase != ROLL_SETTLING_BACK) || !view->settled(view->context))
		return ROLL_NOTHING;
	return over(roll, roll->phase == ROLL_SETTLING ? ROLL_DONE : ROLL_FAILED);
}

bool roll_wanted_again(struct roll *roll)
{
	bool again = roll->again && roll->phase == ROLL_IDLE;

	if (again)
		roll->again = false;
	return again;
}

void roll_cancel(struct roll *roll)
{
	*roll = (struct roll){0};
}

const char *roll_kind_name(enum roll_kind kind)
{
	static const char *const names[] = {[ROLL_KIND_NONE] = "",
					    [ROLL_KIND_RESTART] = "restart",
					    [ROLL_KIND_RELOAD] = "reload",
					    [ROLL_KIND_UPGRADE] = "upgrade"};

	return names[kind];
}
