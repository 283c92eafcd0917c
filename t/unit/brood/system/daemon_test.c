/* SPDX-License-Identifier: MIT
 *
 * Daemon mode: each test starts a daemon in a child, which plays the started process. What the
 * server finds out about itself it writes to a pipe. The time limit is main's alarm. */
#include "brood/system/daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "brood/system/daemon_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct trial {
	pid_t started;
	int told, errors; /* what the server tells, and its standard error */
	int go;           /* closing it lets the server go on */
};

/* `server` gets the daemon and a descriptor to tell things on; its result is the exit status. */
static void start(struct trial *trial, int (*server)(struct daemon *daemon, int tell, int go))
{
	int tell[2], errors[2], go[2];

	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	trial->started = fork();
	assert_true(trial->started >= 0);
	if (trial->started == 0) {
		struct daemon daemon;

		alarm(30);
		dup2(errors[1], STDERR_FILENO);
		close(errors[1]);
		close(tell[0]);
		close(go[1]);
		if (daemon_start(&daemon, false, false) != 0)
			_exit(99);
		alarm(30);
		_exit(server(&daemon, tell[1], go[0]));
	}
	close(tell[1]);
	close(errors[1]);
	close(go[0]);
	*trial = (struct trial){trial->started, tell[0], errors[0], go[1]};
}

static int exit_status(const struct trial *trial)
{
	int status;

	assert_int_equal(waitpid(trial->started, &status, 0), trial->started);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* All that comes until the last writer has closed its end. */
static const char *read_all(int fd)
{
	static char text[1024];
	size_t used = 0;
	ssize_t got;

	while ((got = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	return text;
}

static void finish(struct trial *trial)
{
	close(trial->told);
	close(trial->errors);
	if (trial->go >= 0)
		close(trial->go);
}

static int wait_and_become_ready(struct daemon *daemon, int tell, int go)
{
	char octet;

	dprintf(tell, "%d %d\n", getpid() != getsid(0), getpid() != getpgid(0));
	(void)!read(go, &octet, 1);
	return daemon_ready(daemon) == 0 && daemon->ready_fd == -1 ? 0 : 50;
}

static void the_start_returns_only_when_the_server_is_ready(void **state)
{
	struct trial trial;
	char text[16] = "";
	int status;

	(void)state;
	start(&trial, wait_and_become_ready);
	assert_int_equal(read(trial.told, text, sizeof(text) - 1), 4);
	assert_string_equal(text, "1 1\n"); /* leads neither session nor group: no terminal, ever */
	assert_int_equal(waitpid(trial.started, &status, WNOHANG), 0);
	close(trial.go);
	trial.go = -1;
	assert_int_equal(exit_status(&trial), 0);
	finish(&trial);
}

static int fail_with_3(struct daemon *daemon, int tell, int go)
{
	(void)daemon, (void)tell, (void)go;
	fprintf(stderr, "brood: no luck\n");
	return 3;
}

static void a_failure_has_the_servers_status_and_words(void **state)
{
	struct trial trial;

	(void)state;
	start(&trial, fail_with_3);
	assert_int_equal(exit_status(&trial), 3);
	assert_string_equal(read_all(trial.errors), "brood: no luck\n");
	finish(&trial);
}

static int die(struct daemon *daemon, int tell, int go)
{
	(void)daemon, (void)tell, (void)go;
	kill(getpid(), SIGKILL);
	return 0;
}

static void a_death_by_signal_is_a_failure_and_told(void **state)
{
	struct trial trial;

	(void)state;
	start(&trial, die);
	assert_int_equal(exit_status(&trial), 1);
	assert_string_equal(read_all(trial.errors), "brood: the server was ended by SIGKILL before it was ready\n");
	finish(&trial);
}

static int describe_itself(struct daemon *daemon, int tell, int go)
{
	struct stat null, standard;
	char directory[64], octet;
	int same = 0;

	if (daemon_ready(daemon) != 0)
		return 50;
	(void)!read(go, &octet, 1); /* until the started process has gone */
	stat("/dev/null", &null);
	for (int fd = 0; fd < 3; fd++)
		same += fstat(fd, &standard) == 0 && standard.st_rdev == null.st_rdev;
	log_error("to nowhere");
	dprintf(tell, "%d %s %d", same, getcwd(directory, sizeof(directory)), getppid() == 1);
	return 0;
}

static void a_ready_server_has_left_all_behind(void **state)
{
	struct trial trial;

	(void)state;
	start(&trial, describe_itself);
	assert_int_equal(exit_status(&trial), 0);
	/* The pipe ends although the server lives: it holds no copy of standard error. */
	assert_string_equal(read_all(trial.errors), "");
	close(trial.go);
	trial.go = -1;
	assert_memory_equal(read_all(trial.told), "3 / ", 4);
	finish(&trial);
}

static int wait_for_end(struct daemon *daemon, int tell, int go)
{
	char octet;

	(void)daemon;
	dprintf(tell, "here");
	(void)!read(go, &octet, 1);
	return 0;
}

static void ending_the_start_ends_the_server(void **state)
{
	struct trial trial;
	char text[8];

	(void)state;
	start(&trial, wait_for_end);
	assert_int_equal(read(trial.told, text, sizeof(text)), 4);
	kill(trial.started, SIGINT);
	assert_int_equal(exit_status(&trial), -SIGINT);
	assert_string_equal(read_all(trial.told), ""); /* the server's end is closed: it has gone */
	finish(&trial);
}

static int outlive(struct daemon *daemon, int tell, int go)
{
	char octet;

	if (daemon_ready(daemon) != 0)
		return 50;
	(void)!read(go, &octet, 1);
	dprintf(tell, "alive");
	return 0;
}

static void a_ready_server_outlives_the_start(void **state)
{
	struct trial trial;

	(void)state;
	start(&trial, outlive);
	assert_int_equal(exit_status(&trial), 0);
	read_all(trial.errors); /* the guardian has gone too */
	close(trial.go);
	trial.go = -1;
	assert_string_equal(read_all(trial.told), "alive");
	finish(&trial);
}

/* Its worker, begun before it is ready, lives until the test lets it go. */
static int leave_a_worker(struct daemon *daemon, int tell, int go)
{
	char octet;
	pid_t worker = fork();

	if (worker == 0) {
		close(daemon->ready_fd);
		fprintf(stderr, "brood: a worker\n");
		dprintf(tell, "started");
		(void)!read(go, &octet, 1);
		fprintf(stderr, "brood: unheard\n");
		dprintf(tell, "alive");
		return 0;
	}
	close(tell);
	return 0;
}

static int leave_a_worker_and_be_ready(struct daemon *daemon, int tell, int go)
{
	char octet;

	leave_a_worker(daemon, tell, go);
	if (daemon->ready_fd >= 0 && fcntl(daemon->ready_fd, F_GETFD) >= 0 && daemon_ready(daemon) != 0)
		return 50;
	(void)!read(go, &octet, 1);
	return 0;
}

static void whoever_started_it_gets_all_descriptors_back(void **state)
{
	int (*const servers[])(struct daemon *, int, int) = {leave_a_worker, leave_a_worker_and_be_ready};
	struct trial trial;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&trial, servers[i]);
		assert_int_equal(exit_status(&trial), 0);
		(void)read_all(trial.errors); /* ends, although the worker lives */
		close(trial.go);
		trial.go = -1;
		assert_string_equal(read_all(trial.told), "startedalive");
		finish(&trial);
	}
}

static void without_a_daemon_readiness_changes_nothing(void **state)
{
	struct daemon none = {.ready_fd = -1};
	struct stat before, after;

	(void)state;
	fstat(STDOUT_FILENO, &before);
	assert_int_equal(daemon_ready(&none), 0);
	fstat(STDOUT_FILENO, &after);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void assert_log(const char *logs, const char *state, const char *home, const char *path)
{
	char found[PATH_MAX];

	unsetenv("LOGS_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	if (logs)
		setenv("LOGS_DIRECTORY", logs, 1);
	if (state)
		setenv("XDG_STATE_HOME", state, 1);
	if (home)
		setenv("HOME", home, 1);
	assert_int_equal(daemon_log_find(found), path != NULL);
	if (path)
		assert_string_equal(found, path);
}

static void an_error_log_has_its_place_by_who_starts_it(void **state)
{
	static const char roots[] = "/var/log/brood/error.log";
	bool is_root = geteuid() == 0;

	(void)state;
	assert_log("/var/log/site:/var/log/other", "/s", "/h", "/var/log/site/error.log");
	assert_log("site", "/s", "/h", is_root ? roots : "/s/brood/error.log");
	assert_log(NULL, "s", "/h", is_root ? roots : "/h/.local/state/brood/error.log");
	assert_log(NULL, NULL, NULL, is_root ? roots : NULL);
}

static void what_lasts_is_a_file_or_the_journal(void **state)
{
	int pipes[2], file = memfd_create("log", MFD_CLOEXEC);
	struct stat status;
	char stream[64];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_true(file >= 0 && daemon_log_lasts(file));
	unsetenv("JOURNAL_STREAM");
	assert_false(daemon_log_lasts(pipes[1]));
	assert_int_equal(fstat(pipes[1], &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(daemon_log_lasts(pipes[1]));
	setenv("JOURNAL_STREAM", "1:1", 1);
	assert_false(daemon_log_lasts(pipes[1]));
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	assert_false(daemon_log_lasts(pipes[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_start_returns_only_when_the_server_is_ready),
		cmocka_unit_test(a_failure_has_the_servers_status_and_words),
		cmocka_unit_test(a_death_by_signal_is_a_failure_and_told),
		cmocka_unit_test(a_ready_server_has_left_all_behind),
		cmocka_unit_test(ending_the_start_ends_the_server),
		cmocka_unit_test(a_ready_server_outlives_the_start),
		cmocka_unit_test(whoever_started_it_gets_all_descriptors_back),
		cmocka_unit_test(without_a_daemon_readiness_changes_nothing),
		cmocka_unit_test(an_error_log_has_its_place_by_who_starts_it),
		cmocka_unit_test(what_lasts_is_a_file_or_the_journal),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
