/* SPDX-License-Identifier: MIT
 *
 * A slot's life: every state with every event. The expectations are written out a second time here, by
 * hand and in another form, so that a slip in the table shows. */
#include "cluster/policy/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* One line a state; columns: want unwant ready died early in-vain succeeded timer. "SERVING/RETIRE": goes there
 * and does that; "-": nothing changes and nothing is done. */
static const char *const expected[SLOT_STATES][SLOT_EVENTS] = {
	[SLOT_EMPTY] = {"starting/START", "-", "-", "-", "-", "-", "-", "-"},
	[SLOT_STARTING] = {"-", "draining/DRAIN", "serving/SERVE", "starting/START", "backoff/WAIT", "parked/PARK", "-",
			   "-"},
	[SLOT_SERVING] = {"-", "draining/DRAIN", "-", "starting/START", "backoff/WAIT", "parked/PARK", "starting/-",
			  "-"},
	[SLOT_DRAINING] = {"starting/START", "-", "-", "empty/-", "empty/-", "empty/-", "-", "-"},
	[SLOT_BACKOFF] = {"-", "empty/CANCEL", "serving/CANCEL", "-", "-", "-", "-", "starting/START"},
	[SLOT_PARKED] = {"-", "empty/CANCEL", "serving/CANCEL", "-", "-", "-", "-", "starting/START"},
};

static const char *const actions[] = {
	[SLOT_DO_NOTHING] = "-", [SLOT_DO_START] = "START", [SLOT_DO_SERVE] = "SERVE",   [SLOT_DO_WAIT] = "WAIT",
	[SLOT_DO_PARK] = "PARK", [SLOT_DO_DRAIN] = "DRAIN", [SLOT_DO_CANCEL] = "CANCEL",
};

static void every_state_answers_every_event_as_written(void **unused)
{
	(void)unused;
	for (int from = 0; from < SLOT_STATES; from++) {
		for (int event = 0; event < SLOT_EVENTS; event++) {
			enum slot_state state = from;
			enum slot_action action = slot_step(&state, event);
			char got[64];

			if ((int)state == from && action == SLOT_DO_NOTHING)
				strcpy(got, "-");
			else
				snprintf(got, sizeof(got), "%s/%s", slot_state_name(state), actions[action]);
			if (strcmp(got, expected[from][event]) != 0)
				print_message("in %s, event %d\n", slot_state_name(from), event);
			assert_string_equal(got, expected[from][event]);
		}
	}
}

/* From every state a slot that is wanted comes to serve, and one that is not becomes empty, if only
 * workers do their part. */
static void every_state_leads_to_serving_and_to_empty(void **unused)
{
	(void)unused;
	for (int from = 0; from < SLOT_STATES; from++) {
		enum slot_state state = from;

		slot_step(&state, SLOT_WANT);
		slot_step(&state, SLOT_TIMER);
		slot_step(&state, SLOT_READY);
		assert_int_equal(state, SLOT_SERVING);
		state = from;
		slot_step(&state, SLOT_UNWANT);
		slot_step(&state, SLOT_DIED);
		assert_int_equal(state, SLOT_EMPTY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_answers_every_event_as_written),
		cmocka_unit_test(every_state_leads_to_serving_and_to_empty),
	};

	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
