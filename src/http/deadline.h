/* SPDX-License-Identifier: MIT
 *
 * Deadlines of connections. All of one kind last equally long, so a list per kind, appended to at
 * its end, is in order of expiry: setting one is moving a link, and a sweep looks only at what is
 * due. Times are rounded up to a step, so that a busy connection seldom moves at all. */
#ifndef BROOD_HTTP_DEADLINE_H
#define BROOD_HTTP_DEADLINE_H

#include "base/list.h"

#include <stdint.h>

enum { DEADLINE_STEP_MS = 64 };

enum deadline_kind {
	DEADLINE_FIRST,  /* from the connection's start to its first octet */
	DEADLINE_HEAD,   /* from the first octet of a head to its last */
	DEADLINE_IDLE,   /* between two requests */
	DEADLINE_WRITE,  /* without progress of a response */
	DEADLINE_LINGER, /* after the last answer, until the client has closed */
	DEADLINE_KINDS
};

struct deadline {
	struct list link; /* in the list of its kind */
	uint64_t at_ms;
	enum deadline_kind kind;
};

struct deadlines {
	struct list lists[DEADLINE_KINDS];
	uint64_t timeout_ms[DEADLINE_KINDS]; /* to be set by the owner after deadlines_init */
};

void deadlines_init(struct deadlines *deadlines);

/* A deadline that is not set. */
void deadline_init(struct deadline *deadline);

/* Sets, or sets anew, to now + the kind's timeout. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind,
		  uint64_t now_ms);
void deadline_clear(struct deadline *deadline);

/* One that has passed, or NULL. It stays where it is: the caller clears it or sets it anew. */
struct deadline *deadlines_passed(const struct deadlines *deadlines, uint64_t now_ms);

/* Any one that is set, or NULL. */
struct deadline *deadlines_any(const struct deadlines *deadlines);

#endif
