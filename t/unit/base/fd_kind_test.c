/* SPDX-License-Identifier: MIT
 *
 * Descriptors and their kinds: in builds for finding mistakes a number that is used as something else ends the
 * process; in others nothing is asked. */
#include "base/fd_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is said on standard error, and whether it ends by SIGABRT. */
static bool ends(void (*act)(int fd), char said[200])
{
	struct rlimit no_core = {0, 0};
	int errors[2], status;
	ssize_t size;
	pid_t pid;

	assert_int_equal(pipe(errors), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(errors[1], STDERR_FILENO);
		act(open("/dev/null", O_RDWR | O_CLOEXEC));
		_exit(0);
	}
	close(errors[1]);
	size = read(errors[0], said, 199);
	said[size > 0 ? size : 0] = '\0';
	close(errors[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void use_as_noted(int fd)
{
	fd_expect(fd, FD_LOG); /* nobody has said what it is */
	fd_note(fd, FD_LOG);
	fd_note(fd, FD_LOG);
	fd_expect(fd, FD_LOG);
	fd_expect(-1, FD_CONNECTION);
	fd_expect(STDERR_FILENO, FD_CONNECTION);
}

static void use_after_close(int fd)
{
	int number = fd;

	fd_note(fd, FD_LOG);
	fd_close(&fd);
	fd_note(number, FD_CONNECTION); /* it was used again, which is right */
	fd_expect(number, FD_CONNECTION);
}

static void be_born(int fd)
{
	fd_note(fd, FD_LOG);
	fd_close_all_but(NULL, 0);
	fd_note(fd, FD_CONNECTION);
}

static void log_to_connection(int fd)
{
	fd_note(fd, FD_LOG);
	fd_close(&(int){fd});
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd_note(fd, FD_CONNECTION);
	fd_expect(fd, FD_LOG);
}

static void close_behind_its_owners_back(int fd)
{
	fd_note(fd, FD_LOG);
	close(fd);
	fd_note(fd, FD_CONNECTION);
}

static void what_is_used_as_what_it_is_goes_on(void **state)
{
	char said[200];

	(void)state;
	assert_false(ends(use_as_noted, said));
	assert_false(ends(use_after_close, said));
	assert_false(ends(be_born, said));
	assert_string_equal(said, "");
}

static void what_is_used_as_something_else_ends_the_process(void **state)
{
	char said[200];

	(void)state;
#ifdef BROOD_FD_KINDS
	assert_true(ends(log_to_connection, said));
	assert_non_null(strstr(said, "is a connection and is used as a log"));
	assert_true(ends(close_behind_its_owners_back, said));
	assert_non_null(strstr(said, "is a log and is made a connection"));
#else
	assert_false(ends(log_to_connection, said));
	assert_false(ends(close_behind_its_owners_back, said));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_used_as_what_it_is_goes_on),
		cmocka_unit_test(what_is_used_as_something_else_ends_the_process),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
