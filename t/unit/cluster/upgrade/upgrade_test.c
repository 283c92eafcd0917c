/* SPDX-License-Identifier: MIT
 *
 * The way back from a new version that crashes while it takes over. This program is both versions: executed with a
 * state it does what its argument says. */
#include "cluster/upgrade/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WENT_BACK = 42, WITH_AN_ALARM, WITH_SIGNALS_BLOCKED };

/* What the former version finds when it is executed again. */
static int look_around(const struct upgrade_state *state)
{
	sigset_t mask;

	if (state->mode != UPGRADE_BACK)
		return 1;
	if (alarm(0) != 0)
		return WITH_AN_ALARM; /* it would end the server a little later */
	sigprocmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, SIGTERM) ? WITH_SIGNALS_BLOCKED : WENT_BACK;
}

/* The new version, from its first line on. */
static int take_over(char **argv, int how)
{
	struct upgrade_state state;

	if (!upgrade_take(&state, argv))
		return 2;
	if (state.mode == UPGRADE_BACK) {
		int found = look_around(&state);

		free(state.octets);
		return found;
	}
	if (how == 0)
		upgrade_give_up(&state);
	raise(how);
	return 3;
}

/* Leaves a state to this program, which is then to fail as `how` says. Returns how that ends. */
static int outcome_of(int how)
{
	struct rlimit no_core = {0, 0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct upgrade_writer writer = {0};
		int image = open("/proc/self/exe", O_RDONLY), fd;
		char name[64], number[16], self[] = "upgrade_test";
		char *argv[] = {self, number, NULL};

		setrlimit(RLIMIT_CORE, &no_core);
		if (upgrade_finish(&writer) < 0 || (fd = upgrade_seal(&writer)) < 0 || image < 0)
			_exit(4);
		fcntl(fd, F_SETFD, 0);
		upgrade_name(name, sizeof(name), fd, getpid(), UPGRADE_GO, image);
		snprintf(number, sizeof(number), "%d", how);
		setenv(UPGRADE_VARIABLE, name, 1);
		execv("/proc/self/exe", argv);
		_exit(5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void whatever_ends_it_the_former_version_goes_on_as_before(void **state)
{
	static const int ways[] = {0, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGALRM};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_equal(outcome_of(ways[i]), WENT_BACK);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_ends_it_the_former_version_goes_on_as_before),
	};

	if (argc == 2 && getenv(UPGRADE_VARIABLE))
		return take_over(argv, atoi(argv[1]));
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
