/* SPDX-License-Identifier: MIT
 *
 * Signals by descriptor, and the clean slate of a child. */
#include "base/signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int signal)
{
	(void)signal;
}

static int check_reset(void)
{
	struct sigaction action;
	sigset_t mask, before;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &(struct sigaction){.sa_handler = signal % 2 ? SIG_IGN : handler}, NULL);
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&before);
	sigaddset(&before, SIGHUP);
	sigaddset(&before, SIGTERM);
	sigaddset(&before, SIGCHLD);
	signals_reset(&before);
	for (int signal = 1; signal < NSIG; signal++) {
		if (sigaction(signal, NULL, &action) < 0)
			continue; /* libc's own */
		if (action.sa_handler != (signal == SIGPIPE || signal == SIGXFSZ ? SIG_IGN : SIG_DFL))
			return signal;
	}
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signal = 1; signal < SIGRTMIN; signal++)
		if (sigismember(&mask, signal) != (signal == SIGHUP || signal == SIGTERM))
			return 100 + signal;
	return 0;
}

static void after_a_reset_all_is_default_and_only_what_is_awaited_blocked(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(check_reset());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void wanted_signals_are_read_not_delivered(void **state)
{
	static const int wanted[] = {SIGTERM, SIGHUP, SIGUSR1};
	struct signals_received got;
	int fd = signals_open(wanted, 3);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(signals_read(fd, &got), 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_read(fd, &got), 1);
	assert_int_equal(got.signal, SIGTERM);
	assert_int_equal(got.sender, getpid());
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGPIPE); /* ignored: would end this program */
	assert_int_equal(signals_read(fd, &got), 1);
	assert_int_equal(got.signal, SIGHUP);
	assert_int_equal(signals_read(fd, &got), 0);
	close(fd);
	assert_int_equal(signals_read(fd, &got), -EBADF);
}

static int wait_then_read(void)
{
	static const int wanted[] = {SIGHUP, SIGUSR2, SIGTERM};
	struct signals_received got;
	sigset_t before;
	int fd;

	signals_await(false, &before);
	kill(getpid(), SIGUSR2);
	signals_await(true, NULL);
	kill(getpid(), SIGTERM);
	fd = signals_open(wanted, 3);
	if (sigismember(&before, SIGUSR2) || signals_read(fd, &got) != 1 || got.signal != SIGUSR2 || got.by_kernel)
		return 1;
	return signals_read(fd, &got) == 1 && got.signal == SIGTERM ? 0 : 2;
}

static void what_is_awaited_is_there_when_it_can_be_read(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(wait_then_read());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int end_before_the_end_is_awaited(void)
{
	signals_await(false, NULL);
	kill(getpid(), SIGTERM);
	return 0;
}

static void what_ends_does_so_until_it_is_awaited(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(end_before_the_end_is_awaited());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static int read_ignored(void)
{
	static const int wanted[] = {SIGHUP};
	struct signals_received got;
	int fd;

	signal(SIGHUP, SIG_IGN);
	fd = signals_open(wanted, 1);
	kill(getpid(), SIGHUP);
	return signals_ignores(SIGHUP) && signals_read(fd, &got) == 1 && got.signal == SIGHUP ? 0 : 1;
}

static void who_is_to_ignore_one_can_still_read_it(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(read_ignored());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_ignored_sigchld_does_not_swallow_children(void **state)
{
	static const int wanted[] = {SIGCHLD};
	struct signals_received got;
	struct pollfd ready = {.events = POLLIN};
	int status;
	pid_t pid;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	ready.fd = signals_open(wanted, 1);
	assert_true(ready.fd >= 0);
	pid = fork();
	if (pid == 0)
		_exit(7);
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_int_equal(signals_read(ready.fd, &got), 1);
	assert_int_equal(got.signal, SIGCHLD);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	close(ready.fd);
}

static void signals_have_names(void **state)
{
	char name[SIGNALS_NAME_MAX];

	(void)state;
	assert_string_equal(signals_name(SIGTERM, name), "SIGTERM");
	assert_string_equal(signals_name(SIGSEGV, name), "SIGSEGV");
	assert_string_equal(signals_name(70, name), "signal 70");
	assert_string_equal(signals_name(-1, name), "signal -1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_reset_all_is_default_and_only_what_is_awaited_blocked),
		cmocka_unit_test(what_is_awaited_is_there_when_it_can_be_read),
		cmocka_unit_test(what_ends_does_so_until_it_is_awaited),
		cmocka_unit_test(who_is_to_ignore_one_can_still_read_it),
		cmocka_unit_test(wanted_signals_are_read_not_delivered),
		cmocka_unit_test(an_ignored_sigchld_does_not_swallow_children),
		cmocka_unit_test(signals_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
