/* SPDX-License-Identifier: MIT
 *
 * What is done with a worker that is silent: every phase, with everything that can be seen. */
#include "cluster/policy/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { LIMIT_MS = 10000, START_MS = 1000000 };

static struct watchdog seen_at(uint64_t heartbeat, uint64_t now_ms)
{
	struct watchdog watchdog = {0};

	assert_int_equal(watchdog_look(&watchdog, heartbeat, now_ms, LIMIT_MS), WATCHDOG_NOTHING);
	return watchdog;
}

static void one_that_beats_is_left_alone(void **state)
{
	struct watchdog watchdog = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) /* each beat comes just before it would be too late */
		assert_int_equal(watchdog_look(&watchdog, i, START_MS + i * (LIMIT_MS - 1), LIMIT_MS),
				 WATCHDOG_NOTHING);
	assert_int_equal(watchdog.phase, WATCHDOG_WATCHING);
}

static void the_first_look_is_a_beginning_whatever_is_seen(void **state)
{
	static const uint64_t beats[] = {0, 1, START_MS, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(beats) / sizeof(beats[0]); i++) {
		struct watchdog watchdog = seen_at(beats[i], START_MS);

		assert_int_equal(watchdog_silence_ms(&watchdog, START_MS + 5), 5);
	}
}

static void any_change_of_the_heartbeat_counts_even_back(void **state)
{
	struct watchdog watchdog = seen_at(500, START_MS);

	(void)state;
	assert_int_equal(watchdog_look(&watchdog, 499, START_MS + LIMIT_MS + 1, LIMIT_MS), WATCHDOG_NOTHING);
	assert_int_equal(watchdog_silence_ms(&watchdog, START_MS + LIMIT_MS + 1), 0);
}

static void silence_is_aborted_once_and_killed_once(void **state)
{
	(void)state;
	for (uint64_t step = 1; step <= 3000; step += 249) {
		struct watchdog watchdog = seen_at(7, START_MS);
		uint64_t aborted_ms = 0, killed_ms = 0;

		for (uint64_t now_ms = START_MS; now_ms < START_MS + 60000; now_ms += step) {
			switch (watchdog_look(&watchdog, 7, now_ms, LIMIT_MS)) {
			case WATCHDOG_NOTHING:
				break;
			case WATCHDOG_ABORT:
				assert_int_equal(aborted_ms, 0);
				aborted_ms = now_ms;
				break;
			case WATCHDOG_KILL:
				assert_int_equal(killed_ms, 0);
				assert_true(aborted_ms > 0);
				killed_ms = now_ms;
				break;
			}
		}
		assert_in_range(aborted_ms, START_MS + LIMIT_MS, START_MS + LIMIT_MS + step);
		assert_in_range(killed_ms, aborted_ms + WATCHDOG_KILL_MS, aborted_ms + WATCHDOG_KILL_MS + step);
	}
}

/* Every phase, with every sight: the heartbeat is as before or not, and the time is up or not. */
static void the_table_is_as_drawn(void **state)
{
	static const struct {
		enum watchdog_phase before;
		bool beats, late;
		enum watchdog_action action;
		enum watchdog_phase after;
	} rows[] = {
		{WATCHDOG_WATCHING, false, false, WATCHDOG_NOTHING, WATCHDOG_WATCHING},
		{WATCHDOG_WATCHING, false, true, WATCHDOG_ABORT, WATCHDOG_ABORTED},
		{WATCHDOG_WATCHING, true, false, WATCHDOG_NOTHING, WATCHDOG_WATCHING},
		{WATCHDOG_WATCHING, true, true, WATCHDOG_NOTHING, WATCHDOG_WATCHING},
		{WATCHDOG_ABORTED, false, false, WATCHDOG_NOTHING, WATCHDOG_ABORTED},
		{WATCHDOG_ABORTED, false, true, WATCHDOG_KILL, WATCHDOG_KILLED},
		{WATCHDOG_ABORTED, true, false, WATCHDOG_NOTHING, WATCHDOG_ABORTED},
		{WATCHDOG_ABORTED, true, true, WATCHDOG_KILL, WATCHDOG_KILLED},
		{WATCHDOG_KILLED, false, false, WATCHDOG_NOTHING, WATCHDOG_KILLED},
		{WATCHDOG_KILLED, false, true, WATCHDOG_NOTHING, WATCHDOG_KILLED},
		{WATCHDOG_KILLED, true, false, WATCHDOG_NOTHING, WATCHDOG_KILLED},
		{WATCHDOG_KILLED, true, true, WATCHDOG_NOTHING, WATCHDOG_KILLED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watchdog watchdog = {
			.phase = rows[i].before, .looked = true, .heartbeat = 7, .since_ms = START_MS};
		uint64_t now_ms = START_MS + (rows[i].late ? LIMIT_MS : 1);

		assert_int_equal(watchdog_look(&watchdog, 7 + rows[i].beats, now_ms, LIMIT_MS), rows[i].action);
		assert_int_equal(watchdog.phase, rows[i].after);
	}
}

static void off_is_never(void **state)
{
	struct watchdog watchdog = {0};

	(void)state;
	for (uint64_t now_ms = START_MS; now_ms < START_MS * 1000; now_ms += START_MS)
		assert_int_equal(watchdog_look(&watchdog, 7, now_ms, 0), WATCHDOG_NOTHING);
	/* Switched on by a reload, it counts what it has seen. */
	assert_int_equal(watchdog_look(&watchdog, 7, START_MS * 1000, LIMIT_MS), WATCHDOG_ABORT);
}

static void a_master_that_was_held_up_gives_everybody_a_fresh_period(void **state)
{
	struct watchdog watchdog = seen_at(7, START_MS), aborted = watchdog;
	uint64_t woken_ms = START_MS + 3600000;

	(void)state;
	assert_true(watchdog_is_late(START_MS, woken_ms, 250, LIMIT_MS));
	watchdog_forgive(&watchdog, woken_ms);
	assert_int_equal(watchdog_look(&watchdog, 7, woken_ms, LIMIT_MS), WATCHDOG_NOTHING);
	assert_int_equal(watchdog_look(&watchdog, 7, woken_ms + LIMIT_MS - 1, LIMIT_MS), WATCHDOG_NOTHING);
	assert_int_equal(watchdog_look(&watchdog, 7, woken_ms + LIMIT_MS, LIMIT_MS), WATCHDOG_ABORT);

	/* One that was given up before gets nothing more. */
	aborted.phase = WATCHDOG_ABORTED;
	watchdog_forgive(&aborted, woken_ms);
	assert_int_equal(watchdog_look(&aborted, 7, woken_ms, LIMIT_MS), WATCHDOG_KILL);
}

static void held_up_is_more_than_half_the_limit(void **state)
{
	(void)state;
	assert_false(watchdog_is_late(0, START_MS, 250, LIMIT_MS)); /* the first look of all */
	assert_false(watchdog_is_late(START_MS, START_MS + 250, 250, LIMIT_MS));
	assert_false(watchdog_is_late(START_MS, START_MS + 250 + LIMIT_MS / 2, 250, LIMIT_MS));
	assert_true(watchdog_is_late(START_MS, START_MS + 251 + LIMIT_MS / 2, 250, LIMIT_MS));
	assert_false(watchdog_is_late(START_MS, START_MS - 1, 250, LIMIT_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_beats_is_left_alone),
		cmocka_unit_test(the_first_look_is_a_beginning_whatever_is_seen),
		cmocka_unit_test(any_change_of_the_heartbeat_counts_even_back),
		cmocka_unit_test(silence_is_aborted_once_and_killed_once),
		cmocka_unit_test(the_table_is_as_drawn),
		cmocka_unit_test(off_is_never),
		cmocka_unit_test(a_master_that_was_held_up_gives_everybody_a_fresh_period),
		cmocka_unit_test(held_up_is_more_than_half_the_limit),
	};

	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
