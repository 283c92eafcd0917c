/* SPDX-License-Identifier: MIT
 *
 * Deadlines: none passes early, none is missed, none is a step late, whatever is set, set anew and
 * cleared, and however often or seldom they are looked at. */
#include "http/connection/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

enum { ROUND_MS = DEADLINE_STEP_MS * DEADLINE_STEPS };

static void a_deadline_passes_within_a_step_of_its_time(void **state)
{
	struct deadlines deadlines;
	struct deadline one;

	(void)state;
	for (uint64_t now = 5000; now < 5000 + 3 * DEADLINE_STEP_MS; now++) {
		deadlines_init(&deadlines);
		deadlines.timeout_ms[DEADLINE_IDLE] = 1000;
		deadline_init(&one);
		deadline_set(&deadlines, &one, DEADLINE_IDLE, now);
		assert_null(deadlines_passed(&deadlines, now + 999));
		assert_ptr_equal(deadlines_passed(&deadlines, now + 999 + DEADLINE_STEP_MS), &one);
		deadline_clear(&one);
		assert_null(deadlines_passed(&deadlines, now + 2000));
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
	assert_null(deadlines_passed(&deadlines, 800));
	deadline_set(&deadlines, &one, DEADLINE_IDLE, 800);
	assert_null(deadlines_passed(&deadlines, 1799));
	assert_ptr_equal(deadlines_passed(&deadlines, 2000), &one);
	/* It stays until something is done about it, and is not met again then. */
	assert_ptr_equal(deadlines_passed(&deadlines, 2000), &one);
	deadline_set(&deadlines, &one, DEADLINE_IDLE, 2000);
	assert_null(deadlines_passed(&deadlines, 2999));
	assert_ptr_equal(deadlines_passed(&deadlines, 3000 + DEADLINE_STEP_MS), &one);
	deadline_clear(&one);
}

static void what_is_left_is_exact_and_never_more_than_the_timeout(void **state)
{
	struct deadlines deadlines;
	struct deadline one;

	(void)state;
	deadlines_init(&deadlines);
	deadlines.timeout_ms[DEADLINE_HEAD] = 500;
	deadline_init(&one);
	for (uint64_t now = 100000; now < 100200; now += 7) {
		deadline_resume(&deadlines, &one, DEADLINE_HEAD, 123, now);
		assert_int_equal(deadline_left_ms(&one, now), 123);
		assert_int_equal(deadline_left_ms(&one, now + 100), 23);
		assert_int_equal(deadline_left_ms(&one, now + 124), 0);
	}
	deadline_resume(&deadlines, &one, DEADLINE_HEAD, UINT64_MAX, 100200);
	assert_int_equal(deadline_left_ms(&one, 100200), 500);
	deadline_clear(&one);
}

static void one_without_any_time_left_passes_in_the_next_step(void **state)
{
	struct deadlines deadlines;
	struct deadline one;

	(void)state;
	deadlines_init(&deadlines);
	deadlines.timeout_ms[DEADLINE_HEAD] = 500;
	deadline_init(&one);
	for (uint64_t now = 100000; now < 100000 + 5 * DEADLINE_STEP_MS; now++) {
		deadline_resume(&deadlines, &one, DEADLINE_HEAD, 0, now);
		assert_null(deadlines_passed(&deadlines, now));
		now += DEADLINE_STEP_MS;
		assert_ptr_equal(deadlines_passed(&deadlines, now), &one);
		deadline_clear(&one);
	}
}

static void one_beyond_a_round_of_the_wheel_is_not_early(void **state)
{
	static const unsigned rounds[] = {1, 2, 3, 10};
	struct deadlines deadlines;
	struct deadline one;
	uint64_t now = 77777;

	(void)state;
	deadlines_init(&deadlines);
	deadline_init(&one);
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		uint64_t at = now + rounds[i] * (uint64_t)ROUND_MS + i;

		deadlines.timeout_ms[DEADLINE_IDLE] = at - now;
		deadline_set(&deadlines, &one, DEADLINE_IDLE, now);
		for (; now < at; now += 50)
			assert_null(deadlines_passed(&deadlines, now));
		now += DEADLINE_STEP_MS;
		assert_ptr_equal(deadlines_passed(&deadlines, now), &one);
		deadline_clear(&one);
	}
}

/* --- against a model without lists --- */

enum { COUNT = 40 };

struct model {
	struct deadlines deadlines;
	struct deadline all[COUNT];
	uint64_t at_ms[COUNT]; /* UINT64_MAX: not set */
	uint64_t now_ms;
};

static void start(struct model *model, uint64_t now_ms)
{
	static const uint64_t timeouts[] = {
		1, DEADLINE_STEP_MS, 700, ROUND_MS - 1, 2 * ROUND_MS + 333,
	};

	deadlines_init(&model->deadlines);
	for (unsigned i = 0; i < DEADLINE_KINDS; i++)
		model->deadlines.timeout_ms[i] = timeouts[i % (sizeof(timeouts) / sizeof(timeouts[0]))];
	for (unsigned i = 0; i < COUNT; i++) {
		deadline_init(&model->all[i]);
		model->at_ms[i] = UINT64_MAX;
	}
	model->now_ms = now_ms;
}

/* The end of the step that a time is in. */
static uint64_t end_of_step(uint64_t at_ms)
{
	return (at_ms + DEADLINE_STEP_MS - 1) / DEADLINE_STEP_MS * DEADLINE_STEP_MS;
}

/* What the wheel says has passed is exactly what has. */
static void sweep(struct model *model)
{
	struct deadline *passed;

	while ((passed = deadlines_passed(&model->deadlines, model->now_ms))) {
		size_t i = (size_t)(passed - model->all);

		assert_true(model->at_ms[i] != UINT64_MAX);
		assert_true(end_of_step(model->at_ms[i]) <= model->now_ms);
		deadline_clear(passed);
		model->at_ms[i] = UINT64_MAX;
	}
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(model->at_ms[i] == UINT64_MAX || end_of_step(model->at_ms[i]) > model->now_ms);
}

static void set(struct model *model, unsigned i, enum deadline_kind kind)
{
	deadline_set(&model->deadlines, &model->all[i], kind, model->now_ms);
	model->at_ms[i] = model->now_ms + model->deadlines.timeout_ms[kind];
}

static void resume(struct model *model, unsigned i, enum deadline_kind kind, uint64_t left_ms)
{
	uint64_t limit_ms = model->deadlines.timeout_ms[kind];

	deadline_resume(&model->deadlines, &model->all[i], kind, left_ms, model->now_ms);
	left_ms = left_ms == 0 ? 1 : left_ms < limit_ms ? left_ms : limit_ms;
	model->at_ms[i] = model->now_ms + left_ms;
}

/* Each remaining time of a few steps, set at each time of one, with sweeps in every rhythm. */
static void every_short_time_is_met_in_its_step(void **state)
{
	static const unsigned rhythms[] = {1, 7, DEADLINE_STEP_MS, 3 * DEADLINE_STEP_MS, 3 * ROUND_MS};
	static struct model model;

	(void)state;
	for (unsigned r = 0; r < sizeof(rhythms) / sizeof(rhythms[0]); r++) {
		for (unsigned left = 0; left < 3 * DEADLINE_STEP_MS; left++) {
			start(&model, 1000000 + left);
			for (unsigned i = 0; i < COUNT; i++, model.now_ms += 5) {
				resume(&model, i, DEADLINE_HEAD + i % 2, left);
				if (rhythms[r] == 1)
					sweep(&model);
			}
			for (unsigned i = 0; i < 8; i++, model.now_ms += rhythms[r])
				sweep(&model);
		}
	}
}

static void whatever_is_done_is_met_in_its_step(void **state)
{
	static struct model model;
	uint64_t met = 0;

	(void)state;
	srand(7);
	start(&model, 123456789);
	for (unsigned turn = 0; turn < 300000; turn++) {
		unsigned i = (unsigned)rand() % COUNT;
		enum deadline_kind kind = (enum deadline_kind)(rand() % DEADLINE_KINDS);

		switch (rand() % 8) {
		case 0:
			deadline_clear(&model.all[i]);
			model.at_ms[i] = UINT64_MAX;
			break;
		case 1:
		case 2:
			set(&model, i, kind);
			break;
		case 3:
			resume(&model, i, kind, (unsigned)rand() % (3 * ROUND_MS));
			break;
		case 4:
			resume(&model, i, kind, (unsigned)rand() % 300);
			break;
		default:
			model.now_ms += (unsigned)rand() % 40;
			if (rand() % 1000 == 0)
				model.now_ms += (unsigned)rand() % (4 * ROUND_MS);
			met -= model.at_ms[i] == UINT64_MAX;
			sweep(&model);
			met += model.at_ms[i] == UINT64_MAX;
		}
	}
	assert_true(met > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_passes_within_a_step_of_its_time),
		cmocka_unit_test(setting_again_moves_it),
		cmocka_unit_test(what_is_left_is_exact_and_never_more_than_the_timeout),
		cmocka_unit_test(one_without_any_time_left_passes_in_the_next_step),
		cmocka_unit_test(one_beyond_a_round_of_the_wheel_is_not_early),
		cmocka_unit_test(every_short_time_is_met_in_its_step),
		cmocka_unit_test(whatever_is_done_is_met_in_its_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
