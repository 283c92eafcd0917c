/* SPDX-License-Identifier: MIT
 *
 * Dates: what is written, the three forms that are read, and what is no date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/date.h"

#include <string.h>
#include <time.h>

enum { NOW = 1795000000 }; /* in November 2026 */

static void assert_written(int64_t seconds, const char *wanted)
{
	char text[DATE_LENGTH + 1] = "";

	date_format(text, seconds);
	assert_string_equal(text, wanted);
}

static void imf_fixdate_is_written(void **state)
{
	(void)state;
	assert_written(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_written(0, "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_written(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
	assert_written(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
	assert_written(951868799, "Tue, 29 Feb 2000 23:59:59 GMT");
	assert_written(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
	assert_written(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void times_beyond_four_digits_of_year_are_clamped(void **state)
{
	(void)state;
	assert_written(253402300800, "Fri, 31 Dec 9999 23:59:59 GMT");
	assert_written(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
	assert_written(INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT");
}

static void every_few_days_over_centuries_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t at = -9000000000; at < 20000000000; at += 86400 * 5 + 12345) {
		char ours[DATE_LENGTH + 1] = "", theirs[64];
		time_t seconds = (time_t)at;
		struct tm tm;
		int64_t back;

		date_format(ours, at);
		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &tm));
		assert_string_equal(ours, theirs);
		assert_true(date_parse(slice_of(ours), NOW, &back));
		assert_int_equal(back, at);
	}
}

static void all_three_forms_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} table[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Wed Nov 16 08:49:37 1994", 784975777},
		{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* it was a Sunday */
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},   /* a leap second */
		{"Friday, 31-Dec-76 00:00:00 GMT", 3376598400},  /* 2076: 50 years ahead */
		{"Saturday, 31-Dec-77 00:00:00 GMT", 252374400}, /* 1977: 51 years would be too far */
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t seconds = -77;

		if (!date_parse(slice_of(table[i].text), NOW, &seconds))
			fail_msg("not read: %s", table[i].text);
		if (seconds != table[i].seconds)
			fail_msg("%s: %lld", table[i].text, (long long)seconds);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		"0",
		"now",
		"784111777",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Sux, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nox 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Thu, 31 Nov 1994 08:49:37 GMT",
		"Tue, 29 Feb 1900 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:00 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sunday, 06 Nov 94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov 06  08:49:37 1994",
		"1994-11-06T08:49:37Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t seconds;

		if (date_parse(slice_of(table[i]), NOW, &seconds))
			fail_msg("taken for a date: %s", table[i]);
	}
}

static void no_prefix_of_a_date_is_a_date(void **state)
{
	static const char *const dates[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
					    "Sun Nov  6 08:49:37 1994"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t length = 0; length < strlen(dates[i]); length++) {
			int64_t seconds;

			assert_false(date_parse((struct slice){dates[i], length}, NOW, &seconds));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(imf_fixdate_is_written),
		cmocka_unit_test(times_beyond_four_digits_of_year_are_clamped),
		cmocka_unit_test(every_few_days_over_centuries_agree_with_the_c_library),
		cmocka_unit_test(all_three_forms_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(no_prefix_of_a_date_is_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
