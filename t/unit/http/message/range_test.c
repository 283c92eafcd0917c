/* SPDX-License-Identifier: MIT
 *
 * Ranges: what they mean for files of given sizes, and what is ignored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/range.h"

#include <stdio.h>

struct one {
	const char *value;
	uint64_t size, first, length;
};

static void single_ranges(void **state)
{
	static const struct one table[] = {
		{"bytes=0-0", 10, 0, 1},
		{"bytes=0-9", 10, 0, 10},
		{"bytes=2-5", 10, 2, 4},
		{"bytes=9-9", 10, 9, 1},
		{"bytes=9-", 10, 9, 1},
		{"bytes=0-", 10, 0, 10},
		{"bytes=5-100", 10, 5, 5},
		{"bytes=0-10", 10, 0, 10},
		{"bytes=-1", 10, 9, 1},
		{"bytes=-10", 10, 0, 10},
		{"bytes=-11", 10, 0, 10},
		{"BYTES=0-1", 10, 0, 2},
		{"Bytes=0-1", 10, 0, 2},
		{"bytes=000000000000000000000000001-00000000000000000000000000002", 10, 1, 2},
		{"bytes=1-99999999999999999999999999", 10, 1, 9},
		{"bytes=1-18446744073709551615", 10, 1, 9},
		{"bytes=1-18446744073709551616", 10, 1, 9},
		{"bytes=-99999999999999999999999999", 10, 0, 10},
		{"bytes= 0-1", 10, 0, 2},
		{"bytes=,0-1", 10, 0, 2},
		{"bytes=0-1 ,\t, ", 10, 0, 2},
		{"bytes=8589934592-8589934593", 17179869184, 8589934592, 2},
		{"bytes=0-", UINT64_MAX, 0, UINT64_MAX},
		{"bytes=18446744073709551614-", UINT64_MAX, UINT64_MAX - 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct range_set set;

		if (range_parse(slice_of(table[i].value), table[i].size, &set) != RANGE_SATISFIABLE || set.asked != 1 ||
		    set.count != 1 || set.ranges[0].first != table[i].first || set.ranges[0].length != table[i].length)
			fail_msg("%s", table[i].value);
	}
}

static void unsatisfiable_ranges(void **state)
{
	static const struct one table[] = {
		{.value = "bytes=10-", .size = 10},
		{.value = "bytes=10-10", .size = 10},
		{.value = "bytes=11-20", .size = 10},
		{.value = "bytes=99999999999999999999-", .size = 10},
		{.value = "bytes=99999999999999999999-99999999999999999999", .size = UINT64_MAX},
		{.value = "bytes=-0", .size = 10},
		{.value = "bytes=-0", .size = 0},
		{.value = "bytes=0-", .size = 0},
		{.value = "bytes=0-0", .size = 0},
		{.value = "bytes=10-,-0,12-13", .size = 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct range_set set;

		if (range_parse(slice_of(table[i].value), table[i].size, &set) != RANGE_UNSATISFIABLE)
			fail_msg("%s", table[i].value);
	}
}

static void what_is_ignored(void **state)
{
	static const char *const table[] = {
		"",
		"bytes",
		"bytes=",
		"bytes=,",
		"bytes= ",
		"bytes=-",
		"bytes=--1",
		"bytes=a-b",
		"bytes=1",
		"bytes=1-2-3",
		"bytes=2-1",
		"bytes=1-0",
		"bytes=0x1-2",
		"bytes=+1-2",
		"bytes=1 -2",
		"bytes=1- 2",
		"bytes =0-1",
		"bytes:0-1",
		"byte=0-1",
		"items=0-1",
		"lines=0-1",
		"octets=0-1",
		"bytes=0-1;",
		"bytes=0-1 2-3",
		"bytes=0-1,x",
		"bytes=0-1,5-4",
		"bytes=\"0-1\"",
		"0-1",
		"=0-1",
		"bytesx=0-1",
		"bytes=0-1, bytes=2-3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct range_set set;

		if (range_parse(slice_of(table[i]), 10, &set) != RANGE_IGNORE)
			fail_msg("%s", table[i]);
	}
}

static void the_end_of_an_empty_file_is_all_of_it(void **state)
{
	struct range_set set;

	(void)state;
	assert_int_equal(range_parse(SLICE("bytes=-5"), 0, &set), RANGE_IGNORE);
}

static void lists_keep_their_order_and_leave_out_the_unsatisfiable(void **state)
{
	struct range_set set;

	(void)state;
	assert_int_equal(range_parse(SLICE("bytes=8-9, 0-0 ,20-30,-2"), 10, &set), RANGE_SATISFIABLE);
	assert_int_equal(set.asked, 4);
	assert_int_equal(set.count, 3);
	assert_int_equal(set.ranges[0].first, 8);
	assert_int_equal(set.ranges[1].first, 0);
	assert_int_equal(set.ranges[2].first, 8);
	assert_int_equal(set.ranges[2].length, 2);
}

struct join {
	const char *value;
	uint64_t gap;
	size_t count;
	struct range ranges[4];
};

static void ranges_are_sorted_and_joined(void **state)
{
	static const struct join table[] = {
		{"0-9", 0, 1, {{0, 10}}},
		{"0-9,20-29", 0, 2, {{0, 10}, {20, 10}}},
		{"20-29,0-9", 0, 2, {{0, 10}, {20, 10}}},
		{"90-99,40-49,0-9", 0, 3, {{0, 10}, {40, 10}, {90, 10}}},
		{"0-9,0-9,0-9", 0, 1, {{0, 10}}},
		{"0-9,10-19", 0, 1, {{0, 20}}},
		{"0-9,11-19", 0, 2, {{0, 10}, {11, 9}}},
		{"0-9,11-19", 1, 1, {{0, 20}}},
		{"0-9,5-14", 0, 1, {{0, 15}}},
		{"5-14,0-9", 0, 1, {{0, 15}}},
		{"0-99,20-29,40-49", 0, 1, {{0, 100}}},
		{"0-0,50-50,-1", 48, 2, {{0, 1}, {50, 50}}},
		{"0-0,50-50,-1", 49, 1, {{0, 100}}},
		{"0-0,50-50,-1", UINT64_MAX, 1, {{0, 100}}},
		{"0-,-1,0-0", 0, 1, {{0, 100}}},
		{"0-9,200-300,30-39", 0, 2, {{0, 10}, {30, 10}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct join *join = &table[i];
		struct range_set set;
		char value[64];

		snprintf(value, sizeof(value), "bytes=%s", join->value);
		assert_int_equal(range_parse(slice_of(value), 100, &set), RANGE_SATISFIABLE);
		range_join(&set, join->gap);
		if (set.count != join->count ||
		    memcmp(set.ranges, join->ranges, set.count * sizeof(set.ranges[0])) != 0)
			fail_msg("%s, gap %llu", join->value, (unsigned long long)join->gap);
	}
}

static void joining_does_not_overflow(void **state)
{
	struct range_set set;

	(void)state;
	assert_int_equal(range_parse(SLICE("bytes=18446744073709551614-,0-0"), UINT64_MAX, &set), RANGE_SATISFIABLE);
	range_join(&set, 100);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.ranges[1].first, UINT64_MAX - 1);
	assert_int_equal(range_parse(SLICE("bytes=5-,0-,18446744073709551614-"), UINT64_MAX, &set), RANGE_SATISFIABLE);
	range_join(&set, 100);
	assert_int_equal(set.count, 1);
	assert_int_equal(set.ranges[0].length, UINT64_MAX);
}

static void more_ranges_than_the_limit_are_ignored(void **state)
{
	char text[16 + 5 * (RANGE_COUNT_MAX + 1)] = "bytes=";
	struct range_set set;

	(void)state;
	for (int i = 0; i < RANGE_COUNT_MAX; i++)
		strcat(text, "0-0,");
	assert_int_equal(range_parse(slice_of(text), 10, &set), RANGE_SATISFIABLE);
	assert_int_equal(set.count, RANGE_COUNT_MAX);
	strcat(text, "0-0");
	assert_int_equal(range_parse(slice_of(text), 10, &set), RANGE_IGNORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_ranges),
		cmocka_unit_test(unsatisfiable_ranges),
		cmocka_unit_test(what_is_ignored),
		cmocka_unit_test(the_end_of_an_empty_file_is_all_of_it),
		cmocka_unit_test(lists_keep_their_order_and_leave_out_the_unsatisfiable),
		cmocka_unit_test(ranges_are_sorted_and_joined),
		cmocka_unit_test(joining_does_not_overflow),
		cmocka_unit_test(more_ranges_than_the_limit_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
