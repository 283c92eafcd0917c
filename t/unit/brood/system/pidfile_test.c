/* SPDX-License-Identifier: MIT
 *
 * The pid file: locking, contents, removal. */
#include "brood/system/pidfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/pidfile_test.XXXXXX";
static char path[64];
static char text[128];

static int make_directory(void **state)
{
	(void)state;
	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/brood.pid", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void put(const char *contents)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(contents, file);
	fclose(file);
}

static const char *contents(void)
{
	FILE *file = fopen(path, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void it_holds_the_pid_and_goes_at_the_end(void **state)
{
	struct pidfile pidfile;
	char reason[256], expected[32];
	struct stat status;

	(void)state;
	assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), 0);
	assert_string_equal(contents(), "");
	assert_true(fcntl(pidfile.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pidfile_write(&pidfile), 0);
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	assert_string_equal(contents(), expected);
	pidfile_close(&pidfile);
	assert_int_equal(stat(path, &status), -1);
	assert_int_equal(pidfile.fd, -1);
	pidfile_close(&pidfile);
}

static void a_second_one_learns_who_runs_and_changes_nothing(void **state)
{
	struct pidfile first, second;
	char reason[256], expected[128], before[128];

	(void)state;
	assert_int_equal(pidfile_open(&first, path, reason, sizeof(reason)), 0);
	assert_int_equal(pidfile_open(&second, path, reason, sizeof(reason)), -EWOULDBLOCK);
	snprintf(expected, sizeof(expected), "already running (%s is locked)", path);
	assert_string_equal(reason, expected);
	assert_int_equal(pidfile_write(&first), 0);
	strcpy(before, contents());
	assert_int_equal(pidfile_open(&second, path, reason, sizeof(reason)), -EWOULDBLOCK);
	snprintf(expected, sizeof(expected), "already running, pid %d (%s)", (int)getpid(), path);
	assert_string_equal(reason, expected);
	assert_string_equal(contents(), before);
	pidfile_close(&second);
	assert_string_equal(contents(), before);
	pidfile_close(&first);
}

static void a_stale_one_is_taken_over(void **state)
{
	static const char *const stale[] = {"", "99999999\n", "12"};
	struct pidfile pidfile;
	char reason[256], expected[32];

	(void)state;
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	for (size_t i = 0; i < 3; i++) {
		put(stale[i]);
		assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), 0);
		assert_string_equal(contents(), stale[i]); /* until it is written */
		assert_int_equal(pidfile_write(&pidfile), 0);
		assert_string_equal(contents(), expected);
		pidfile_close(&pidfile);
	}
}

static void other_peoples_files_are_left_alone(void **state)
{
	static const char *const precious[] = {"root:x:0:0\n", "-1\n", "12345678901234567890123456789\n", "12 34\n"};
	struct pidfile pidfile;
	char reason[256];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		put(precious[i]);
		assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), -EEXIST);
		assert_non_null(strstr(reason, "is not a pid file"));
		assert_string_equal(contents(), precious[i]);
	}
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), -ELOOP);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), -EEXIST);
}

static void a_missing_folder_is_named(void **state)
{
	struct pidfile pidfile;
	char reason[256];

	(void)state;
	assert_int_equal(pidfile_open(&pidfile, "/nonexistent/a.pid", reason, sizeof(reason)), -ENOENT);
	assert_string_equal(reason, "cannot open pid file /nonexistent/a.pid: No such file or directory");
}

static void only_its_writer_removes_it_and_only_his_own(void **state)
{
	struct pidfile pidfile, unwritten;
	char reason[256];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), 0);
	assert_int_equal(pidfile_write(&pidfile), 0);
	pid = fork();
	if (pid == 0) {
		pidfile_close(&pidfile);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(access(path, F_OK), 0);
	/* The lock has outlived the child's copy. */
	assert_int_equal(pidfile_open(&unwritten, path, reason, sizeof(reason)), -EWOULDBLOCK);
	unlink(path);
	put("4711\n"); /* somebody else's by now */
	pidfile_close(&pidfile);
	assert_string_equal(contents(), "4711\n");
	assert_int_equal(pidfile_open(&unwritten, path, reason, sizeof(reason)), 0);
	pidfile_close(&unwritten);
	assert_string_equal(contents(), "4711\n");
}

/* As on a full disk. Before it is written it may be a stale one's. */
static void what_cannot_be_written_is_not_left_behind(void **state)
{
	static const char *const before[] = {NULL, "", "99999999\n"};
	struct rlimit limit, none;
	struct pidfile pidfile;
	char reason[256];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		if (before[i])
			put(before[i]);
		assert_int_equal(pidfile_open(&pidfile, path, reason, sizeof(reason)), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		assert_int_equal(pidfile_write(&pidfile), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		pidfile_close(&pidfile);
		assert_int_equal(access(path, F_OK), -1);
	}
	signal(SIGXFSZ, SIG_DFL);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(it_holds_the_pid_and_goes_at_the_end),
		IN_DIRECTORY(a_second_one_learns_who_runs_and_changes_nothing),
		IN_DIRECTORY(a_stale_one_is_taken_over),
		IN_DIRECTORY(other_peoples_files_are_left_alone),
		cmocka_unit_test(a_missing_folder_is_named),
		IN_DIRECTORY(what_cannot_be_written_is_not_left_behind),
		IN_DIRECTORY(only_its_writer_removes_it_and_only_his_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
