/* SPDX-License-Identifier: MIT
 *
 * Which octets are characters of UTF-8: the borders of RFC 3629. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

#include <string.h>

static void assert_is(const char *text, size_t length, uint32_t code)
{
	uint32_t found = 0;

	assert_int_equal(utf8_character(text, strlen(text), &found), length);
	assert_int_equal(found, code);
	/* Whatever comes behind it. */
	assert_int_equal(utf8_character(text, length, &found), length);
}

static void assert_is_none(const char *text)
{
	uint32_t code;

	assert_int_equal(utf8_character(text, strlen(text), &code), 0);
}

static void characters_of_each_length_are_read(void **state)
{
	uint32_t code = 1;

	(void)state;
	assert_is("az", 1, 'a');
	assert_is("\x7f", 1, 0x7f);
	assert_is("\xc2\x80", 2, 0x80);
	assert_is("\xdf\xbfz", 2, 0x7ff);
	assert_is("\xe0\xa0\x80", 3, 0x800);
	assert_is("\xed\x9f\xbf", 3, 0xd7ff);
	assert_is("\xee\x80\x80", 3, 0xe000);
	assert_is("\xef\xbf\xbf", 3, 0xffff);
	assert_is("\xf0\x90\x80\x80", 4, 0x10000);
	assert_is("\xf4\x8f\xbf\xbf", 4, 0x10ffff);
	assert_is(UTF8_REPLACEMENT, 3, 0xfffd);
	assert_int_equal(utf8_character("", 1, &code), 1);
	assert_int_equal(code, 0);
}

static void what_is_overlong_a_surrogate_or_too_large_is_none(void **state)
{
	(void)state;
	assert_is_none("\xc0\x80");
	assert_is_none("\xc1\xbf");
	assert_is_none("\xe0\x9f\xbf");
	assert_is_none("\xf0\x8f\xbf\xbf");
	assert_is_none("\xed\xa0\x80");
	assert_is_none("\xed\xbf\xbf");
	assert_is_none("\xf4\x90\x80\x80");
	assert_is_none("\xf5\x80\x80\x80");
	assert_is_none("\xff\xbf\xbf\xbf");
	assert_is_none("\x80");
	assert_is_none("\xbf\xbf");
}

static void what_is_cut_short_is_none_and_nothing_behind_it_is_read(void **state)
{
	static const char *const whole[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa3"};
	uint32_t code;

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		for (size_t size = 1; size < strlen(whole[i]); size++)
			assert_int_equal(utf8_character(whole[i], size, &code), 0);
	}
	assert_is_none("\xc3z");
	assert_is_none("\xe2\x82z");
	assert_is_none("\xf0\x9f\x90z");
	assert_is_none("\xf0\xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_of_each_length_are_read),
		cmocka_unit_test(what_is_overlong_a_surrogate_or_too_large_is_none),
		cmocka_unit_test(what_is_cut_short_is_none_and_nothing_behind_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
