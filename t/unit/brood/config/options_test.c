/* SPDX-License-Identifier: MIT
 *
 * The command line: what it means, and one clear line for what cannot be understood. */
#include "brood/config/options.h"

#include "brood/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 80 };

/* One reading of a command line, with what it said. */
struct reading {
	struct options options;
	char *words[ARGUMENTS_MAX + 1];
	int count, status;
	char said[4096]; /* on standard output and error */
};

static int catch_output(FILE *sink, int kept[2])
{
	fflush(stdout);
	fflush(stderr);
	for (int fd = 1; fd <= 2; fd++) {
		kept[fd - 1] = dup(fd);
		if (kept[fd - 1] < 0 || dup2(fileno(sink), fd) < 0)
			return -1;
	}
	return 0;
}

static void release_output(const int kept[2])
{
	fflush(stdout);
	fflush(stderr);
	for (int fd = 1; fd <= 2; fd++) {
		dup2(kept[fd - 1], fd);
		close(kept[fd - 1]);
	}
}

static void parse(struct reading *reading)
{
	FILE *sink = tmpfile();
	size_t got;
	int kept[2] = {-1, -1};

	assert_non_null(sink);
	assert_int_equal(catch_output(sink, kept), 0);
	reading->status = options_parse(&reading->options, reading->count, reading->words);
	release_output(kept);
	rewind(sink);
	got = fread(reading->said, 1, sizeof(reading->said) - 1, sink);
	reading->said[got] = '\0';
	fclose(sink);
}

/* Reads "brood" and these words. */
static void read_words(struct reading *reading, const char *const *words, size_t count)
{
	memset(reading, 0, sizeof(*reading));
	reading->words[reading->count++] = strdup("brood");
	for (size_t i = 0; i < count; i++) {
		assert_true(reading->count < ARGUMENTS_MAX);
		reading->words[reading->count++] = strdup(words[i]);
	}
	parse(reading);
}

#define WORDS(...) (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static void forget(struct reading *reading)
{
	options_free(&reading->options);
	for (int i = 0; i < reading->count; i++)
		free(reading->words[i]);
}

static void assert_says(const char *const *words, size_t count, int status, const char *said)
{
	struct reading reading;

	read_words(&reading, words, count);
	assert_string_equal(reading.said, said);
	assert_int_equal(reading.status, status);
	forget(&reading);
}

/* One line on standard error and the status for usage. */
#define assert_refused(line, ...) assert_says(WORDS(__VA_ARGS__), 2, "brood: " line "\n")

static void nothing_given_means_run(void **state)
{
	struct reading reading;

	(void)state;
	read_words(&reading, NULL, 0);
	assert_int_equal(reading.status, -1);
	assert_int_equal(reading.options.action, OPTIONS_RUN);
	assert_null(reading.options.file);
	assert_null(reading.options.root);
	assert_null(reading.options.workers);
	assert_int_equal(reading.options.listen_count, 0);
	assert_int_equal(reading.options.directory[0], '/');
	assert_string_equal(reading.said, "");
	forget(&reading);
}

static void short_and_long_options_mean_the_same(void **state)
{
	static const char *const lines[][24] = {
		{"-c", "/f", "-l", "80", "-w", "3", "-a", "handoff", "-s", "a=b", "-p", "p", "-d", "-v", "--control",
		 "off", "root"},
		{"--config", "/f", "--listen", "80", "--workers", "3", "--accept", "handoff", "--set", "a=b",
		 "--pid-file", "p", "--daemon", "--verbose", "--control=off", "root"},
		{"-c/f", "root", "-l80", "-dvw3", "-ahandoff", "-sa=b", "-pp", "--control=off"},
		{"--config=/f", "--listen=80", "--workers=3", "--acc=handoff", "--set=a=b", "--pid-file=p", "--daemon",
		 "--verbose", "--control", "off", "--", "root"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct reading reading;
		size_t count = 0;

		while (lines[i][count])
			count++;
		read_words(&reading, lines[i], count);
		assert_string_equal(reading.said, "");
		assert_int_equal(reading.status, -1);
		assert_string_equal(reading.options.file, "/f");
		assert_int_equal(reading.options.listen_count, 1);
		assert_string_equal(reading.options.listen[0], "80");
		assert_string_equal(reading.options.workers, "3");
		assert_string_equal(reading.options.accept, "handoff");
		assert_int_equal(reading.options.set_count, 1);
		assert_string_equal(reading.options.set[0], "a=b");
		assert_string_equal(reading.options.pid_file, "p");
		assert_string_equal(reading.options.control, "off");
		assert_string_equal(reading.options.root, "root");
		assert_true(reading.options.daemon);
		assert_true(reading.options.verbose);
		forget(&reading);
	}
}

static void t_checks_and_big_t_prints_in_either_order(void **state)
{
	struct reading reading;

	(void)state;
	read_words(&reading, WORDS("-t"));
	assert_int_equal(reading.options.action, OPTIONS_TEST);
	forget(&reading);
	read_words(&reading, WORDS("-tT"));
	assert_int_equal(reading.options.action, OPTIONS_PRINT);
	forget(&reading);
	read_words(&reading, WORDS("-T", "--test"));
	assert_int_equal(reading.options.action, OPTIONS_PRINT);
	forget(&reading);
}

static void the_file_is_found_from_where_the_server_was_started(void **state)
{
	struct reading reading;
	char wanted[4200];

	(void)state;
	read_words(&reading, WORDS("-c", "a/b.conf"));
	snprintf(wanted, sizeof(wanted), "%s/a/b.conf", reading.options.directory);
	assert_string_equal(reading.options.file, wanted);
	forget(&reading);
}

static void a_wrong_value_is_named_with_what_would_be_right(void **state)
{
	(void)state;
	assert_refused("-w 'x': want a number from 1 to 1024, or auto", "-w", "x");
	assert_refused("-w '0': want a number from 1 to 1024, or auto", "-w0");
	assert_refused("-w '1025': want a number from 1 to 1024, or auto", "--workers=1025");
	assert_refused("-w '-1': want a number from 1 to 1024, or auto", "-w", "-1");
	assert_refused("-w '': want a number from 1 to 1024, or auto", "-w", "");
	assert_refused("-a 'share': want shared, handoff or reuseport", "-a", "share");
	assert_refused("-l '70000': port 70000 is not between 0 and 65535", "-l", "70000");
	assert_refused("-l 'localhost:80': \"localhost\" is not a numeric address (like 127.0.0.1, "
		       "[::1] or *)",
		       "-l", "localhost:80");
	assert_refused("-s 'workers': want NAME=VALUE", "-s", "workers");
	assert_refused("-s '=4': want NAME=VALUE", "-s", "=4");
	assert_refused("-c '': want the name of a configuration file", "-c", "");
	assert_refused("-p '': want a path, or off", "-p", "");
}

static void an_unknown_option_is_told_with_the_nearest(void **state)
{
	(void)state;
	assert_refused("unknown option '--wokers' (did you mean '--workers'?)", "--wokers=3");
	assert_refused("unknown option '--demon' (did you mean '--daemon'?)", "--demon");
	assert_refused("unknown option '--compression' (brood --help lists them)", "--compression");
	assert_refused("unknown option '-W' (did you mean '-w'?)", "-W", "3");
	assert_refused("unknown option '-x' (brood --help lists them)", "-dx");
	assert_refused("unknown option '-x' (brood --help lists them)", "-xd", "--daemon");
	assert_refused("unknown option '-:' (brood --help lists them)", "-:");
	assert_refused("option '--con' may be --config or --control", "--con", "x");
	assert_refused("option '--daemon' takes no value", "--daemon=yes");
}

static void a_missing_value_is_told(void **state)
{
	(void)state;
	assert_refused("option -w needs a value: -w N|auto, --workers N|auto", "-w");
	assert_refused("option -l needs a value: -l ADDRESS:PORT, --listen ADDRESS:PORT", "-d", "--listen");
	assert_refused("option --control needs a value: --control PATH|off", "--control");
}

static void what_belongs_to_a_later_version_is_said_to(void **state)
{
	(void)state;
	assert_refused("'run' is not in this version (a folder of such a name: ./run)", "-v", "run");
}

static void a_command_stands_in_front(void **state)
{
	(void)state;
	assert_refused("'prove' is a command with options of its own and stands in front: "
		       "brood prove (a folder of such a name: ./prove)",
		       "-v", "prove", "kill");
}

static void a_folder_named_like_a_command_is_written_with_a_dot(void **state)
{
	struct reading reading;

	(void)state;
	read_words(&reading, WORDS("./run"));
	assert_int_equal(reading.status, -1);
	assert_string_equal(reading.options.root, "./run");
	forget(&reading);
}

static void one_folder_at_most_is_taken(void **state)
{
	(void)state;
	assert_refused("'b': one folder can be served, and that is 'a' already", "a", "b");
	assert_refused("'': want the name of a folder", "");
}

static void no_more_than_64_listeners_are_taken(void **state)
{
	struct reading reading;
	char words[65][16];
	const char *pointers[65];

	(void)state;
	for (int i = 0; i < 65; i++) {
		snprintf(words[i], sizeof(words[i]), "-l%d", 8000 + i);
		pointers[i] = words[i];
	}
	read_words(&reading, pointers, 64);
	assert_int_equal(reading.status, -1);
	forget(&reading);
	assert_says(pointers, 65, 2, "brood: -l '8064': 64 addresses at most\n");
}

static void an_error_is_one_line_whatever_was_typed(void **state)
{
	(void)state;
	assert_refused("-w '1?brood: x': want a number from 1 to 1024, or auto", "-w", "1\nbrood: x");
}

static void version_and_help_go_to_standard_output(void **state)
{
	struct reading reading;
	char wanted[64];

	(void)state;
	snprintf(wanted, sizeof(wanted), "brood %s\n", brood_version());
	assert_says(WORDS("-V"), 0, wanted);
	assert_says(WORDS("--version"), 0, wanted);
	assert_int_equal(strncmp(brood_version(), "0.1.0", 5), 0);

	read_words(&reading, WORDS("--help"));
	assert_int_equal(reading.status, 0);
	assert_int_equal(strncmp(reading.said, "usage: brood ", 13), 0);
	forget(&reading);
}

static void the_help_names_every_option(void **state)
{
	static const char *const names[] = {
		"-c, --config",   "-l, --listen",  "-w, --workers", "-a, --accept", "-s, --set",
		"-p, --pid-file", "--control",     "-d, --daemon",  "-t, --test",   "-T ",
		"-v, --verbose",  "-V, --version", "-h, --help",
	};
	struct reading reading;

	(void)state;
	read_words(&reading, WORDS("-h"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strstr(reading.said, names[i]))
			fail_msg("--help lacks %s", names[i]);
	}
	forget(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_means_run),
		cmocka_unit_test(short_and_long_options_mean_the_same),
		cmocka_unit_test(t_checks_and_big_t_prints_in_either_order),
		cmocka_unit_test(the_file_is_found_from_where_the_server_was_started),
		cmocka_unit_test(a_wrong_value_is_named_with_what_would_be_right),
		cmocka_unit_test(an_unknown_option_is_told_with_the_nearest),
		cmocka_unit_test(a_missing_value_is_told),
		cmocka_unit_test(what_belongs_to_a_later_version_is_said_to),
		cmocka_unit_test(a_command_stands_in_front),
		cmocka_unit_test(a_folder_named_like_a_command_is_written_with_a_dot),
		cmocka_unit_test(one_folder_at_most_is_taken),
		cmocka_unit_test(no_more_than_64_listeners_are_taken),
		cmocka_unit_test(an_error_is_one_line_whatever_was_typed),
		cmocka_unit_test(version_and_help_go_to_standard_output),
		cmocka_unit_test(the_help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
