/* SPDX-License-Identifier: MIT
 *
 * When the files of a certificate have changed for good, when they are checked, and when somebody is told
 * that it ends soon. Pure: looking and checking is done by renewal.c. */
#ifndef BROOD_BROOD_CERTIFICATES_CERTIFICATE_WATCH_H
#define BROOD_BROOD_CERTIFICATES_CERTIFICATE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum watch_state {
	WATCH_QUIET,    /* what is there has been judged */
	WATCH_SETTLING, /* it has not, and may still be in the making */
	WATCH_CHECKING, /* a copy of it is being checked */
	WATCH_STALE,    /* the same, but by now it is another one */
	WATCH_OFFERED,  /* it was good, and workers are asked whether they take it */
	WATCH_PASSING,  /* the same, but by now it is another one */
	WATCH_STATES
};

enum watch_event {
	WATCH_SAME,    /* the files are what they were at the last look */
	WATCH_CHANGED, /* they are not */
	WATCH_GOOD,    /* the check's verdicts */
	WATCH_BAD,
	WATCH_FAILED, /* there could be no check, or no answer, for reasons that will pass */
	WATCH_TAKEN,  /* what workers have answered, all together */
	WATCH_SPURNED,
	WATCH_EVENTS
};

enum watch_action {
	WATCH_NOTHING,
	WATCH_CHECK,
	WATCH_OFFER,
	WATCH_USE,
	WATCH_REFUSE,
};

enum watch_action watch_happen(enum watch_state *state, enum watch_event event);

/* What workers have answered, of those that were asked: WATCH_SAME: it is too early to tell. `open`: are there,
 * and have not answered yet; `late`: they have had time enough. More have to say yes than no, so that no single one has
 * a say; and with none to ask it is for those that will start. */
enum watch_event watch_answers(unsigned asked, unsigned yes, unsigned no, unsigned open, bool late);

/* Of the days at which somebody is told that a certificate ends soon (30, 7, 1, and 0 when it has ended):
 * the last one that has come and that nobody was told of, -1 when there is none. `told`: 0 for a new
 * certificate; notes those that need not be told any more. Times in seconds since 1970. */
int watch_days_to_tell(int64_t not_after, int64_t now, unsigned *told);

/* Whole days that are left, 0 from the end on. */
int watch_days_left(int64_t not_after, int64_t now);

#endif
