/* SPDX-License-Identifier: MIT
 *
 * Deadlines: none passes early, none is missed, the order is kept. */
#include "http/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static void a_deadline_passes_within_a_step_of_its_time(void **state)
{
	struct deadlines deadlines;
	struct deadline one;

	(void)state;
	deadlines_init(&deadlines);
	deadlines.timeout_ms[DEADLINE_IDLE] = 1000;
	for (uint64_t now = 5000; now < 5000 + 3 * DEADLINE_STEP_MS; now++) {
		deadline_init(&one);
		deadline_set(&deadlines, &one, DEADLINE_IDLE, now);
		assert_null(deadlines_passed(&deadlines, now + 999));
		assert_ptr_equal(deadlines_passed(&deadlines, now + 1000 + DEADLINE_STEP_MS), &one);
		deadline_clear(&one);
		assert_null(deadlines_any(&deadlines));
	}
}

static void setting_again_moves_it(void **state)
{
	struct deadlines deadlines;
	struct deadline one;

	(void)state;
	deadlines_init(&deadlines);
	deadlines.timeout_ms[DEADLINE_HEAD] = 100;
	deadlines.timeout_ms[DEADLINE_IDLE] = 1000;
	deadline_init(&one);
	deadline_set(&deadlines, &one, DEADLINE_HEAD, 0);
	deadline_set(&deadlines, &one, DEADLINE_IDLE, 0);
	assert_null(deadlines_passed(&deadlines, 999));
	deadline_set(&deadlines, &one, DEADLINE_IDLE, 800);
	assert_null(deadlines_passed(&deadlines, 1799));
	assert_ptr_equal(deadlines_passed(&deadlines, 2000), &one);
	deadline_clear(&one);
}

/* Many, set and set anew at random: what a sweep finds is exactly what is due. */
static void a_sweep_finds_what_is_due_and_nothing_else(void **state)
{
	enum { COUNT = 200 };
	struct deadlines deadlines;
	static struct deadline all[COUNT];
	uint64_t now = 0;

	(void)state;
	srand(7);
	deadlines_init(&deadlines);
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
		deadlines.timeout_ms[kind] = 300 + kind * 700;
	for (unsigned i = 0; i < COUNT; i++)
		deadline_init(&all[i]);
	for (unsigned round = 0; round < 5000; round++) {
		struct deadline *passed;

		now += (unsigned)rand() % 40;
		deadline_set(&deadlines, &all[rand() % COUNT],
			     (enum deadline_kind)(rand() % DEADLINE_KINDS), now);
		while ((passed = deadlines_passed(&deadlines, now))) {
			assert_true(passed->at_ms <= now);
			deadline_clear(passed);
		}
		for (unsigned i = 0; i < COUNT; i++)
			assert_true(all[i].kind == DEADLINE_KINDS || all[i].at_ms > now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_passes_within_a_step_of_its_time),
		cmocka_unit_test(setting_again_moves_it),
		cmocka_unit_test(a_sweep_finds_what_is_due_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
