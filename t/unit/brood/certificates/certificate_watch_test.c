/* SPDX-License-Identifier: MIT
 *
 * When a changed certificate is checked and used, and when somebody is told of its end. */
#include "brood/certificates/certificate_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { DAY_S = 24 * 60 * 60 };

/* "." same, "!" changed, "+" good, "-" bad, "?" failed, "y" taken, "n" spurned; what is done: "." nothing, "c" check,
 * "o" offer, "u" use, "r" refuse. */
static void assert_course(const char *events, const char *actions)
{
	enum watch_state state = WATCH_QUIET;
	char done[64];
	size_t i;

	for (i = 0; events[i]; i++) {
		enum watch_event event = events[i] == '!'   ? WATCH_CHANGED
					 : events[i] == '+' ? WATCH_GOOD
					 : events[i] == '-' ? WATCH_BAD
					 : events[i] == '?' ? WATCH_FAILED
					 : events[i] == 'y' ? WATCH_TAKEN
					 : events[i] == 'n' ? WATCH_SPURNED
							    : WATCH_SAME;

		done[i] = ".cour"[watch_happen(&state, event)];
	}
	done[i] = '\0';
	assert_string_equal(done, actions);
}

static void what_does_not_change_is_left_alone(void **state)
{
	(void)state;
	assert_course("......", "......");
}

static void what_has_settled_is_checked_once_and_used(void **state)
{
	(void)state;
	assert_course("!..+..y..", ".c.o..u..");
	assert_course("!!!..+y", "...c.ou");
}

static void what_is_bad_is_refused_once(void **state)
{
	(void)state;
	assert_course("!.-....", ".cr....");
	assert_course("!.-..!.+y.", ".cr...cou.");
	assert_course("!.+n....", ".cor....");
	assert_course("!.+n..!.+y", ".cor...cou");
}

static void a_verdict_on_what_is_not_there_any_more_counts_for_nothing(void **state)
{
	(void)state;
	assert_course("!.!+.+y", ".c..cou");
	assert_course("!.!!.-.+y", ".c....cou");
}

static void a_check_that_could_not_be_is_made_again(void **state)
{
	(void)state;
	assert_course("!.?.+y", ".c.cou");
	assert_course("!.+?.+y", ".co.cou");
}

/* The offer stands: workers may have it by now. */
static void what_changes_while_it_is_offered_is_looked_at_afterwards(void **state)
{
	(void)state;
	assert_course("!.+!.y.+y", ".co..ucou");
	assert_course("!.+!.!n.+y", ".co...rcou");
	assert_course("!.+!.?.+y", ".co...cou");
}

static void answers_that_nobody_waits_for_count_for_nothing(void **state)
{
	(void)state;
	assert_course("yn!yn.yn+y", ".....c..ou");
	assert_course("!.!yn+.+y", ".c....cou");
}

static void the_majority_of_workers_has_the_say(void **state)
{
	(void)state;
	assert_int_equal(watch_answers(3, 3, 0, 0, false), WATCH_TAKEN);
	assert_int_equal(watch_answers(3, 0, 3, 0, false), WATCH_SPURNED);
	assert_int_equal(watch_answers(3, 2, 1, 0, false), WATCH_TAKEN);
	assert_int_equal(watch_answers(3, 1, 2, 0, false), WATCH_SPURNED);
	assert_int_equal(watch_answers(2, 1, 1, 0, false), WATCH_SPURNED);
}

static void one_that_does_not_answer_is_waited_for_a_while(void **state)
{
	(void)state;
	assert_int_equal(watch_answers(3, 2, 0, 1, false), WATCH_SAME);
	assert_int_equal(watch_answers(3, 0, 2, 1, false), WATCH_SAME);
	assert_int_equal(watch_answers(3, 2, 0, 1, true), WATCH_TAKEN);
	assert_int_equal(watch_answers(3, 0, 1, 2, true), WATCH_SPURNED);
	assert_int_equal(watch_answers(3, 0, 0, 3, true), WATCH_FAILED);
	assert_int_equal(watch_answers(3, 0, 0, 1, true), WATCH_FAILED);
}

static void what_workers_die_of_is_spurned(void **state)
{
	(void)state;
	assert_int_equal(watch_answers(3, 0, 0, 0, false), WATCH_SPURNED);
	assert_int_equal(watch_answers(3, 1, 0, 0, false), WATCH_TAKEN);
}

/* Perhaps it is just the former one that keeps them from starting. */
static void with_nobody_to_ask_it_is_for_those_to_come(void **state)
{
	(void)state;
	assert_int_equal(watch_answers(0, 0, 0, 0, false), WATCH_TAKEN);
	assert_int_equal(watch_answers(0, 0, 1, 0, false), WATCH_SPURNED);
	assert_int_equal(watch_answers(0, 1, 0, 0, false), WATCH_TAKEN);
}

/* Told at each of these: with so many days (and a bit) left. */
static void the_end_is_told_at_30_7_and_1_days_and_when_it_has_come(void **state)
{
	static const int expected[] = {30, 7, 1, 0};
	unsigned told = 0, count = 0;
	int64_t end = INT64_C(1800000000);

	(void)state;
	for (int64_t now = end - 60 * DAY_S; now < end + 30 * DAY_S; now += 3600) {
		int days = watch_days_to_tell(end, now, &told);

		if (days < 0)
			continue;
		assert_true(count < 4);
		assert_int_equal(days, expected[count++]);
		assert_true(days == 0 ? now >= end : now > end - (int64_t)days * DAY_S - 1);
		assert_true(now < end - (int64_t)days * DAY_S + 2 * 3600);
	}
	assert_int_equal(count, 4);
}

static void only_the_nearest_is_told_of_one_that_is_found_late(void **state)
{
	unsigned told = 0;

	(void)state;
	assert_int_equal(watch_days_to_tell(5 * DAY_S, 0, &told), 7);
	assert_int_equal(watch_days_to_tell(5 * DAY_S, 10, &told), -1);
	assert_int_equal(watch_days_to_tell(5 * DAY_S, 4 * DAY_S + 1, &told), 1);
	told = 0;
	assert_int_equal(watch_days_to_tell(5 * DAY_S, 50 * DAY_S, &told), 0);
	assert_int_equal(watch_days_to_tell(5 * DAY_S, 51 * DAY_S, &told), -1);
	told = 0;
	assert_int_equal(watch_days_to_tell(INT64_MAX, 0, &told), -1);
}

static void days_are_whole(void **state)
{
	(void)state;
	assert_int_equal(watch_days_left(6 * DAY_S + 60, 0), 6);
	assert_int_equal(watch_days_left(DAY_S - 1, 0), 0);
	assert_int_equal(watch_days_left(0, 1), 0);
	assert_true(watch_days_left(INT64_MAX, 0) > 365);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_change_is_left_alone),
		cmocka_unit_test(what_has_settled_is_checked_once_and_used),
		cmocka_unit_test(what_is_bad_is_refused_once),
		cmocka_unit_test(a_verdict_on_what_is_not_there_any_more_counts_for_nothing),
		cmocka_unit_test(a_check_that_could_not_be_is_made_again),
		cmocka_unit_test(what_changes_while_it_is_offered_is_looked_at_afterwards),
		cmocka_unit_test(answers_that_nobody_waits_for_count_for_nothing),
		cmocka_unit_test(the_majority_of_workers_has_the_say),
		cmocka_unit_test(one_that_does_not_answer_is_waited_for_a_while),
		cmocka_unit_test(what_workers_die_of_is_spurned),
		cmocka_unit_test(with_nobody_to_ask_it_is_for_those_to_come),
		cmocka_unit_test(the_end_is_told_at_30_7_and_1_days_and_when_it_has_come),
		cmocka_unit_test(only_the_nearest_is_told_of_one_that_is_found_late),
		cmocka_unit_test(days_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
