/* SPDX-License-Identifier: MIT
 *
 * Rules for the fields of responses: set, add, remove, in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/site/header_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void assert_makes(const char *wanted, const char *const *rules)
{
	struct slice lines;
	size_t count = 0;

	while (rules[count])
		count++;
	assert_int_equal(header_rules_make(rules, count, &lines), 0);
	if (!slice_equal(lines, slice_of(wanted)))
		fail_msg("%.*s", (int)lines.len, lines.ptr);
	free((char *)lines.ptr);
}

#define RULES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void rules_are_applied_one_after_the_other(void **state)
{
	(void)state;
	assert_makes("Server: brood\r\n", RULES(NULL));
	assert_makes("Server: brood\r\nA: 1\r\nB: 2\r\n", RULES("set A: 1", "set B: 2"));
	assert_makes("Server: brood\r\nB: 2\r\nA: 3\r\n", RULES("set A: 1", "set B: 2", "set a: 4", "set A: 3"));
	assert_makes("Server: brood\r\nA: 1\r\nA: 2\r\n", RULES("add A: 1", "add A: 2"));
	assert_makes("Server: brood\r\nA: 3\r\nA: 4\r\n", RULES("add A: 1", "add A: 2", "set A: 3", "add A: 4"));
	assert_makes("Server: brood\r\nB: 2\r\n", RULES("add A: 1", "set B: 2", "remove a"));
	assert_makes("Server: brood\r\nA: 2\r\n", RULES("set A: 1", "remove A", "add A: 2"));
	assert_makes("", RULES("remove Server"));
	assert_makes("Server: x/1 (y)\r\n", RULES("set server:   x/1 (y) ", "remove server", "set Server: x/1 (y)"));
	assert_makes("Server: brood\r\nA: \r\n", RULES("set A:"));
}

static void fields_of_the_message_itself_are_not_to_be_named(void **state)
{
	static const char *const own[] = {
		"Connection",
		"Content-Length",
		"Transfer-Encoding",
		"Date",
		"ETag",
		"Last-Modified",
		"Content-Type",
		"Content-Encoding",
		"Upgrade",
		"Keep-Alive",
		"Content-Range",
		"Accept-Ranges",
		"Location",
		"Allow",
		"Trailer",
		"TE",
		"Retry-After",
		"X-Brood-Worker",
		"dAtE",
	};
	static const char *const words[][2] = {{"set ", ": x"}, {"add ", ": x"}, {"remove ", ""}};
	char rule[80], reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		for (size_t k = 0; k < 3; k++) {
			snprintf(rule, sizeof(rule), "%s%s%s", words[k][0], own[i], words[k][1]);
			assert_false(header_rule_is_valid(rule, reason, sizeof(reason)));
			assert_non_null(strstr(reason, "is brood's own to make"));
		}
	}
	assert_true(header_rule_is_valid("add Vary: Cookie", reason, sizeof(reason)));
	assert_false(header_rule_is_valid("set Vary: Cookie", reason, sizeof(reason)));
	assert_false(header_rule_is_valid("remove Vary", reason, sizeof(reason)));
	assert_string_equal(reason, "Vary can be added to only: brood's own part must stay");
}

static void what_is_no_rule_is_told(void **state)
{
	static const char *const wrong[][2] = {
		{"", "want \"set NAME: VALUE\", \"add NAME: VALUE\" or \"remove NAME\""},
		{"X-A: b", "want \"set NAME: VALUE\", \"add NAME: VALUE\" or \"remove NAME\""},
		{"set", "want \"set NAME: VALUE\", \"add NAME: VALUE\" or \"remove NAME\""},
		{"Set A: b", "want \"set NAME: VALUE\", \"add NAME: VALUE\" or \"remove NAME\""},
		{"set ", "want a field's name after it"},
		{"set : b", "want a field's name after it"},
		{"set A", "want \"NAME: VALUE\""},
		{"set A b: c", "want \"NAME: VALUE\""},
		{"set A\xc3\xa4: c", "want \"NAME: VALUE\""},
		{"set A : c", "want \"NAME: VALUE\""},
		{"remove A: b", "want a field's name alone after \"remove\""},
		{"set A: b\r\nC: d", "a field's value has no control characters in it"},
		{"set A: b\nC: d", "a field's value has no control characters in it"},
		{"add A: \x7f", "a field's value has no control characters in it"},
	};
	char reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (header_rule_is_valid(wrong[i][0], reason, sizeof(reason)))
			fail_msg("'%s' is taken", wrong[i][0]);
		assert_string_equal(reason, wrong[i][1]);
	}
	assert_true(header_rule_is_valid("set Content-Security-Policy: default-src 'self'; img-src *", reason,
					 sizeof(reason)));
	assert_true(header_rule_is_valid("add Link: </a>; rel=preload, </b>", reason, 256));
	assert_true(header_rule_is_valid("set A: \xc3\xa4\tb", reason, sizeof(reason)));
}

static void all_lines_together_have_a_limit(void **state)
{
	static char rule[HEADER_LINES_MAX + 16];
	const char *rules[] = {rule};
	struct slice lines;
	/* "Server: brood" and the name, with colons, blanks and ends */
	size_t room = HEADER_LINES_MAX - 15 - 5;

	(void)state;
	memset(rule, 'x', sizeof(rule) - 1);
	memcpy(rule, "set A: ", 7);
	rule[7 + room] = '\0';
	assert_int_equal(header_rules_make(rules, 1, &lines), 0);
	assert_int_equal(lines.len, HEADER_LINES_MAX);
	free((char *)lines.ptr);
	rule[7 + room] = 'x';
	rule[8 + room] = '\0';
	assert_int_equal(header_rules_make(rules, 1, &lines), -E2BIG);
}

static void a_line_is_found_by_its_whole_name(void **state)
{
	const struct slice lines = SLICE("Server: brood\r\nCache-Control: x\r\n");

	(void)state;
	assert_true(header_lines_have(lines, SLICE("cache-control")));
	assert_true(header_lines_have(lines, SLICE("Server")));
	assert_false(header_lines_have(lines, SLICE("Cache")));
	assert_false(header_lines_have(lines, SLICE("brood")));
	assert_false(header_lines_have(SLICE(""), SLICE("Server")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_applied_one_after_the_other),
		cmocka_unit_test(fields_of_the_message_itself_are_not_to_be_named),
		cmocka_unit_test(what_is_no_rule_is_told),
		cmocka_unit_test(all_lines_together_have_a_limit),
		cmocka_unit_test(a_line_is_found_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
