/* SPDX-License-Identifier: MIT
 *
 * Calls that sleep are ended in time, one after the other, and nothing else is disturbed. */
#include "base/interrupt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

/* Without the bound each of these would take for ever. */
static void calls_that_sleep_are_ended_one_after_the_other(void **state)
{
	struct interrupt interrupt = {.made = false};
	int ends[2];
	char octet;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(interrupt_open(&interrupt), 0);
	interrupt_after(&interrupt, 20);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read(ends[0], &octet, 1), -1);
		assert_int_equal(errno, EINTR);
	}
	interrupt_after(&interrupt, 60000);
	assert_int_equal(write(ends[1], "!", 1), 1);
	assert_int_equal(read(ends[0], &octet, 1), 1);
	interrupt_close(&interrupt);
	close(ends[0]);
	close(ends[1]);
}

static void one_that_is_not_open_does_nothing(void **state)
{
	struct interrupt interrupt = {.made = false};

	(void)state;
	interrupt_after(&interrupt, 1);
	interrupt_close(&interrupt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_that_sleep_are_ended_one_after_the_other),
		cmocka_unit_test(one_that_is_not_open_does_nothing),
	};

	return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
