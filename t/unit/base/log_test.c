/* SPDX-License-Identifier: MIT
 *
 * The error log, read back from files, pipes, sockets and a pseudo-terminal. */
#include "base/log.h"

#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int pipe_ends[2];
static char seen[65536];

static int open_pipe(void **state)
{
	(void)state;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -1;
	log_to(pipe_ends[1]);
	log_set_tag("worker 2");
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int close_pipe(void **state)
{
	(void)state;
	log_to(STDERR_FILENO);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return 0;
}

/* What has been written so far, as text. */
static const char *written(int fd)
{
	ssize_t got;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	got = read(fd, seen, sizeof(seen) - 1);
	seen[got > 0 ? got : 0] = '\0';
	return seen;
}

static bool matches(const char *text, const char *pattern)
{
	regex_t compiled;
	bool found;

	assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return found;
}

static void a_line_has_time_level_tag_and_pid(void **state)
{
	char pattern[256];

	(void)state;
	log_warn("cannot open %s", "it");
	snprintf(pattern, sizeof(pattern),
		 "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z "
		 "warn  worker 2 \\[%d\\] cannot open it\n$",
		 (int)getpid());
	assert_true(matches(written(pipe_ends[0]), pattern));
}

static void lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	log_debug("unheard");
	assert_string_equal(written(pipe_ends[0]), "");
	log_set_level(LOG_LEVEL_ERROR);
	log_info("unheard");
	log_warn("unheard");
	assert_string_equal(written(pipe_ends[0]), "");
	log_error("heard");
	assert_true(matches(written(pipe_ends[0]), " error .* heard\n$"));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("heard");
	assert_true(matches(written(pipe_ends[0]), " debug .* heard\n$"));
}

static void nothing_from_outside_can_forge_a_line(void **state)
{
	static const char *const cases[][2] = {
		{"a\nb", "] a\\x0ab\n"},
		{"\033[31m\r\t\177", "] \\x1b[31m\\x0d\\x09\\x7f\n"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa3",
		 "] gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa3\n"},
		{"\xff\xc3", "] \\xff\\xc3\n"},
		{"\xc0\xaf", "] \\xc0\\xaf\n"},                   /* overlong */
		{"\xe0\x80\xaf", "] \\xe0\\x80\\xaf\n"},          /* overlong */
		{"\xed\xa0\x80", "] \\xed\\xa0\\x80\n"},          /* a surrogate */
		{"\xf4\x90\x80\x80", "] \\xf4\\x90\\x80\\x80\n"}, /* above U+10FFFF */
		{"\xc2\x9b", "] \\xc2\\x9b\n"},                   /* CSI, a control */
		{"\xe2\x82", "] \\xe2\\x82\n"},                   /* cut off */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		log_info("%s", cases[i][0]);
		assert_string_equal(strchr(written(pipe_ends[0]), ']'), cases[i][1]);
	}
}

static void a_long_line_is_cut_and_says_so(void **state)
{
	static char message[5000];
	size_t length;

	(void)state;
	memset(message, 'a', sizeof(message) - 1);
	log_info("%s", message);
	length = strlen(written(pipe_ends[0]));
	assert_in_range(length, 2000, 2048);
	assert_string_equal(seen + length - 8, "a [cut]\n");
	memset(message, '\001', sizeof(message) - 1);
	log_info("%s", message);
	length = strlen(written(pipe_ends[0]));
	assert_in_range(length, 2000, 2048);
	assert_string_equal(seen + length - 11, "\\x01 [cut]\n");
}

static void errno_is_kept_and_may_be_written(void **state)
{
	(void)state;
	errno = ENOENT;
	log_info("%m");
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(written(pipe_ends[0]), "No such file or directory"));
	log_to(-1);
	errno = ENOENT;
	log_info("nowhere");
	assert_int_equal(errno, ENOENT);
}

/* Under the alarm of main: blocking ends the program. */
static void a_full_pipe_loses_lines_but_no_time(void **state)
{
	int whole = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		log_info("line %d of many", i);
	for (const char *at = written(pipe_ends[0]); *at; at = strchr(at, '\n') + 1, whole++)
		assert_non_null(strchr(at, '\n'));
	assert_true(whole > 10);
}

static void a_full_socket_loses_lines_but_no_time(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	log_to(ends[0]);
	for (int i = 0; i < 10000; i++)
		log_info("line %d of many", i);
	assert_non_null(strstr(written(ends[1]), "line 0 of many\n"));
	close(ends[1]);
	log_info("to nobody"); /* no SIGPIPE */
	close(ends[0]);
}

static void files_get_whole_lines_at_their_end(void **state)
{
	char path[] = "/tmp/log_test.XXXXXX";
	int fd = mkstemp(path), append;

	(void)state;
	assert_int_equal(write(fd, "before\n", 7), 7);
	append = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	log_to(append);
	log_error("after");
	lseek(fd, 0, SEEK_SET);
	assert_true(matches(written(fd), "^before\n[^\n]* after\n$"));
	close(append);
	close(fd);
	unlink(path);
}

static void people_get_short_lines_with_colour_if_they_like(void **state)
{
	int master, terminal;

	(void)state;
	assert_int_equal(openpty(&master, &terminal, NULL, NULL, NULL), 0);
	setenv("NO_COLOR", "1", 1);
	log_to(terminal);
	log_error("cannot");
	assert_string_equal(written(master), "brood: worker 2: cannot\r\n");
	log_set_tag("");
	log_info("plain");
	assert_string_equal(written(master), "brood: plain\r\n");
	unsetenv("NO_COLOR");
	log_to(terminal);
	log_error("cannot");
	assert_string_equal(written(master), "\033[31mbrood: cannot\033[0m\r\n");
	close(terminal);
	close(master);
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PIPE(a_line_has_time_level_tag_and_pid),
		WITH_PIPE(lines_below_the_level_are_not_written),
		WITH_PIPE(nothing_from_outside_can_forge_a_line),
		WITH_PIPE(a_long_line_is_cut_and_says_so),
		WITH_PIPE(errno_is_kept_and_may_be_written),
		WITH_PIPE(a_full_pipe_loses_lines_but_no_time),
		WITH_PIPE(a_full_socket_loses_lines_but_no_time),
		WITH_PIPE(files_get_whole_lines_at_their_end),
		WITH_PIPE(people_get_short_lines_with_colour_if_they_like),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
