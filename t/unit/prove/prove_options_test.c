/* SPDX-License-Identifier: MIT
 *
 * The command line of `brood prove`. */
#include "prove/prove_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

/* Reads a line of words; what is said on standard error is not of interest here. */
static int read_line(struct prove_options *out, const char *line)
{
	char text[200], *words[WORDS_MAX + 1] = {(char[]){"prove"}}, *rest = text;
	int count = 1, status, kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	snprintf(text, sizeof(text), "%s", line);
	while (count < WORDS_MAX && (words[count] = strtok_r(rest, " ", &rest)))
		count++;
	dup2(null, STDERR_FILENO);
	status = prove_options_parse(out, count, words);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
	return status;
}

static void without_a_word_restart_reload_and_kill_are_done(void **state)
{
	struct prove_options options;

	(void)state;
	assert_int_equal(read_line(&options, ""), -1);
	assert_int_equal(options.plans, 3);
	assert_int_equal(options.plan[0].kind, EXPERIMENT_RESTART);
	assert_int_equal(options.plan[1].kind, EXPERIMENT_RELOAD);
	assert_int_equal(options.plan[2].kind, EXPERIMENT_KILL);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(options.plan[i].accept, "shared");
		assert_int_equal(options.plan[i].workers, 4);
		assert_int_equal(options.plan[i].idle, 200);
		assert_int_equal(options.plan[i].busy, 64);
		assert_false(options.plan[i].strict);
	}
	assert_false(options.json);
}

static void words_and_options_come_in_any_order(void **state)
{
	struct prove_options options;

	(void)state;
	assert_int_equal(read_line(&options, "kill -w 2 -n 7 restart -t 9 --strict -c 10+3 kill "
					     "--json -a handoff"),
			 -1);
	assert_int_equal(options.plans, 2);
	assert_int_equal(options.plan[0].kind, EXPERIMENT_KILL);
	assert_int_equal(options.plan[1].kind, EXPERIMENT_RESTART);
	assert_string_equal(options.plan[1].accept, "handoff");
	assert_int_equal(options.plan[1].workers, 2);
	assert_int_equal(options.plan[1].events, 7);
	assert_int_equal(options.plan[1].time_ms, 9000);
	assert_int_equal(options.plan[1].idle, 10);
	assert_int_equal(options.plan[1].busy, 3);
	assert_true(options.plan[1].strict);
	assert_true(options.json);
}

static void all_modes_are_tried_one_after_the_other(void **state)
{
	struct prove_options options;

	(void)state;
	assert_int_equal(read_line(&options, "-a all -n 7 restart reload upgrade kill stop"), -1);
	assert_int_equal(options.plans, PROVE_PLANS_MAX);
	assert_string_equal(options.plan[0].accept, "shared");
	assert_string_equal(options.plan[5].accept, "handoff");
	assert_string_equal(options.plan[14].accept, "reuseport");
	assert_int_equal(options.plan[13].kind, EXPERIMENT_KILL);
	assert_int_equal(options.plan[13].events, 7);
	assert_int_equal(options.plan[14].kind, EXPERIMENT_STOP);
	assert_int_equal(options.plan[14].events, 1); /* there is but one */
}

static void connections_are_idle_and_busy_ones(void **state)
{
	struct prove_options options;

	(void)state;
	assert_int_equal(read_line(&options, "-c 5"), -1);
	assert_int_equal(options.plan[0].idle, 5);
	assert_int_equal(options.plan[0].busy, 64);
	assert_int_equal(read_line(&options, "-c 0+1"), -1);
	assert_int_equal(options.plan[0].idle, 0);
	assert_int_equal(options.plan[0].busy, 1);
}

static void numbers_are_taken_up_to_their_bounds(void **state)
{
	static const char *const taken[] = {"-w 1", "-w 1024", "-n 1", "-n 1000", "-t 1", "-t 3600", "-c 9999+1"};
	static const char *const refused[] = {"-w 0",    "-w 1025", "-n 0",     "-n 1001",   "-t 0",
					      "-t 3601", "-c 0+0",  "-c 10001", "-c 10000+1"};
	struct prove_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (read_line(&options, taken[i]) != -1)
			fail_msg("'%s' is refused", taken[i]);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (read_line(&options, refused[i]) != 2)
			fail_msg("'%s' is taken", refused[i]);
}

static void what_cannot_be_understood_exits_with_2(void **state)
{
	static const char *const wrong[] = {
		"nonsense",
		"restart nonsense",
		"-x",
		"--nonsense",
		"-a",
		"-a none",
		"-w 0",
		"-w auto",
		"-w 1025",
		"-n 0",
		"-n 1001",
		"-n x",
		"-t 0",
		"-t 3601",
		"-c x",
		"-c +",
		"-c 5+",
		"-c +5",
		"-c 0+0",
		"-c 10001",
		"-c 9999+2",
		"-c 1+2+3",
		"-c -1",
		"--json=yes",
		"-c 18446744073709551615+1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct prove_options options;

		if (read_line(&options, wrong[i]) != 2)
			fail_msg("understood: %s", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_restart_reload_and_kill_are_done),
		cmocka_unit_test(words_and_options_come_in_any_order),
		cmocka_unit_test(all_modes_are_tried_one_after_the_other),
		cmocka_unit_test(connections_are_idle_and_busy_ones),
		cmocka_unit_test(numbers_are_taken_up_to_their_bounds),
		cmocka_unit_test(what_cannot_be_understood_exits_with_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
