/* SPDX-License-Identifier: MIT
 *
 * Deadlines of connections, on a wheel: a circle of lists, one for each step of time, that is
 * turned as time goes by. Setting one, however far away, is moving a link; a sweep looks only at
 * the lists of the steps that have passed since the last one. What is further away than one round
 * of the wheel is met on the way and put back.
 *
 * A deadline passes at the end of the step that its time is in, never before it. So a busy
 * connection, whose deadline is set again and again, seldom moves to another list at all. The exact
 * time is kept: what is left of it can be handed on without a loss or a gain. */
#ifndef BROOD_HTTP_CONNECTION_DEADLINE_H
#define BROOD_HTTP_CONNECTION_DEADLINE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DEADLINE_STEP_SHIFT = 6,
	DEADLINE_STEP_MS = 1 << DEADLINE_STEP_SHIFT,
	DEADLINE_STEPS = 2048, /* of one round: 131 s, more than the usual timeouts */
};

enum deadline_kind {
	DEADLINE_PROXY,     /* from the connection's start to the end of its PROXY header */
	DEADLINE_HANDSHAKE, /* from the connection's start to the end of its TLS handshake */
	DEADLINE_FIRST,     /* from there to its first octet */
	DEADLINE_HEAD,      /* from the first octet of a head to its last */
	DEADLINE_IDLE,      /* between two requests */
	DEADLINE_WRITE,     /* without progress of a response */
	DEADLINE_LINGER,    /* after the last answer, until the client has closed */
	DEADLINE_KINDS
};

struct deadline {
	struct list link; /* in the list of its step, or among those that were met */
	uint64_t at_ms;   /* UINT64_MAX: not set */
	enum deadline_kind kind;
};

struct deadlines {
	uint64_t timeout_ms[DEADLINE_KINDS]; /* to be set by the owner after deadlines_init */
	uint64_t swept;                      /* the last step that has passed */
	struct list met;                     /* of steps up to that one, or a round further away */
	struct list steps[DEADLINE_STEPS];
};

void deadlines_init(struct deadlines *deadlines);

/* A deadline that is not set. */
void deadline_init(struct deadline *deadline);

/* Sets, or sets anew, to now + the kind's timeout. Times must not go backwards from call to call of
 * these functions. True: it belongs to another step than before. */
bool deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind, uint64_t now_ms);
/* The same with `left_ms` to go, at most the kind's timeout. */
void deadline_resume(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind, uint64_t left_ms,
		     uint64_t now_ms);
void deadline_clear(struct deadline *deadline);

/* 0 when it has passed. */
uint64_t deadline_left_ms(const struct deadline *deadline, uint64_t now_ms);

/* One that has passed, or NULL. It stays where it is: the caller clears it or sets it anew. */
struct deadline *deadlines_passed(struct deadlines *deadlines, uint64_t now_ms);

#endif
