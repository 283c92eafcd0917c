/* SPDX-License-Identifier: MIT
 *
 * Why a worker is ended, in words: people read them, and the next version of the master does. */
#include "cluster/policy/kill_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void each_reason_is_known_by_its_words(void **state)
{
	(void)state;
	for (int reason = KILL_NOT + 1; reason < KILL_REASONS; reason++) {
		const char *words = kill_reason_words((enum kill_reason)reason);

		assert_non_null(words);
		assert_true(words[0] != '\0');
		assert_int_equal(kill_reason_of(words), reason);
	}
	assert_string_equal(kill_reason_words(KILL_NOT), "");
}

static void other_words_are_of_another_version(void **state)
{
	(void)state;
	assert_int_equal(kill_reason_of(""), KILL_BY_FORMER);
	assert_int_equal(kill_reason_of("sent garbage, and more"), KILL_BY_FORMER);
	assert_int_equal(kill_reason_of("not ready within start_timeout"), KILL_START_TIMEOUT);
	assert_int_equal(kill_reason_of("silent for longer than watchdog allows"), KILL_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_known_by_its_words),
		cmocka_unit_test(other_words_are_of_another_version),
	};

	return cmocka_run_group_tests_name("kill_reason", tests, NULL, NULL);
}
