/* SPDX-License-Identifier: MIT
 *
 * Rolls, played through without processes: by hand, and every course that events can take. */
#include "cluster/policy/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { SLOTS = 3 };

/* The world: which kind of worker leads each slot, and whether an older one still drains there. */
static struct world {
	bool new_kind[SLOTS];
	bool draining[SLOTS];
	bool all_handed_over;
} world;

static bool is_draining(void *context, unsigned slot)
{
	(void)context;
	return world.draining[slot];
}

static bool is_settled(void *context)
{
	(void)context;
	return world.all_handed_over;
}

static const struct roll_view view = {.slots = SLOTS, .draining = is_draining, .settled = is_settled};

static int clear(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.all_handed_over = true;
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
	assert_int_equal(action, ROLL_COMMIT);
	assert_int_equal(roll_settled(&roll, &view), ROLL_DONE);
	assert_int_equal(roll.phase, ROLL_IDLE);
}

static void what_is_needed_is_looked_at_before(void **state)
{
	struct roll roll = {0};

	(void)state;
	assert_int_equal(roll_looked(&roll, &view, true), ROLL_NOTHING);
	roll_look(&roll);
	assert_int_equal(roll.phase, ROLL_LOOKING);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		assert_int_equal(roll_ready(&roll, &view, slot), ROLL_NOTHING);
		assert_int_equal(roll_died(&roll, &view, slot, true), ROLL_NOTHING);
		assert_int_equal(roll_drained(&roll, &view, slot), ROLL_NOTHING);
	}
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_begin(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_looked(&roll, &view, true), ROLL_START);
	assert_int_equal(roll.phase, ROLL_FORWARD);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		roll_ready(&roll, &view, slot);
	assert_int_equal(roll_settled(&roll, &view), ROLL_DONE);
	assert_true(roll_wanted_again(&roll)); /* asked for while it looked */
	roll_look(&roll);
	assert_int_equal(roll_looked(&roll, &view, false), ROLL_FAILED);
	assert_int_equal(roll.phase, ROLL_IDLE);
	assert_false(roll_wanted_again(&roll));
}

static void it_is_done_when_the_old_workers_have_handed_over(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	world.all_handed_over = false;
	roll_ready(&roll, &view, 0);
	roll_ready(&roll, &view, 1);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_ready(&roll, &view, 2), ROLL_COMMIT);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	world.all_handed_over = true;
	assert_int_equal(roll_settled(&roll, &view), ROLL_DONE);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
}

static void a_slot_that_drains_is_waited_for(void **state)
{
	struct roll roll = {0};

	(void)state;
	world.draining[0] = true;
	assert_int_equal(roll_begin(&roll, &view), ROLL_WAIT);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_drained(&roll, &view, 1), ROLL_NOTHING);
	world.draining[0] = false;
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_START);
	assert_int_equal(roll.slot, 1);
}

static void a_worker_that_is_killed_has_three_tries(void **state)
{
	struct roll roll = {0};

	(void)state;
	assert_int_equal(roll_begin(&roll, &view), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 2, true), ROLL_NOTHING);
	assert_int_equal(roll_died(&roll, &view, 0, true), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 0, true), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 0, true), ROLL_GIVE_BACK);
	assert_int_equal(roll_settled(&roll, &view), ROLL_FAILED);
	assert_int_equal(roll.phase, ROLL_IDLE);
}

static void one_that_gives_up_has_one(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	assert_int_equal(roll_died(&roll, &view, 0, false), ROLL_GIVE_BACK);
	assert_int_equal(roll_settled(&roll, &view), ROLL_FAILED);
}

static void a_failure_puts_the_replaced_slots_back_last_one_first(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	roll_ready(&roll, &view, 1);
	world.draining[1] = true;
	assert_int_equal(roll_died(&roll, &view, 2, false), ROLL_WAIT);
	assert_int_equal(roll.phase, ROLL_BACK);
	assert_int_equal(roll.slot, 1);
	world.draining[1] = false;
	assert_int_equal(roll_drained(&roll, &view, 1), ROLL_START);
	assert_int_equal(roll_ready(&roll, &view, 1), ROLL_START);
	assert_int_equal(roll.slot, 0);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_GIVE_BACK);
	assert_int_equal(roll_settled(&roll, &view), ROLL_FAILED);
}

static void it_has_failed_when_those_of_the_new_kind_have_handed_over(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	world.all_handed_over = false;
	assert_int_equal(roll_died(&roll, &view, 1, false), ROLL_START);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_GIVE_BACK);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_int_equal(roll_begin(&roll, &view), ROLL_NOTHING); /* it follows */
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_died(&roll, &view, 0, false), ROLL_NOTHING);
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_NOTHING);
	world.all_handed_over = true;
	assert_int_equal(roll_settled(&roll, &view), ROLL_FAILED);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_true(roll_wanted_again(&roll));
}

static void what_cannot_be_put_back_stays_and_the_rest_is(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	roll_ready(&roll, &view, 1);
	roll_died(&roll, &view, 2, false);
	assert_int_equal(roll_died(&roll, &view, 1, false), ROLL_START);
	assert_int_equal(roll.slot, 0);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_GIVE_BACK);
	assert_int_equal(roll_settled(&roll, &view), ROLL_FAILED);
}

static void on_the_way_back_each_slot_has_its_tries_again(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	roll_ready(&roll, &view, 1);
	assert_int_equal(roll_died(&roll, &view, 2, true), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 2, true), ROLL_START);
	assert_int_equal(roll_died(&roll, &view, 2, true), ROLL_START);
	for (unsigned slot = 2; slot-- > 0;) {
		assert_int_equal(roll.phase, ROLL_BACK);
		assert_int_equal(roll.slot, slot);
		assert_int_equal(roll_died(&roll, &view, slot, true), ROLL_START);
		assert_int_equal(roll.slot, slot);
		assert_int_equal(roll_died(&roll, &view, slot, true), ROLL_START);
		assert_int_equal(roll.slot, slot);
		assert_int_equal(roll_ready(&roll, &view, slot), slot > 0 ? ROLL_START : ROLL_GIVE_BACK);
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
	assert_false(roll_wanted_again(&roll));
	assert_int_equal(roll_settled(&roll, &view), ROLL_DONE);
	assert_true(roll_wanted_again(&roll));
	assert_false(roll_wanted_again(&roll));
}

static void slots_that_went_away_are_passed_over(void **state)
{
	struct roll_view fewer = view;
	struct roll roll = {0};

	(void)state;
	fewer.slots = 1;
	roll_begin(&roll, &view);
	roll_ready(&roll, &view, 0);
	assert_int_equal(roll_died(&roll, &fewer, 1, false), ROLL_COMMIT);
	roll = (struct roll){.phase = ROLL_BACK, .slot = 2, .started = true};
	assert_int_equal(roll_died(&roll, &fewer, 2, false), ROLL_START);
	assert_int_equal(roll.slot, 0);
}

static void a_cancelled_roll_answers_nothing(void **state)
{
	struct roll roll = {0};

	(void)state;
	roll_begin(&roll, &view);
	roll_begin(&roll, &view);
	roll_cancel(&roll);
	assert_int_equal(roll_ready(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_died(&roll, &view, 0, true), ROLL_NOTHING);
	assert_int_equal(roll_drained(&roll, &view, 0), ROLL_NOTHING);
	assert_int_equal(roll_settled(&roll, &view), ROLL_NOTHING);
	assert_false(roll_wanted_again(&roll));
}

/* --- every course --- */

static unsigned courses;

/* What must hold whenever a roll is over. `kept`: a slot could not be put back. */
static void check_end(enum roll_action action, bool kept)
{
	courses++;
	assert_true(world.all_handed_over);
	for (unsigned slot = 0; slot < SLOTS && !kept; slot++)
		assert_int_equal(world.new_kind[slot], action == ROLL_DONE);
}

static void play(struct roll roll, enum roll_action action, unsigned left, bool kept);

/* What a ready worker means to the world: it leads its slot, and the one before drains. */
static enum roll_action take_lead(struct roll *roll)
{
	unsigned slot = roll->slot;

	assert_false(world.draining[slot]); /* never two at once */
	world.new_kind[slot] = roll->phase == ROLL_FORWARD;
	world.draining[slot] = true;
	world.all_handed_over = false;
	return roll_ready(roll, &view, slot);
}

/* All that can happen next, tried one after the other; the world is put back in between. */
static void branch(const struct roll *roll, unsigned left, bool kept)
{
	const struct world before = world;

	for (int event = 0; event < 5; event++) {
		struct roll copy = *roll;
		enum roll_action action = ROLL_NOTHING;
		bool back = copy.phase == ROLL_BACK, lost = false;

		world = before;
		if (event == 0 && copy.started)
			action = take_lead(&copy);
		else if (event == 1 && copy.started)
			action = roll_died(&copy, &view, copy.slot, true);
		else if (event == 2 && copy.started && copy.phase == ROLL_FORWARD)
			action = roll_died(&copy, &view, copy.slot, false);
		else if (event == 3 && !copy.started && (copy.phase == ROLL_FORWARD || copy.phase == ROLL_BACK))
			world.draining[copy.slot] = false, action = roll_drained(&copy, &view, copy.slot);
		else if (event == 4 && (copy.phase == ROLL_SETTLING || copy.phase == ROLL_SETTLING_BACK))
			world.all_handed_over = true, action = roll_settled(&copy, &view);
		else
			continue;
		lost = event == 1 && back && (copy.slot != roll->slot || copy.phase != ROLL_BACK);
		play(copy, action, left - 1, kept || lost);
	}
	world = before;
}

static void play(struct roll roll, enum roll_action action, unsigned left, bool kept)
{
	if (action == ROLL_COMMIT || action == ROLL_GIVE_BACK)
		action = roll_settled(&roll, &view);
	if (action == ROLL_DONE || action == ROLL_FAILED)
		check_end(action, kept);
	else if (left > 0)
		branch(&roll, left, kept);
}

static void no_course_of_events_breaks_the_rules(void **state)
{
	struct roll roll = {0};

	(void)state;
	courses = 0;
	world.draining[1] = true;
	world.all_handed_over = false;
	assert_int_equal(roll_begin(&roll, &view), ROLL_START);
	branch(&roll, 17, false);
	assert_true(courses > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, clear)
		TEST(slots_are_replaced_one_after_the_other),
		TEST(what_is_needed_is_looked_at_before),
		TEST(it_is_done_when_the_old_workers_have_handed_over),
		TEST(a_slot_that_drains_is_waited_for),
		TEST(a_worker_that_is_killed_has_three_tries),
		TEST(one_that_gives_up_has_one),
		TEST(a_failure_puts_the_replaced_slots_back_last_one_first),
		TEST(it_has_failed_when_those_of_the_new_kind_have_handed_over),
		TEST(what_cannot_be_put_back_stays_and_the_rest_is),
		TEST(on_the_way_back_each_slot_has_its_tries_again),
		TEST(rolls_asked_for_meanwhile_fold_into_one),
		TEST(slots_that_went_away_are_passed_over),
		TEST(a_cancelled_roll_answers_nothing),
		TEST(no_course_of_events_breaks_the_rules),
	};

	return cmocka_run_group_tests_name("roll", tests, NULL, NULL);
}
