/* SPDX-License-Identifier: MIT
 *
 * A slot's life, as a table: what a numbered place for a worker does next when something happens to
 * its current worker. Pure: no processes, no clock, no loop. Master only.
 *
 *                 want                ready
 *       EMPTY ----------> STARTING ----------> SERVING
 *         ^                |  ^  ^               |  |
 *         |  (ended)       |  |  |    died       |  | unwant
 *      DRAINING <----------+  |  +---------------+  |
 *         ^          unwant   | timer      |        |
 *         |                   |            v        |
 *         |            BACKOFF, PARKED <--died      |
 *         +-----------------------------------------+
 */
#ifndef BROOD_CLUSTER_POLICY_SLOT_H
#define BROOD_CLUSTER_POLICY_SLOT_H

enum slot_state {
	SLOT_EMPTY,    /* not wanted */
	SLOT_STARTING, /* its worker has been forked and is not ready */
	SLOT_SERVING,
	SLOT_DRAINING, /* not wanted any more; its worker finishes */
	SLOT_BACKOFF,  /* its worker died early; the next one is due at a timer */
	SLOT_PARKED,   /* given up, but for a try from time to time */
	SLOT_STATES
};

enum slot_event {
	SLOT_WANT,         /* there is to be a worker */
	SLOT_UNWANT,       /* there is to be none */
	SLOT_READY,        /* the current worker can serve (also: a successor took its place) */
	SLOT_DIED,         /* the current worker ended; backoff.h says: try again at once */
	SLOT_DIED_EARLY,   /* the same, and it says: after a while */
	SLOT_DIED_IN_VAIN, /* the same, and it says: rather not */
	SLOT_SUCCEEDED,    /* it ended, and its successor, which starts, takes its place */
	SLOT_TIMER,        /* the while is over */
	SLOT_EVENTS
};

enum slot_action {
	SLOT_DO_NOTHING,
	SLOT_DO_START,  /* fork a worker */
	SLOT_DO_SERVE,  /* it takes connections now */
	SLOT_DO_WAIT,   /* arm the timer */
	SLOT_DO_PARK,   /* arm the timer, and say so loudly */
	SLOT_DO_DRAIN,  /* tell the worker to finish */
	SLOT_DO_CANCEL, /* disarm the timer */
};

/* Goes to the next state and returns what is to be done. Every event is allowed in every state; one
 * that means nothing there changes nothing. */
enum slot_action slot_step(enum slot_state *state, enum slot_event event);

const char *slot_state_name(enum slot_state state); /* "serving" */

#endif
