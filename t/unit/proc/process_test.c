/* SPDX-License-Identifier: MIT
 *
 * Children: born with a clean slate, and every end is told. */
#include "brood/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 16 };

/* --- fork, watched --- */

static int unblocked; /* signals that could come at the last fork, in the parent */

pid_t __wrap_fork(void);
pid_t __real_fork(void);

pid_t __wrap_fork(void)
{
	sigset_t mask;

	unblocked = 0;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < 32; number++)
		unblocked += !sigismember(&mask, number) && number != SIGKILL && number != SIGSTOP;
	return __real_fork();
}

static struct brood_process_end ends[MOST];
static size_t end_count;

static void on_end(void *context, const struct brood_process_end *end)
{
	(void)context;
	if (end_count < MOST)
		ends[end_count++] = *end;
}

/* Waits for the end itself, which leaves the reaping to the code under test. */
static const struct brood_process_end *end_of(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	end_count = 0;
	brood_process_reap(on_end, NULL);
	for (size_t i = 0; i < end_count; i++)
		if (ends[i].pid == pid)
			return &ends[i];
	fail();
	return NULL;
}

static int return_argument(void *context)
{
	return *(int *)context;
}

static int kill_myself(void *context)
{
	raise(*(int *)context);
	return 1;
}

static void the_exit_status_is_what_main_returned(void **state)
{
	int code = 42;
	struct brood_process_options options = {.main = return_argument, .context = &code};
	const struct brood_process_end *end = end_of(brood_process_fork(&options));
	char text[64];

	(void)state;
	assert_int_equal(end->exit_code, 42);
	assert_int_equal(end->signal, 0);
	brood_process_describe(end, text, sizeof(text));
	assert_string_equal(text, "exit status 42");
}

static void a_death_by_signal_names_the_signal(void **state)
{
	int number = SIGKILL;
	struct brood_process_options options = {.main = kill_myself, .context = &number};
	const struct brood_process_end *end = end_of(brood_process_fork(&options));
	char text[64];

	(void)state;
	assert_int_equal(end->exit_code, -1);
	assert_int_equal(end->signal, SIGKILL);
	brood_process_describe(end, text, sizeof(text));
	assert_string_equal(text, "signal 9 (SIGKILL)");
}

static void ignore(int signal)
{
	(void)signal;
}

static int check_signals(void *context)
{
	struct sigaction action;
	sigset_t mask;

	(void)context;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < 32; number++) {
		if (sigismember(&mask, number) != (number == SIGTERM))
			return number;
		sigaction(number, NULL, &action);
		if (action.sa_handler != SIG_DFL && number != SIGPIPE && number != SIGXFSZ)
			return 64 + number;
	}
	return 0;
}

static void a_child_starts_with_clean_signals(void **state)
{
	struct brood_process_options options = {.main = check_signals};
	sigset_t mask, old;
	pid_t pid;

	(void)state;
	signal(SIGUSR1, ignore);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM); /* as one who reads it elsewhere: the child does not do so yet */
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	pid = brood_process_fork(&options);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(end_of(pid)->exit_code, 0);
}

/* The child has the parent's handlers until it has reset them. */
static void no_signal_can_come_between_the_fork_and_that(void **state)
{
	int code = 0;
	struct brood_process_options options = {.main = return_argument, .context = &code};
	sigset_t before, after;
	pid_t pid;

	(void)state;
	sigprocmask(SIG_BLOCK, NULL, &before);
	unblocked = -1;
	pid = brood_process_fork(&options);
	sigprocmask(SIG_BLOCK, NULL, &after);
	assert_int_equal(unblocked, 0);
	for (int number = 1; number < 32; number++)
		assert_int_equal(sigismember(&before, number), sigismember(&after, number));
	assert_int_equal(end_of(pid)->exit_code, 0);
}

static int check_fds(void *context)
{
	int keep = *(int *)context;

	for (int fd = 3; fd < 1024; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd == keep))
			return 1;
	return 0;
}

static void a_child_has_the_descriptors_it_was_given_and_no_other(void **state)
{
	int keep = dup(STDERR_FILENO), other = dup(STDERR_FILENO);
	struct brood_process_options options = {
		.main = check_fds, .context = &keep, .keep_fds = &keep, .keep_count = 1};

	(void)state;
	assert_int_equal(end_of(brood_process_fork(&options))->exit_code, 0);
	close(keep);
	close(other);
}

static void one_call_reaps_everybody(void **state)
{
	int code = 1;
	struct brood_process_options options = {.main = return_argument, .context = &code};
	siginfo_t info;
	pid_t pids[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		pids[i] = brood_process_fork(&options);
	for (int i = 0; i < 5; i++)
		waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT);
	end_count = 0;
	assert_int_equal(brood_process_reap(on_end, NULL), 5);
	assert_int_equal(brood_process_reap(on_end, NULL), 0);
}

static pid_t changed_pid;
static int changed_to;

static void on_change(void *context, pid_t pid, int stopped)
{
	++*(int *)context;
	changed_pid = pid;
	changed_to = stopped;
}

static int wait_for_signals(void *context)
{
	(void)context;
	while (pause() < 0)
		continue;
	return 0;
}

static void a_stop_and_its_end_are_told_and_reap_nobody(void **state)
{
	struct brood_process_options options = {.main = wait_for_signals};
	pid_t pid = brood_process_fork(&options);
	int count = 0;
	siginfo_t info;

	(void)state;
	kill(pid, SIGSTOP);
	waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT);
	brood_process_watch(on_change, &count);
	assert_int_equal(count, 1);
	assert_int_equal(changed_pid, pid);
	assert_true(changed_to);
	kill(pid, SIGCONT);
	waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOWAIT);
	brood_process_watch(on_change, &count);
	assert_int_equal(count, 2);
	assert_false(changed_to);
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	brood_process_watch(on_change, &count);
	assert_int_equal(count, 2);
	assert_int_equal(end_of(pid)->signal, SIGKILL);
	brood_process_watch(on_change, &count); /* no children at all */
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_is_what_main_returned),
		cmocka_unit_test(a_death_by_signal_names_the_signal),
		cmocka_unit_test(a_child_starts_with_clean_signals),
		cmocka_unit_test(no_signal_can_come_between_the_fork_and_that),
		cmocka_unit_test(a_child_has_the_descriptors_it_was_given_and_no_other),
		cmocka_unit_test(one_call_reaps_everybody),
		cmocka_unit_test(a_stop_and_its_end_are_told_and_reap_nobody),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
