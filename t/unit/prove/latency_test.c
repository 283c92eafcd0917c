/* SPDX-License-Identifier: MIT
 *
 * The histogram of latencies. */
#include "prove/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void nothing_measured_is_zero(void **state)
{
	struct latency latency = {0};

	(void)state;
	assert_int_equal(latency_percentile_us(&latency, 50), 0);
	assert_int_equal(latency_percentile_us(&latency, 100), 0);
}

static void one_value_is_every_percentile_exactly(void **state)
{
	static const uint64_t values[] = {0, 1, 63, 64, 65, 127, 128, 1000, 123456789, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct latency latency = {0};

		latency_add(&latency, values[i]);
		assert_true(latency_percentile_us(&latency, 1) == values[i]);
		assert_true(latency_percentile_us(&latency, 50) == values[i]);
		assert_true(latency_percentile_us(&latency, 100) == values[i]);
	}
}

static void small_values_are_exact(void **state)
{
	struct latency latency = {0};

	(void)state;
	for (uint64_t us = 1; us <= 50; us++)
		latency_add(&latency, us);
	for (unsigned percent = 2; percent <= 100; percent += 2)
		assert_int_equal(latency_percentile_us(&latency, percent), percent / 2);
	assert_int_equal(latency_percentile_us(&latency, 1), 1);
	assert_int_equal(latency_percentile_us(&latency, 99), 50);
}

static void large_values_are_at_most_four_percent_above_the_truth(void **state)
{
	(void)state;
	for (uint64_t us = 64; us < 4000000000u; us += us / 7 + 1) {
		struct latency latency = {0};
		uint64_t told;

		latency_add(&latency, us);
		latency_add(&latency, UINT32_MAX);
		told = latency_percentile_us(&latency, 50);
		assert_true(told >= us);
		assert_true(told <= us + us / 25);
	}
}

static void a_percentile_leaves_so_many_above_it(void **state)
{
	struct latency latency = {0};

	(void)state;
	for (unsigned i = 0; i < 99; i++)
		latency_add(&latency, 10);
	latency_add(&latency, 50000);
	assert_int_equal(latency_percentile_us(&latency, 50), 10);
	assert_int_equal(latency_percentile_us(&latency, 99), 10);
	assert_int_equal(latency_percentile_us(&latency, 100), 50000);
	latency_add(&latency, 50000); /* 2 of 101 now: more than one in a hundred */
	assert_int_equal(latency_percentile_us(&latency, 99), 50000);
}

static void what_is_beyond_the_last_bucket_keeps_its_maximum(void **state)
{
	struct latency latency = {0};

	(void)state;
	latency_add(&latency, UINT64_MAX);
	latency_add(&latency, (uint64_t)1 << 40);
	assert_int_equal(latency.count, 2);
	assert_true(latency.max_us == UINT64_MAX);
	assert_true(latency_percentile_us(&latency, 50) == UINT64_MAX); /* never less than it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_measured_is_zero),
		cmocka_unit_test(one_value_is_every_percentile_exactly),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(large_values_are_at_most_four_percent_above_the_truth),
		cmocka_unit_test(a_percentile_leaves_so_many_above_it),
		cmocka_unit_test(what_is_beyond_the_last_bucket_keeps_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
