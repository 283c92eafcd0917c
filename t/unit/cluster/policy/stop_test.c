/* SPDX-License-Identifier: MIT
 *
 * A stop that is asked for more than once. */
#include "cluster/policy/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { BEGIN_MS = 5000 };

static void whatever_asks_first_begins_one(void **state)
{
	static const enum stop_action actions[STOP_CALLS] = {
		[STOP_BY_SIGNAL] = STOP_BEGIN, [STOP_BY_COMMAND] = STOP_BEGIN, [STOP_NOW] = STOP_BEGIN_AND_CUT};

	(void)state;
	for (int call = 0; call < STOP_CALLS; call++) {
		struct stop stop = {0};

		assert_int_equal(stop_called(&stop, call, BEGIN_MS), actions[call]);
		assert_int_equal(stop.phase, call == STOP_NOW ? STOP_CUTTING : STOP_ASKED);
	}
}

static void signals_within_a_second_of_the_first_are_the_same(void **state)
{
	struct stop stop = {0};

	(void)state;
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS), STOP_BEGIN);
	for (uint64_t later_ms = 0; later_ms < STOP_TOGETHER_MS; later_ms += 333)
		assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS + later_ms), STOP_NOTHING);
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS + STOP_TOGETHER_MS - 1), STOP_NOTHING);
	/* Not of the last one: who goes on asking for it gets it. */
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS + STOP_TOGETHER_MS), STOP_CUT);
	assert_int_equal(stop.phase, STOP_CUTTING);
}

static void one_behind_a_command_is_the_same_as_well(void **state)
{
	struct stop stop = {0};

	(void)state;
	assert_int_equal(stop_called(&stop, STOP_BY_COMMAND, BEGIN_MS), STOP_BEGIN);
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS + 10), STOP_NOTHING);
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS + STOP_TOGETHER_MS), STOP_CUT);
}

static void commands_may_ask_as_often_as_they_like(void **state)
{
	struct stop stop = {0};

	(void)state;
	assert_int_equal(stop_called(&stop, STOP_BY_SIGNAL, BEGIN_MS), STOP_BEGIN);
	assert_int_equal(stop_called(&stop, STOP_BY_COMMAND, BEGIN_MS + 100000), STOP_NOTHING);
	assert_int_equal(stop.phase, STOP_ASKED);
}

static void now_means_now_and_after_it_there_is_nothing_to_ask_for(void **state)
{
	struct stop stop = {0};

	(void)state;
	assert_int_equal(stop_called(&stop, STOP_BY_COMMAND, BEGIN_MS), STOP_BEGIN);
	assert_int_equal(stop_called(&stop, STOP_NOW, BEGIN_MS), STOP_CUT);
	for (int call = 0; call < STOP_CALLS; call++)
		assert_int_equal(stop_called(&stop, call, BEGIN_MS + 100000), STOP_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_asks_first_begins_one),
		cmocka_unit_test(signals_within_a_second_of_the_first_are_the_same),
		cmocka_unit_test(one_behind_a_command_is_the_same_as_well),
		cmocka_unit_test(commands_may_ask_as_often_as_they_like),
		cmocka_unit_test(now_means_now_and_after_it_there_is_nothing_to_ask_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
