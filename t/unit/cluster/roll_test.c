/* SPDX-License-Identifier: MIT
 *
 * The order of a rolling restart, played through without processes. */
#include "cluster/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { SLOTS = 5 };

static bool draining[SLOTS];

static bool is_draining(void *context, unsigned slot)
{
	(void)context;
	return draining[slot];
}

static const struct roll_view view = {.slots = SLOTS, .draining = is_draining};

static int clear(void **state)
{
	(void)state;
	for (int i = 0; i < SLOTS; i++)
		draining[i] = false;
	return 0;
}

static void slots_are_replaced_one_after_the_other(void **state)
{
	struct roll roll = {0};
	enum roll_action action = roll_begin(&roll, &view);

	(void)state;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		assert_int_equal(action, ROLL_START);
		assert_int_equal(roll.slot, slot);
		for (unsigned other = 0; other < SLOTS; other++)
			if (other != slot)
				assert_int_equal(roll_ready(&roll, &view, other), ROLL_NOTHING);
		action = roll_ready(&roll, &view, slot);
	}
	assert_int_equal(action, ROLL_DONE);
	assert_false(roll.running);
}

static void a_slot_that_drains_is_waited_for(void **state)
{
	struct roll roll = {0};

	(void)state;
	draining[0] = true;
	assert_int_equal(roll_begin(&roll, &view), ROLL_WAIT);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_drained(&roll, &view, 1), ROLL_NOTHING);
	draining[0] = false;
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll.slot, 1);
}

static void a_new_worker_has_three_tries(void **state)
{
	struct roll roll = {0};

	(void)state;
	assert_int_equal(roll_begin(&roll, &view), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 3), ROLL_NOTHING);
	assert_int_equal(roll_died(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 0), ROLL_FAILED);
	assert_false(roll.running);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
}

static void tries_are_counted_for_each_slot(void **state)
{
	struct roll roll = {0};

	(void)state;
	assert_int_equal(roll_begin(&roll, &view), ROLL_START);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		assert_int_equal(roll_died(&roll, &view, slot), ROLL_START);
		assert_int_equal(roll_died(&roll, &view, slot), ROLL_START);
		assert_int_equal(roll_ready(&roll, &view, slot),
				 slot + 1 < SLOTS ? ROLL_START : ROLL_DONE);
	}
}

static void rolls_asked_for_meanwhile_fold_into_one(void **state)
{
	struct roll roll = {0};

	(void)state;
	assert_int_equal(roll_begin(&roll, &view), ROLL_START);
	assert_int_equal(roll_begin(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_begin(&roll, &view), ROLL_NOTHING);
	assert_false(roll_wanted_again(&roll));
	for (unsigned slot = 0; slot < SLOTS; slot++)
		roll_ready(&roll, &view, slot);
	assert_true(roll_wanted_again(&roll));
	assert_false(roll_wanted_again(&roll));
}

static void slots_that_went_away_are_passed_over(void **state)
{
	struct roll roll = {0};
	struct roll_view fewer = {.slots = 2, .draining = is_draining};

	(void)state;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	roll_ready(&roll, &view, 1);
	assert_int_equal(roll.slot, 2);
	assert_int_equal(roll_died(&roll, &fewer, 2), ROLL_DONE);
	assert_false(roll.running);
}

static void a_cancelled_roll_answers_nothing(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_begin(&roll, &view);
	roll_cancel(&roll);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_died(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_NOTHING);
	assert_false(roll_wanted_again(&roll));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(slots_are_replaced_one_after_the_other, clear),
		cmocka_unit_test_setup(a_slot_that_drains_is_waited_for, clear),
		cmocka_unit_test_setup(a_new_worker_has_three_tries, clear),
		cmocka_unit_test_setup(tries_are_counted_for_each_slot, clear),
		cmocka_unit_test_setup(rolls_asked_for_meanwhile_fold_into_one, clear),
		cmocka_unit_test_setup(slots_that_went_away_are_passed_over, clear),
		cmocka_unit_test_setup(a_cancelled_roll_answers_nothing, clear),
	};

	return cmocka_run_group_tests_name("roll", tests, NULL, NULL);
}
