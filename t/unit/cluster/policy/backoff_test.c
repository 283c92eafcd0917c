/* SPDX-License-Identifier: MIT
 *
 * How long a slot waits before its next try. */
#include "cluster/policy/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void the_first_early_death_costs_no_time(void **state)
{
	struct backoff backoff = {0};
	unsigned delay_ms = 1;

	(void)state;
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms), SLOT_DIED);
	assert_int_equal(delay_ms, 0);
}

static void further_ones_double_from_100_ms_and_the_eighth_parks(void **state)
{
	static const unsigned delays[] = {0, 100, 200, 400, 800, 1600, 3200};
	struct backoff backoff = {0};
	unsigned delay_ms;

	(void)state;
	for (int i = 0; i < 7; i++) {
		enum slot_event event = backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms);

		assert_int_equal(event, i == 0 ? SLOT_DIED : SLOT_DIED_EARLY);
		assert_int_equal(delay_ms, delays[i]);
	}
	for (int i = 0; i < 3; i++) { /* parked once, parked until it serves for a while */
		assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms), SLOT_DIED_IN_VAIN);
		assert_int_equal(delay_ms, BACKOFF_PARKED_MS);
	}
}

static void jitter_takes_up_to_a_quarter(void **state)
{
	unsigned least = 100, most = 0;

	(void)state;
	for (uint32_t random = 0; random < 1000; random++) {
		struct backoff backoff = {.early_deaths = 1};
		unsigned delay_ms;

		assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, random, &delay_ms), SLOT_DIED_EARLY);
		least = delay_ms < least ? delay_ms : least;
		most = delay_ms > most ? delay_ms : most;
	}
	assert_int_equal(least, 75);
	assert_int_equal(most, 100);
}

static void a_proven_worker_wipes_the_slate(void **state)
{
	struct backoff backoff = {.early_deaths = 7};
	unsigned delay_ms;

	(void)state;
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_LATE, 0, &delay_ms), SLOT_DIED);
	assert_int_equal(backoff.early_deaths, 0);
	assert_int_equal(delay_ms, 0);
}

static void a_fatal_set_up_parks_at_once(void **state)
{
	struct backoff backoff = {0};
	unsigned delay_ms;

	(void)state;
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_FATAL, 0, &delay_ms), SLOT_DIED_IN_VAIN);
	assert_int_equal(delay_ms, BACKOFF_PARKED_MS);
}

static void short_resources_wait_but_never_park(void **state)
{
	/* Not at once even the first time; then doubling to the end of it. */
	static const unsigned delays[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, BACKOFF_LAST_MS};
	enum { COUNT = sizeof(delays) / sizeof(delays[0]) };
	struct backoff backoff = {0};
	unsigned delay_ms;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_RESOURCES, 0, &delay_ms), SLOT_DIED_EARLY);
		assert_int_equal(delay_ms, delays[i < COUNT ? i : COUNT - 1]);
	}
}

static void nor_do_they_bring_others_nearer_to_that(void **state)
{
	struct backoff backoff = {0};
	unsigned delay_ms;

	(void)state;
	for (int i = 0; i < 20; i++)
		(void)backoff_next(&backoff, BACKOFF_DEATH_RESOURCES, 0, &delay_ms);
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms), SLOT_DIED);
	for (int i = 0; i < 6; i++)
		assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms), SLOT_DIED_EARLY);
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_EARLY, 0, &delay_ms), SLOT_DIED_IN_VAIN);
	/* Who has served for a while is short of nothing. */
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_LATE, 0, &delay_ms), SLOT_DIED);
	assert_int_equal(backoff_next(&backoff, BACKOFF_DEATH_RESOURCES, 0, &delay_ms), SLOT_DIED_EARLY);
	assert_int_equal(delay_ms, BACKOFF_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_early_death_costs_no_time),
		cmocka_unit_test(further_ones_double_from_100_ms_and_the_eighth_parks),
		cmocka_unit_test(jitter_takes_up_to_a_quarter),
		cmocka_unit_test(a_proven_worker_wipes_the_slate),
		cmocka_unit_test(a_fatal_set_up_parks_at_once),
		cmocka_unit_test(short_resources_wait_but_never_park),
		cmocka_unit_test(nor_do_they_bring_others_nearer_to_that),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
