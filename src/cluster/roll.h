/* SPDX-License-Identifier: MIT
 *
 * The order of a rolling restart: one slot after the other gets a worker of the next generation, the
 * old one being retired only once the new one is ready. Pure: it is told what happened and says what is
 * to be done. Master only.
 *
 *     begin --> START slot 0 --ready--> START slot 1 --ready--> ... --> DONE
 *                   |  a worker of this slot still drains: WAIT until it has ended
 *                   |  died or timed out: START again, ROLL_TRIES times in all, then FAILED
 *
 * A roll that is asked for while one runs is remembered, once, and begins when that one is over. */
#ifndef BROOD_CLUSTER_ROLL_H
#define BROOD_CLUSTER_ROLL_H

#include <stdbool.h>

enum { ROLL_TRIES = 3 };

struct roll {
	bool running;
	bool again;       /* asked for meanwhile */
	unsigned slot;    /* the one being replaced */
	unsigned tries;   /* of this slot */
	bool started;     /* a new worker of this slot is on its way */
};

enum roll_action {
	ROLL_NOTHING,
	ROLL_START,  /* start a new worker for roll->slot */
	ROLL_WAIT,   /* roll->slot has one that drains: tell roll_drained when it has ended */
	ROLL_DONE,   /* all slots are replaced */
	ROLL_FAILED, /* roll->slot could not be; what is replaced stays so */
};

/* `slots` is how many there are now, `draining` says whether the slot in question has a draining worker;
 * both are asked of the caller each time since they change while a roll runs. */
struct roll_view {
	unsigned slots;
	bool (*draining)(void *context, unsigned slot);
	void *context;
};

enum roll_action roll_begin(struct roll *roll, const struct roll_view *view);
enum roll_action roll_ready(struct roll *roll, const struct roll_view *view, unsigned slot);
enum roll_action roll_died(struct roll *roll, const struct roll_view *view, unsigned slot);
enum roll_action roll_drained(struct roll *roll, const struct roll_view *view, unsigned slot);

/* After ROLL_DONE or ROLL_FAILED: true when another one was asked for; begin it. */
bool roll_wanted_again(struct roll *roll);

void roll_cancel(struct roll *roll);

#endif
