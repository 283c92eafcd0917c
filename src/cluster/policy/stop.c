/* SPDX-License-Identifier: MIT
 *
 * See stop.h. Master only. */
#include "cluster/policy/stop.h"

#include <stdbool.h>

static const struct row {
	enum stop_action action;
	enum stop_phase next;
	bool not_together; /* only when the first one was asked for a while ago */
} rows[STOP_PHASES][STOP_CALLS] = {
	[STOP_NOT] =
		{
			[STOP_BY_SIGNAL] = {STOP_BEGIN, STOP_ASKED, false},
			[STOP_BY_COMMAND] = {STOP_BEGIN, STOP_ASKED, false},
			[STOP_NOW] = {STOP_BEGIN_AND_CUT, STOP_CUTTING, false},
		},
	[STOP_ASKED] =
		{
			[STOP_BY_SIGNAL] = {STOP_CUT, STOP_CUTTING, true},
			[STOP_BY_COMMAND] = {STOP_NOTHING, STOP_ASKED, false},
			[STOP_NOW] = {STOP_CUT, STOP_CUTTING, false},
		},
	[STOP_CUTTING] =
		{
			[STOP_BY_SIGNAL] = {STOP_NOTHING, STOP_CUTTING, false},
			[STOP_BY_COMMAND] = {STOP_NOTHING, STOP_CUTTING, false},
			[STOP_NOW] = {STOP_NOTHING, STOP_CUTTING, false},
		},
};

enum stop_action stop_called(struct stop *stop, enum stop_call call, uint64_t now_ms)
{
	const struct row *row = &rows[stop->phase][call];

	if (row->not_together && now_ms - stop->asked_ms < STOP_TOGETHER_MS)
		return STOP_NOTHING;
	if (stop->phase == STOP_NOT)
		stop->asked_ms = now_ms;
	stop->phase = row->next;
	return row->action;
}
