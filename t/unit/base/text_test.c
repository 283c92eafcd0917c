/* SPDX-License-Identifier: MIT
 *
 * Numbers, durations, sizes and misspelt words. */
#include "base/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void a_number_is_digits_and_nothing_else(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x10", "1.5", "eight"};
	uint64_t value = 7;

	(void)state;
	assert_int_equal(text_parse_u64("0", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(text_parse_u64("18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	value = 7;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(text_parse_u64(wrong[i], &value), -EINVAL);
	assert_int_equal(text_parse_u64("18446744073709551616", &value), -ERANGE);
	assert_int_equal(text_parse_u64("99999999999999999999x", &value), -EINVAL);
	assert_int_equal(value, 7); /* untouched by what failed */
}

static void durations_have_units_and_bare_ones_are_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {{"500ms", 500},   {"10s", 10000}, {"5m", 300000}, {"2h", 7200000},
		     {"1d", 86400000}, {"10", 10000},  {"0", 0},       {"0s", 0}};
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(text_parse_duration(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
	}
	assert_int_equal(text_parse_duration("", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("ms", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("10 s", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("10sec", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("1.5s", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("18446744073709551615d", &ms), -ERANGE);
}

static void sizes_are_powers_of_1024_in_either_case(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {{"512", 512}, {"64k", 65536}, {"64K", 65536}, {"10m", 10485760}, {"1G", 1073741824}};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(text_parse_size(cases[i].text, &bytes), 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
	assert_int_equal(text_parse_size("k", &bytes), -EINVAL);
	assert_int_equal(text_parse_size("64kb", &bytes), -EINVAL);
	assert_int_equal(text_parse_size("17179869184g", &bytes), -ERANGE);
}

static void what_is_written_is_read_back_the_same(void **state)
{
	static const uint64_t values[] = {0,    1,     999,   1000,  1023,     1024,       1500,
					  4096, 60000, 90000, 65536, 86400000, 1073741824, UINT64_MAX};
	char text[32];
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		text_format_duration(text, sizeof(text), values[i]);
		assert_int_equal(text_parse_duration(text, &back), 0);
		assert_true(back == values[i]);
		text_format_size(text, sizeof(text), values[i]);
		assert_int_equal(text_parse_size(text, &back), 0);
		assert_true(back == values[i]);
	}
	text_format_duration(text, sizeof(text), 75000);
	assert_string_equal(text, "75s");
	text_format_size(text, sizeof(text), 65536);
	assert_string_equal(text, "64k");
}

static void controls_are_masked_and_nothing_else(void **state)
{
	char line[] = "a\x01\nb\x1f \x7f~\xc3\xa4\x9f";

	(void)state;
	text_mask(line);
	assert_string_equal(line, "a??b? ?~\xc3\xa4\x9f");
}

static void distance_counts_edits(void **state)
{
	char longer[200];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("workers", "wrokers"), 1);
	assert_int_equal(text_distance("workers", "worker"), 1);
	assert_int_equal(text_distance("listen", "lisden"), 1);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(text_distance(longer, "a"), sizeof(longer) - 1);
	assert_int_equal(text_distance(longer, longer), 0);
}

static void the_nearest_word_is_found_only_when_it_is_near(void **state)
{
	static const char *const words[] = {"listen", "workers", "head_timeout", "root"};

	(void)state;
	assert_string_equal(text_nearest("worker", words, 4), "workers");
	assert_string_equal(text_nearest("head_timout", words, 4), "head_timeout");
	assert_string_equal(text_nearest("rot", words, 4), "root");
	assert_null(text_nearest("colour", words, 4));
	assert_null(text_nearest("", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_digits_and_nothing_else),
		cmocka_unit_test(durations_have_units_and_bare_ones_are_seconds),
		cmocka_unit_test(sizes_are_powers_of_1024_in_either_case),
		cmocka_unit_test(what_is_written_is_read_back_the_same),
		cmocka_unit_test(controls_are_masked_and_nothing_else),
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(the_nearest_word_is_found_only_when_it_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
