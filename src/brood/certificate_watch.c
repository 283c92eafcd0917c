/* SPDX-License-Identifier: MIT
 *
 * See certificate_watch.h.
 *
 *                changed               same              good: use it
 *     +-------+ ---------> +----------+ ------> +----------+  bad: refuse it
 *     | QUIET |            | SETTLING |         | CHECKING | ----------------> QUIET
 *     +-------+            +----------+         +----------+
 *                           ^  ^    failed         |   | changed
 *                           |  +-------------------+   v
 *                           |    verdict            +-------+
 *                           +-----------------------| STALE |
 *                                                   +-------+
 *
 * A key that is replaced a moment after its certificate, or file by file over a slow line: as long as anything
 * changes from one look to the next, nothing is judged. */
#include "brood/certificate_watch.h"

#include <stddef.h>

enum { DAY_S = 24 * 60 * 60 };

struct rule {
	enum watch_state next;
	enum watch_action action;
};

static const struct rule rules[WATCH_STATES][WATCH_EVENTS] = {
	[WATCH_QUIET] = {
		[WATCH_SAME] = {WATCH_QUIET, WATCH_NOTHING},
		[WATCH_CHANGED] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_GOOD] = {WATCH_QUIET, WATCH_NOTHING},
		[WATCH_BAD] = {WATCH_QUIET, WATCH_NOTHING},
		[WATCH_FAILED] = {WATCH_QUIET, WATCH_NOTHING},
	},
	[WATCH_SETTLING] = {
		[WATCH_SAME] = {WATCH_CHECKING, WATCH_CHECK},
		[WATCH_CHANGED] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_GOOD] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_BAD] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
	},
	[WATCH_CHECKING] = {
		[WATCH_SAME] = {WATCH_CHECKING, WATCH_NOTHING},
		[WATCH_CHANGED] = {WATCH_STALE, WATCH_NOTHING},
		[WATCH_GOOD] = {WATCH_QUIET, WATCH_USE},
		[WATCH_BAD] = {WATCH_QUIET, WATCH_REFUSE},
		[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
	},
	[WATCH_STALE] = {
		[WATCH_SAME] = {WATCH_STALE, WATCH_NOTHING},
		[WATCH_CHANGED] = {WATCH_STALE, WATCH_NOTHING},
		[WATCH_GOOD] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_BAD] = {WATCH_SETTLING, WATCH_NOTHING},
		[WATCH_FAILED] = {WATCH_SETTLING, WATCH_NOTHING},
	},
};

enum watch_action watch_happen(enum watch_state *state, enum watch_event event)
{
	const struct rule *rule = &rules[*state][event];

	*state = rule->next;
	return rule->action;
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
