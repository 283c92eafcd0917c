/* SPDX-License-Identifier: MIT
 *
 * The clocks agree with the kernel's. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void the_monotonic_clock_never_goes_back(void **state)
{
	uint64_t last = clock_now_us(), first_ms = clock_now_ms();
	struct timespec now;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t next = clock_now_us();

		assert_true(next >= last);
		last = next;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_in_range(first_ms, last / 1000 - 60000, last / 1000);
	assert_in_range(last / 1000000, (uint64_t)now.tv_sec - 60, (uint64_t)now.tv_sec);
}

static void the_wall_clock_is_the_time_of_day(void **state)
{
	time_t before = time(NULL);

	(void)state;
	assert_in_range(clock_wall_seconds(), before - 1, before + 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(the_wall_clock_is_the_time_of_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
