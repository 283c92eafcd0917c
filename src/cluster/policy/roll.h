/* SPDX-License-Identifier: MIT
 *
 * A roll: every slot gets a worker of the next generation, one slot after the other, the old worker
 * draining only once the new one is ready; all of them, or none. Pure: it is told what happened and
 * says what is to be done. Master only.
 *
 *     IDLE --look--> LOOKING  at what the next generation needs --looked--> FORWARD, or FAILED, IDLE
 *     IDLE --begin--> FORWARD  slot 0, 1, 2 ... : START its new worker --ready--> next slot
 *                        |  | last one ready: COMMIT
 *                        |  +--> SETTLING  --the old ones have handed over, the logs are new--> DONE, IDLE
 *                        | a new worker failed
 *                        +-----> BACK  the replaced slots, last one first: START a worker of the old
 *                                |     kind --ready--> next slot ...
 *                                | last one ready: GIVE_BACK
 *                                +--> SETTLING_BACK  --those of the new kind have handed over-->
 *                                                                                 FAILED, IDLE
 *
 * A slot whose former worker still drains is waited for, so that there is never more than one. A new
 * worker that is killed from outside is tried again; one that gives up by itself is not.
 * A roll that is asked for while one runs is remembered, once, and begins when that one is over. */
#ifndef BROOD_CLUSTER_POLICY_ROLL_H
#define BROOD_CLUSTER_POLICY_ROLL_H

#include <stdbool.h>

enum { ROLL_TRIES = 3 };

/* What is asked for. A restart goes on with the configuration in force, others read it again. */
enum roll_kind { ROLL_KIND_NONE, ROLL_KIND_RESTART, ROLL_KIND_RELOAD, ROLL_KIND_UPGRADE };

enum roll_phase { ROLL_IDLE, ROLL_LOOKING, ROLL_FORWARD, ROLL_SETTLING, ROLL_BACK, ROLL_SETTLING_BACK, ROLL_PHASES };

struct roll {
	enum roll_phase phase;
	unsigned slot;  /* FORWARD: being replaced; BACK: being put back */
	unsigned tries; /* of this slot */
	bool started;   /* a worker for it is on its way */
	bool again;     /* asked for meanwhile */
};

enum roll_action {
	ROLL_NOTHING,
	ROLL_START,     /* start a worker for roll->slot: of the new kind in FORWARD, of the old one in BACK */
	ROLL_WAIT,      /* roll->slot has one that drains: tell roll_drained when it has ended */
	ROLL_COMMIT,    /* all slots are replaced: the new kind is in force; then call roll_settled */
	ROLL_DONE,      /* the new kind is in force, and the old workers hold nothing that could move */
	ROLL_GIVE_BACK, /* all slots are as they were: the new kind is given up; then call roll_settled */
	ROLL_FAILED,    /* everything is as it was, and workers of the new kind hold nothing that could move */
};

/* What the roll asks about the world, which changes while it runs. */
struct roll_view {
	unsigned slots;
	bool (*draining)(void *context, unsigned slot); /* has it a worker that drains? */
	bool (*settled)(void *context);                 /* has each of those handed over, and are the logs new? */
	void *context;
};

enum roll_action roll_begin(struct roll *roll, const struct roll_view *view);

/* In place of a begin, where there is something to wait for before. Then it has been seen, and is as it is to be. */
void roll_look(struct roll *roll);
enum roll_action roll_looked(struct roll *roll, const struct roll_view *view, bool good);

/* The slot's new worker is ready. */
enum roll_action roll_ready(struct roll *roll, const struct roll_view *view, unsigned slot);

/* It ended before that, or could not be started. `accident`: not by its own fault. */
enum roll_action roll_died(struct roll *roll, const struct roll_view *view, unsigned slot, bool accident);

/* The slot has no draining worker any more. */
enum roll_action roll_drained(struct roll *roll, const struct roll_view *view, unsigned slot);

/* A draining worker has handed over or ended, or the commit (the giving up) is done. */
enum roll_action roll_settled(struct roll *roll, const struct roll_view *view);

/* After ROLL_DONE or ROLL_FAILED: true when another one was asked for; begin it. */
bool roll_wanted_again(struct roll *roll);

void roll_cancel(struct roll *roll);

const char *roll_kind_name(enum roll_kind kind); /* "reload" */

#endif
