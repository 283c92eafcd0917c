/* SPDX-License-Identifier: MIT
 *
 * When a worker has done enough. */
#include "cluster/policy/recycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { OLD_MS = 3600000 };

static void without_limits_a_worker_stays(void **state)
{
	const struct recycle_limits none = {0};
	struct recycle_limits own = recycle_decide(&none, 12345);

	(void)state;
	assert_int_equal(recycle_judge(&own, UINT64_MAX, UINT64_MAX, UINT64_MAX), RECYCLE_NOT);
}

static void each_limit_is_reached_exactly(void **state)
{
	(void)state;
	for (uint64_t off = 0; off < 2; off++) {
		const struct recycle_limits requests = {.requests = 1000}, age = {.age_ms = OLD_MS},
					    memory = {.memory_bytes = 1 << 20};

		assert_int_equal(recycle_judge(&requests, 1000 - off, 0, OLD_MS), off ? RECYCLE_NOT : RECYCLE_REQUESTS);
		assert_int_equal(recycle_judge(&memory, 0, (1 << 20) - off, OLD_MS),
				 off ? RECYCLE_NOT : RECYCLE_MEMORY);
		assert_int_equal(recycle_judge(&age, 0, 0, OLD_MS - off), off ? RECYCLE_NOT : RECYCLE_AGE);
	}
}

static void a_young_worker_is_left_alone(void **state)
{
	const struct recycle_limits tiny = {.requests = 1, .memory_bytes = 1, .age_ms = 1},
				    memory = {.memory_bytes = 1};

	(void)state;
	assert_int_equal(recycle_judge(&tiny, 1000, 1000, RECYCLE_YOUNG_MS - 1), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&tiny, 1000, 1000, RECYCLE_YOUNG_MS), RECYCLE_REQUESTS);
	assert_int_equal(recycle_judge(&memory, 0, 1000, RECYCLE_YOUNG_FOR_MEMORY_MS - 1), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&memory, 0, 1000, RECYCLE_YOUNG_FOR_MEMORY_MS), RECYCLE_MEMORY);
}

static void memory_that_is_not_known_is_no_reason(void **state)
{
	const struct recycle_limits memory = {.memory_bytes = 1};

	(void)state;
	assert_int_equal(recycle_judge(&memory, 0, 0, OLD_MS), RECYCLE_NOT);
}

static void jitter_takes_up_to_a_tenth(void **state)
{
	static const uint64_t sizes[] = {1, 9, 10, 1000, 1000000, UINT64_C(1) << 50, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct recycle_limits set = {sizes[i], sizes[i], sizes[i]};
		uint64_t least = UINT64_MAX, most = 0;

		for (uint32_t random = 0; random < 3000; random++) {
			struct recycle_limits own = recycle_decide(&set, random);

			assert_true(own.requests > 0 && own.requests == own.age_ms && own.requests == own.memory_bytes);
			least = own.requests < least ? own.requests : least;
			most = own.requests > most ? own.requests : most;
		}
		assert_true(most == sizes[i]);
		assert_true(least == sizes[i] - sizes[i] / 10);
	}
}

static void workers_that_began_together_do_not_come_due_together(void **state)
{
	const struct recycle_limits set = {.requests = 100000};
	unsigned same = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		same += recycle_decide(&set, i * 2654435761u).requests ==
			recycle_decide(&set, (i + 1) * 2654435761u).requests;
	assert_true(same < 5);
}

static void the_reason_is_told_with_its_figure(void **state)
{
	char text[80];

	(void)state;
	recycle_describe(RECYCLE_REQUESTS, 50123, 0, 0, text, sizeof(text));
	assert_string_equal(text, "50123 requests (max_requests)");
	recycle_describe(RECYCLE_MEMORY, 0, 3 << 20, 0, text, sizeof(text));
	assert_string_equal(text, "3072 KiB of memory (max_memory)");
	recycle_describe(RECYCLE_AGE, 0, 0, 86400999, text, sizeof(text));
	assert_string_equal(text, "86400 s of age (max_age)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits_a_worker_stays),
		cmocka_unit_test(each_limit_is_reached_exactly),
		cmocka_unit_test(a_young_worker_is_left_alone),
		cmocka_unit_test(memory_that_is_not_known_is_no_reason),
		cmocka_unit_test(jitter_takes_up_to_a_tenth),
		cmocka_unit_test(workers_that_began_together_do_not_come_due_together),
		cmocka_unit_test(the_reason_is_told_with_its_figure),
	};

	return cmocka_run_group_tests_name("recycle", tests, NULL, NULL);
}
