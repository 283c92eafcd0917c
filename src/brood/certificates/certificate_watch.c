/* SPDX-License-Identifier: MIT
 *
 * See certificate_watch.h.
 *
 *                changed               same              bad: refuse it
 *     +-------+ ---------> +----------+ ------> +----------+ --------------------> QUIET
 *     | QUIET |            | SETTLING |         | CHECKING |
 *     +-------+            +----------+         +----------+  good: offer it
 *                           ^  ^    failed         |   |  \------------------+
 *                           |  +-------------------+   | changed             v
 *                           |    verdict            +-------+          +---------+  taken: use it
 *                           +-----------------------| STALE |          | OFFERED | ----------------> QUIET
 *                                                   +-------+          +---------+  spurned: refuse it
 *
 * What changes while it is OFFERED is PASSING: used or refused just the same, and then SETTLING; so is one that could
 * be offered to nobody (failed).
 *
 * A key that is replaced a moment after its certificate, or file by file over a slow line: as long as anything
 * changes from one look to the next, nothing is judged. */
#include "brood/certificates/certificate_watch.h"

#include <stddef.h>

enum { DAY_S = 24 * 60 * 60 };

struct rule {
	enum watch_state next;
	enum watch_action action;
};

static const struct rule rules[WATCH_STATES][WATCH_EVENTS] =
	{
		[WATCH_QUIET] =
			{
				[WATCH_SAME] = {WATCH_QUIET, WATCH_NOTHING},
				[WATCH_CHANGED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_QUIET, WATCH_NOTHING},
				[WATCH_BAD] = {WATCH_QUIET, WATCH_NOTHING},
				[WATCH_FAILED] = {WATCH_QUIET, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_QUIET, WATCH_NOTHING},
				[WATCH_SPURNED] = {WATCH_QUIET, WATCH_NOTHING},
			},
		[WATCH_SETTLING] =
			{
				[WATCH_SAME] = {WATCH_CHECKING, WATCH_CHECK},
				[WATCH_CHANGED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_BAD] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_SPURNED] = {WATCH_SETTLING, WATCH_NOTHING},
			},
		[WATCH_CHECKING] =
			{
				[WATCH_SAME] = {WATCH_CHECKING, WATCH_NOTHING},
				[WATCH_CHANGED] = {WATCH_STALE, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_OFFERED, WATCH_OFFER},
				[WATCH_BAD] = {WATCH_QUIET, WATCH_REFUSE},
				[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_CHECKING, WATCH_NOTHING},
				[WATCH_SPURNED] = {WATCH_CHECKING, WATCH_NOTHING},
			},
		[WATCH_STALE] =
			{
				[WATCH_SAME] = {WATCH_STALE, WATCH_NOTHING},
				[WATCH_CHANGED] = {WATCH_STALE, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_BAD] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_STALE, WATCH_NOTHING},
				[WATCH_SPURNED] = {WATCH_STALE, WATCH_NOTHING},
			},
		[WATCH_OFFERED] =
			{
				[WATCH_SAME] = {WATCH_OFFERED, WATCH_NOTHING},
				[WATCH_CHANGED] = {WATCH_PASSING, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_OFFERED, WATCH_NOTHING},
				[WATCH_BAD] = {WATCH_OFFERED, WATCH_NOTHING},
				[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_QUIET, WATCH_USE},
				[WATCH_SPURNED] = {WATCH_QUIET, WATCH_REFUSE},
			},
		[WATCH_PASSING] =
			{
				[WATCH_SAME] = {WATCH_PASSING, WATCH_NOTHING},
				[WATCH_CHANGED] = {WATCH_PASSING, WATCH_NOTHING},
				[WATCH_GOOD] = {WATCH_PASSING, WATCH_NOTHING},
				[WATCH_BAD] = {WATCH_PASSING, WATCH_NOTHING},
				[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
				[WATCH_TAKEN] = {WATCH_SETTLING, WATCH_USE},
				[WATCH_SPURNED] = {WATCH_SETTLING, WATCH_REFUSE},
			},
};

enum watch_action watch_happen(enum watch_state *state, enum watch_event event)
{
	const struct rule *rule = &rules[*state][event];

	*state = rule->next;
	return rule->action;
}

enum watch_event watch_answers(unsigned asked, unsigned yes, unsigned no, unsigned open, bool late)
{
	if (open > 0 && !late)
		return WATCH_SAME;
	if (yes > no || (asked == 0 && no == 0))
		return WATCH_TAKEN;
	/* Who is late with it may be for any reason; who has died over it, or refused it, has not. */
	return yes + no == 0 && open > 0 ? WATCH_FAILED : WATCH_SPURNED;
}

static const int days[] = {30, 7, 1, 0};

enum { DAYS = sizeof(days) / sizeof(days[0]) };

/* The last minute counts as a day until it is over. */
int watch_days_left(int64_t not_after, int64_t now)
{
	int64_t left = not_after - now;

	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX / DAY_S : (int)(left / DAY_S);
}

int watch_days_to_tell(int64_t not_after, int64_t now, unsigned *told)
{
	unsigned come = 0;

	while (come < DAYS && not_after - now < (int64_t)days[come] * DAY_S + (days[come] == 0))
		come++;
	if (come <= *told)
		return -1;
	*told = come;
	return days[come - 1];
}
