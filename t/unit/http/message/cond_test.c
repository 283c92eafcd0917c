/* SPDX-License-Identifier: MIT
 *
 * Conditions: each field alone, their precedence as a matrix, If-Range. The representation has the
 * tag "now" and was modified at 08:49:37. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/cond.h"
#include "asking.h"

#include <stdio.h>

#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME    "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER   "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct validators current = {.etag = {"\"now\"", 5}, .last_modified = 784111777, .now = 784111777 + 3600};

static enum cond_verdict check(enum field_id id, const char *value)
{
	struct request request = asking(METHOD_GET, "/");

	asking_field(&request, id, value);
	return cond_check(&request, &current);
}

static void without_conditions_it_goes_on(void **state)
{
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	assert_int_equal(cond_check(&request, &current), COND_GO_ON);
	assert_true(cond_range_applies(&request, &current));
}

static void each_field_alone(void **state)
{
	static const struct {
		enum field_id id;
		const char *value;
		enum cond_verdict verdict;
	} table[] = {
		{FIELD_IF_MATCH, "\"now\"", COND_GO_ON},
		{FIELD_IF_MATCH, "\"old\", \"now\"", COND_GO_ON},
		{FIELD_IF_MATCH, "*", COND_GO_ON},
		{FIELD_IF_MATCH, "\"old\"", COND_FAILED},
		{FIELD_IF_MATCH, "W/\"now\"", COND_FAILED}, /* strong comparison */
		{FIELD_IF_MATCH, "now", COND_FAILED},
		{FIELD_IF_MATCH, "", COND_FAILED},
		{FIELD_IF_UNMODIFIED_SINCE, EARLIER, COND_FAILED},
		{FIELD_IF_UNMODIFIED_SINCE, SAME, COND_GO_ON},
		{FIELD_IF_UNMODIFIED_SINCE, LATER, COND_GO_ON},
		{FIELD_IF_UNMODIFIED_SINCE, "yesterday", COND_GO_ON},
		{FIELD_IF_NONE_MATCH, "\"now\"", COND_NOT_MODIFIED},
		{FIELD_IF_NONE_MATCH, "W/\"now\"", COND_NOT_MODIFIED}, /* weak comparison */
		{FIELD_IF_NONE_MATCH, "\"old\", W/\"now\"", COND_NOT_MODIFIED},
		{FIELD_IF_NONE_MATCH, "*", COND_NOT_MODIFIED},
		{FIELD_IF_NONE_MATCH, "\"old\"", COND_GO_ON},
		{FIELD_IF_NONE_MATCH, "now", COND_GO_ON},
		{FIELD_IF_NONE_MATCH, "", COND_GO_ON},
		{FIELD_IF_MODIFIED_SINCE, EARLIER, COND_GO_ON},
		{FIELD_IF_MODIFIED_SINCE, SAME, COND_NOT_MODIFIED},
		{FIELD_IF_MODIFIED_SINCE, LATER, COND_NOT_MODIFIED},
		{FIELD_IF_MODIFIED_SINCE, "Sunday, 06-Nov-94 08:49:37 GMT", COND_NOT_MODIFIED},
		{FIELD_IF_MODIFIED_SINCE, "Sun Nov  6 08:49:37 1994", COND_NOT_MODIFIED},
		{FIELD_IF_MODIFIED_SINCE, "Sun Nov  6 08:49:36 1994", COND_GO_ON},
		{FIELD_IF_MODIFIED_SINCE, "0", COND_GO_ON},
		{FIELD_IF_MODIFIED_SINCE, SAME "; length=3", COND_GO_ON},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (check(table[i].id, table[i].value) != table[i].verdict)
			fail_msg("field %u: %s", (unsigned)table[i].id, table[i].value);
	}
}

/* What each field says on its own: absent, true, false, or not valid. */
enum says { ABSENT, TRUE, FALSE, INVALID, SAYS_COUNT };

static const char *const values[SAYS_COUNT][4] = {
	[ABSENT] = {NULL, NULL, NULL, NULL},
	[TRUE] = {"\"now\"", LATER, "\"old\"", EARLIER},
	[FALSE] = {"\"old\"", EARLIER, "\"now\"", LATER},
	[INVALID] = {"now", "yesterday", "now", "yesterday"},
};

/* RFC 9110 section 13.2.2, steps 1 to 4, written down once more and in another way. */
static enum cond_verdict expected(const enum says says[4])
{
	if (says[0] == FALSE || says[0] == INVALID)
		return COND_FAILED;
	if (says[0] == ABSENT && says[1] == FALSE)
		return COND_FAILED;
	if (says[2] == FALSE)
		return COND_NOT_MODIFIED;
	if (says[2] == ABSENT && says[3] == FALSE)
		return COND_NOT_MODIFIED;
	return COND_GO_ON;
}

static void all_combinations_keep_the_precedence(void **state)
{
	static const enum field_id ids[4] = {FIELD_IF_MATCH, FIELD_IF_UNMODIFIED_SINCE, FIELD_IF_NONE_MATCH,
					     FIELD_IF_MODIFIED_SINCE};

	(void)state;
	for (unsigned n = 0; n < 256; n++) {
		const enum says says[4] = {n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3};
		struct request request = asking(METHOD_GET, "/");

		/* Backwards: their order in the request does not matter. */
		for (int i = 3; i >= 0; i--) {
			if (says[i] != ABSENT)
				asking_field(&request, ids[i], values[says[i]][i]);
		}
		if (cond_check(&request, &current) != expected(says))
			fail_msg("If-Match %d, If-Unmodified-Since %d, If-None-Match %d, "
				 "If-Modified-Since %d",
				 says[0], says[1], says[2], says[3]);
	}
}

static void lines_of_tags_are_one_list(void **state)
{
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	asking_field(&request, FIELD_IF_NONE_MATCH, "\"a\", \"b\"");
	asking_field(&request, FIELD_HOST, "x");
	assert_int_equal(cond_check(&request, &current), COND_GO_ON);
	asking_field(&request, FIELD_IF_NONE_MATCH, "\"now\"");
	assert_int_equal(cond_check(&request, &current), COND_NOT_MODIFIED);
	asking_field(&request, FIELD_IF_MATCH, "\"a\"");
	assert_int_equal(cond_check(&request, &current), COND_FAILED);
	asking_field(&request, FIELD_IF_MATCH, "\"now\"");
	assert_int_equal(cond_check(&request, &current), COND_NOT_MODIFIED);
}

static void two_dates_are_none(void **state)
{
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	asking_field(&request, FIELD_IF_MODIFIED_SINCE, LATER);
	assert_int_equal(cond_check(&request, &current), COND_NOT_MODIFIED);
	asking_field(&request, FIELD_IF_MODIFIED_SINCE, LATER);
	assert_int_equal(cond_check(&request, &current), COND_GO_ON);
	asking_field(&request, FIELD_IF_UNMODIFIED_SINCE, EARLIER);
	assert_int_equal(cond_check(&request, &current), COND_FAILED);
	asking_field(&request, FIELD_IF_UNMODIFIED_SINCE, EARLIER);
	assert_int_equal(cond_check(&request, &current), COND_GO_ON);
}

static void if_range_is_strong_and_exact(void **state)
{
	static const struct {
		const char *value;
		bool applies;
	} table[] = {
		{"\"now\"", true},
		{"W/\"now\"", false},
		{"\"old\"", false},
		{"*", false},
		{"now", false},
		{"", false},
		{SAME, true},
		{EARLIER, false},
		{LATER, false},
		{"\"old\", \"now\"", false}, /* one tag, no list */
		{"Sunday, 06-Nov-94 08:49:37 GMT", true},
		{"Sun Nov  6 08:49:37 1994", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct request request = asking(METHOD_GET, "/");

		asking_field(&request, FIELD_IF_RANGE, table[i].value);
		if (cond_range_applies(&request, &current) != table[i].applies)
			fail_msg("If-Range: %s", table[i].value);
		asking_field(&request, FIELD_IF_RANGE, table[i].value);
		assert_false(cond_range_applies(&request, &current));
	}
}

static void if_range_with_a_date_of_this_second_is_not_strong(void **state)
{
	struct validators fresh = current;
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	asking_field(&request, FIELD_IF_RANGE, SAME);
	fresh.now = fresh.last_modified;
	assert_false(cond_range_applies(&request, &fresh));
	fresh.now++;
	assert_true(cond_range_applies(&request, &fresh));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_conditions_it_goes_on),
		cmocka_unit_test(each_field_alone),
		cmocka_unit_test(all_combinations_keep_the_precedence),
		cmocka_unit_test(lines_of_tags_are_one_list),
		cmocka_unit_test(two_dates_are_none),
		cmocka_unit_test(if_range_is_strong_and_exact),
		cmocka_unit_test(if_range_with_a_date_of_this_second_is_not_strong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
