/* SPDX-License-Identifier: MIT
 *
 * Whether what clients saw is what was promised to them. Pure. */
#ifndef BROOD_PROVE_VERDICT_H
#define BROOD_PROVE_VERDICT_H

#include "prove/counts.h"

#include <stdbool.h>
#include <stddef.h>

/* May a server that replaces its workers close a kept connection after an answer that announces it?
 * A client loses nothing by it but has to connect anew. It may not: connections move to the next
 * worker, so there is no reason. */
enum { VERDICT_ANNOUNCED_CLOSE_IS_ALLOWED = 0 };

/* What is broken, as bits. 0: nothing. */
enum {
	VERDICT_FAILED = 1 << 0,     /* requests without a full answer */
	VERDICT_WRONG = 1 << 1,      /* answers that are not right */
	VERDICT_REFUSED = 1 << 2,    /* connections that were not accepted */
	VERDICT_CLOSED = 1 << 3,     /* connections closed without a word */
	VERDICT_RESET = 1 << 4,      /* connections reset */
	VERDICT_HUNG = 1 << 5,       /* connections without an answer in time */
	VERDICT_ANNOUNCED = 1 << 6,  /* connections closed with notice, where that counts */
	VERDICT_KILLED = 1 << 7,     /* what went with a killed worker, where that counts */
	VERDICT_STALE = 1 << 8,      /* kept connections that stayed with a replaced worker */
	VERDICT_EVENTS = 1 << 9,     /* not every event was carried through */
	VERDICT_UNCOUNTED = 1 << 10, /* requests whose end was not seen: worth nothing */
	VERDICT_UNASKED = 1 << 11,   /* octets that nobody asked for */
};

struct verdict_rules {
	bool announced_close_allowed;
	bool killed_may_lose; /* a killed worker's own connections may be lost */
	bool stops;           /* the server: connections may end on which nothing is asked */
};

/* What the experiment found besides the counts. */
struct verdict_facts {
	unsigned events_wanted, events_done;
	unsigned stale;
};

unsigned verdict(const struct counts *counts, const struct verdict_facts *facts, const struct verdict_rules *rules);

/* "3 requests failed, 1 connection was reset": all of it, or as much as fits. */
void verdict_describe(unsigned broken, const struct counts *counts, const struct verdict_facts *facts, char *out,
		      size_t room);

#endif
