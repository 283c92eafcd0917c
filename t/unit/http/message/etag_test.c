/* SPDX-License-Identifier: MIT
 *
 * Entity tags: made, parsed, looked for in lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/etag.h"

#include <time.h>

static struct slice make(char room[ETAG_ROOM], uint64_t size, time_t seconds, long nanoseconds)
{
	const struct timespec mtime = {seconds, nanoseconds};

	return (struct slice){room, etag_format(room, size, &mtime, NULL, CODING_IDENTITY)};
}

static void a_tag_is_size_and_time_in_quotes(void **state)
{
	char room[ETAG_ROOM];

	(void)state;
	assert_true(slice_equal(make(room, 255, 1, 16), SLICE("\"ff-3b9aca10\"")));
	assert_true(slice_equal(make(room, 0, 0, 0), SLICE("\"0-0\"")));
}

static void size_and_each_nanosecond_count(void **state)
{
	char a[ETAG_ROOM], b[ETAG_ROOM];

	(void)state;
	assert_false(slice_equal(make(a, 10, 1000, 1), make(b, 11, 1000, 1)));
	assert_false(slice_equal(make(a, 10, 1000, 1), make(b, 10, 1000, 2)));
	assert_false(slice_equal(make(a, 10, 1000, 1), make(b, 10, 1001, 1)));
	assert_true(slice_equal(make(a, 10, 1000, 1), make(b, 10, 1000, 1)));
}

static void the_longest_tag_fits(void **state)
{
	const struct timespec mtime = {-1, 999999999};
	const uint64_t third = UINT64_MAX;
	char room[ETAG_ROOM];
	size_t length = etag_format(room, UINT64_MAX, &mtime, &third, CODING_ZSTD);

	(void)state;
	assert_true(length < ETAG_ROOM);
	assert_int_equal(room[length - 1], '"');
}

static void a_third_part_has_one_length(void **state)
{
	const struct timespec mtime = {5, 5};
	const uint64_t small = 1, large = UINT64_MAX;
	char room[ETAG_ROOM];

	(void)state;
	assert_int_equal(etag_format(room, 7, &mtime, &small, CODING_IDENTITY),
			 etag_format(room, 7, &mtime, &large, CODING_IDENTITY));
}

static void single_tags_are_parsed(void **state)
{
	struct etag tag;

	(void)state;
	assert_true(etag_parse(SLICE("\"a\""), &tag));
	assert_false(tag.weak);
	assert_true(slice_equal(tag.opaque, SLICE("\"a\"")));
	assert_true(etag_parse(SLICE("W/\"a b\""), &tag) == false); /* no space in a tag */
	assert_true(etag_parse(SLICE("W/\"\""), &tag));
	assert_true(tag.weak);
	assert_true(slice_equal(tag.opaque, SLICE("\"\"")));
	assert_true(etag_parse(SLICE("\"a,\\b\xff\""), &tag));
}

static void what_is_no_tag_is_refused(void **state)
{
	static const char *const table[] = {"",         "a",      "\"",          "\"a",      "a\"", "w/\"a\"",
					    "W\"a\"",   "W/",     "W/a",         "*",        "'a'", "\"a\" ",
					    "W/ \"a\"", "\"a\"b", "\"a\",\"b\"", "\"a\x7f\""};
	struct etag tag;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (etag_parse(slice_of(table[i]), &tag))
			fail_msg("taken for a tag: %s", table[i]);
	}
}

static void lists_are_searched(void **state)
{
	static const struct {
		const char *list;
		bool weakly, strongly; /* whether "x" is found */
	} table[] = {
		{"\"x\"", true, true},
		{"W/\"x\"", true, false},
		{"\"y\"", false, false},
		{"\"a\", \"x\"", true, true},
		{"\"a\",\"x\",\"b\"", true, true},
		{"\"a\" \t,\t W/\"x\"", true, false},
		{"W/\"x\", \"x\"", true, true},
		{", ,\"x\",", true, true},
		{"\"a,\"x\"", false, false}, /* "a," and then x and an open quote */
		{"\"x,\"", false, false},
		{"\"a,b\", \"x\"", true, true}, /* the comma is the tag's */
		{"nonsense, \"x\"", true, true},
		{"\"x\"junk", false, false},
		{"\"x\" \"y\"", false, false},
		{"x", false, false},
		{"*", false, false}, /* is for who knows that it stands alone */
		{"", false, false},
		{",", false, false},
		{"\"X\"", false, false},
		{"\"x", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice list = slice_of(table[i].list);

		if (etag_list_has(list, SLICE("\"x\""), false) != table[i].weakly ||
		    etag_list_has(list, SLICE("\"x\""), true) != table[i].strongly)
			fail_msg("list: %s", table[i].list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_is_size_and_time_in_quotes),
		cmocka_unit_test(size_and_each_nanosecond_count),
		cmocka_unit_test(the_longest_tag_fits),
		cmocka_unit_test(a_third_part_has_one_length),
		cmocka_unit_test(single_tags_are_parsed),
		cmocka_unit_test(what_is_no_tag_is_refused),
		cmocka_unit_test(lists_are_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
