/* SPDX-License-Identifier: MIT
 *
 * What counts as lost: how each end of a connection is counted, and every verdict there can be. */
#include "prove/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* --- how an end is counted --- */

static void every_end_is_counted_once(void **state)
{
	static const struct {
		enum counts_end how;
		bool outstanding, of_killed;
		struct counts expected;
	} cases[] = {
		{COUNTS_ANNOUNCED, false, false, {.announced = 1}},
		{COUNTS_ANNOUNCED, false, true, {.announced = 1}},
		{COUNTS_ANNOUNCED, true, false, {.announced = 1, .failed = 1}},
		{COUNTS_ANNOUNCED, true, true, {.announced = 1, .failed = 1}},
		{COUNTS_CLOSED, false, false, {.closed = 1}},
		{COUNTS_CLOSED, true, false, {.closed = 1, .failed = 1}},
		{COUNTS_CLOSED, false, true, {.killed_lost = 1}},
		{COUNTS_CLOSED, true, true, {.killed_lost = 1, .killed_failed = 1}},
		{COUNTS_RESET, false, false, {.reset = 1}},
		{COUNTS_RESET, true, false, {.reset = 1, .failed = 1}},
		{COUNTS_RESET, false, true, {.killed_lost = 1}},
		{COUNTS_RESET, true, true, {.killed_lost = 1, .killed_failed = 1}},
		{COUNTS_HUNG, true, false, {.hung = 1, .failed = 1}},
		{COUNTS_HUNG, true, true, {.hung = 1, .failed = 1}},
		{COUNTS_HUNG, false, false, {.hung = 1}},
		{COUNTS_HUNG, false, true, {.hung = 1}},
		{COUNTS_WRONG, true, false, {.wrong = 1}},
		{COUNTS_WRONG, true, true, {.wrong = 1}},
		{COUNTS_WRONG, false, false, {.unasked = 1}},
		{COUNTS_WRONG, false, true, {.unasked = 1}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct counts counts = {0};

		counts_end_connection(&counts, cases[i].how, cases[i].outstanding, cases[i].of_killed);
		assert_memory_equal(&counts, &cases[i].expected, sizeof(counts));
		counts.sent = cases[i].outstanding;
		assert_true(counts_balance(&counts));
		counts.sent++;
		assert_false(counts_balance(&counts));
	}
}

static void sums_leave_nothing_out(void **state)
{
	struct counts sum, more;
	uint64_t *a = (uint64_t *)&sum, *b = (uint64_t *)&more;

	(void)state;
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++) {
		a[i] = i + 1;
		b[i] = 100 * (i + 1);
	}
	counts_add(&sum, &more);
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
		assert_true(a[i] == 101 * (i + 1));
}

/* --- the verdict --- */

enum { FAULTS = 12, ANNOUNCED_ALLOWED = 1 << FAULTS, KILLED_ALLOWED = 2 << FAULTS, STOPS = 4 << FAULTS };

static const struct {
	unsigned bit;
	const char *words;
} faults[FAULTS] = {
	{VERDICT_FAILED, "1 request failed"},
	{VERDICT_WRONG, "1 answer was wrong"},
	{VERDICT_UNASKED, "1 connection got octets that nobody asked for"},
	{VERDICT_REFUSED, "1 connection was refused"},
	{VERDICT_CLOSED, "1 connection was closed without notice"},
	{VERDICT_RESET, "1 connection was reset"},
	{VERDICT_HUNG, "1 connection got no answer in time"},
	{VERDICT_ANNOUNCED, "1 connection was closed with notice"},
	{VERDICT_KILLED, "1 connection was lost with its worker"},
	{VERDICT_STALE, "1 kept connection stayed with a worker that was replaced"},
	{VERDICT_EVENTS, "1 event was not carried through"},
	{VERDICT_UNCOUNTED, "1 request was not accounted for"},
};

static void make_faults(unsigned which, struct counts *counts, struct verdict_facts *facts)
{
	memset(counts, 0, sizeof(*counts));
	counts->answered = counts->sent = 1000;
	counts->opened = 50;
	facts->events_done = facts->events_wanted = 5;
	facts->stale = 0;
	for (unsigned i = 0; i < FAULTS; i++) {
		if (!(which & 1u << i))
			continue;
		switch (faults[i].bit) {
		case VERDICT_FAILED:
			counts->failed++, counts->sent++;
			break;
		case VERDICT_WRONG:
			counts->wrong++, counts->sent++;
			break;
		case VERDICT_UNASKED:
			counts->unasked++;
			break;
		case VERDICT_REFUSED:
			counts->refused++;
			break;
		case VERDICT_CLOSED:
			counts->closed++;
			break;
		case VERDICT_RESET:
			counts->reset++;
			break;
		case VERDICT_HUNG:
			counts->hung++;
			break;
		case VERDICT_ANNOUNCED:
			counts->announced++;
			break;
		case VERDICT_KILLED:
			counts->killed_lost++, counts->killed_failed++, counts->sent++;
			break;
		case VERDICT_STALE:
			facts->stale++;
			break;
		case VERDICT_EVENTS:
			facts->events_done--;
			break;
		case VERDICT_UNCOUNTED:
			counts->sent++;
			break;
		}
	}
}

/* All of the 2 to the 15th: any faults together, under any rules. */
static void exactly_the_faults_that_are_there_and_not_allowed_are_found(void **state)
{
	(void)state;
	for (unsigned which = 0; which < 8u << FAULTS; which++) {
		struct verdict_rules rules = {
			.announced_close_allowed = which & ANNOUNCED_ALLOWED,
			.killed_may_lose = which & KILLED_ALLOWED,
			.stops = which & STOPS,
		};
		struct verdict_facts facts;
		struct counts counts;
		unsigned expected = 0;

		for (unsigned i = 0; i < FAULTS; i++)
			if (which & 1u << i)
				expected |= faults[i].bit;
		if (rules.announced_close_allowed)
			expected &= ~(unsigned)VERDICT_ANNOUNCED;
		if (rules.stops)
			expected &= ~(unsigned)(VERDICT_ANNOUNCED | VERDICT_CLOSED);
		if (rules.killed_may_lose)
			expected &= ~(unsigned)VERDICT_KILLED;
		make_faults(which, &counts, &facts);
		assert_int_equal(verdict(&counts, &facts, &rules), expected);
	}
}

static void each_fault_is_told_in_words(void **state)
{
	char text[600], all[600] = "";

	(void)state;
	for (unsigned i = 0; i < FAULTS; i++) {
		struct verdict_facts facts;
		struct counts counts;

		make_faults(1u << i, &counts, &facts);
		verdict_describe(faults[i].bit, &counts, &facts, text, sizeof(text));
		assert_string_equal(text, faults[i].words);
		strcat(all, i ? ", " : "");
		strcat(all, text);
		verdict_describe(0, &counts, &facts, text, sizeof(text));
		assert_string_equal(text, "");
	}
	{
		struct verdict_facts facts;
		struct counts counts;

		make_faults((1u << FAULTS) - 1, &counts, &facts);
		verdict_describe(~0u, &counts, &facts, text, sizeof(text));
		assert_string_equal(text, all);
		verdict_describe(~0u, &counts, &facts, text, 20);
		assert_int_equal(strlen(text), 19);
		assert_memory_equal(text, all, 19);
	}
}

static void several_are_told_as_several(void **state)
{
	struct counts counts = {.failed = 2, .reset = 3, .sent = 2};
	struct verdict_facts facts = {0};
	char text[200];

	(void)state;
	verdict_describe(VERDICT_FAILED | VERDICT_RESET, &counts, &facts, text, sizeof(text));
	assert_string_equal(text, "2 requests failed, 3 connections were reset");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end_is_counted_once),
		cmocka_unit_test(sums_leave_nothing_out),
		cmocka_unit_test(exactly_the_faults_that_are_there_and_not_allowed_are_found),
		cmocka_unit_test(each_fault_is_told_in_words),
		cmocka_unit_test(several_are_told_as_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
