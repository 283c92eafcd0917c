/* SPDX-License-Identifier: MIT
 *
 * Log files: opening, moving away, opening again. */
#include "brood/log_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/log_files_test.XXXXXX";
static char path[64], moved[64];
static char text[1024];

static int make_directory(void **state)
{
	(void)state;
	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(moved, sizeof(moved), "%s/log.1", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	unlink(moved);
	rmdir(path);
	return rmdir(directory);
}

static const char *contents(const char *of)
{
	FILE *file = fopen(of, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void a_path_is_created_and_appended_to(void **state)
{
	struct log_file file;
	char reason[128];
	struct stat status;
	mode_t mask = umask(0);

	(void)state;
	assert_int_equal(log_file_open(&file, path, reason, sizeof(reason)), 0);
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0640);
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(file.fd, F_GETFL) & O_APPEND);
	assert_int_equal(write(file.fd, "one\n", 4), 4);
	log_file_close(&file);
	assert_int_equal(log_file_open(&file, path, reason, sizeof(reason)), 0);
	assert_int_equal(write(file.fd, "two\n", 4), 4);
	log_file_close(&file);
	assert_string_equal(contents(path), "one\ntwo\n");
	assert_int_equal(file.fd, -1);
}

static void words_mean_what_they_say(void **state)
{
	struct log_file file;
	char reason[128];

	(void)state;
	assert_int_equal(log_file_open(&file, "off", reason, sizeof(reason)), 0);
	assert_int_equal(file.fd, -1);
	assert_false(log_file_reopen(&file));
	log_file_close(&file);
	assert_int_equal(log_file_open(&file, "stdout", reason, sizeof(reason)), 0);
	assert_int_equal(file.fd, STDOUT_FILENO);
	assert_false(log_file_reopen(&file));
	log_file_close(&file);
	assert_int_equal(log_file_open(&file, "stderr", reason, sizeof(reason)), 0);
	assert_int_equal(file.fd, STDERR_FILENO);
	log_file_close(&file);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

static void what_cannot_be_opened_has_a_reason(void **state)
{
	struct log_file file;
	char reason[128];

	(void)state;
	assert_int_equal(log_file_open(&file, "/nonexistent/log", reason, sizeof(reason)), -ENOENT);
	assert_string_equal(reason, "cannot open log /nonexistent/log: No such file or directory");
	assert_int_equal(file.fd, -1);
	assert_null(file.target);
	assert_int_equal(log_file_open(&file, "relative", reason, sizeof(reason)), -EINVAL);
	assert_int_equal(log_file_open(&file, directory, reason, sizeof(reason)), -EISDIR);
}

static void a_fifo_without_a_reader_is_not_waited_for(void **state)
{
	struct log_file file;
	char reason[128];

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(log_file_open(&file, path, reason, sizeof(reason)), -ENXIO);
}

static void a_moved_file_is_followed_by_a_new_one(void **state)
{
	struct log_file file;
	char reason[128];
	int number;

	(void)state;
	assert_int_equal(log_file_open(&file, path, reason, sizeof(reason)), 0);
	number = file.fd;
	assert_int_equal(write(file.fd, "old\n", 4), 4);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(write(file.fd, "older\n", 6), 6);
	assert_true(log_file_reopen(&file));
	assert_int_equal(file.fd, number);
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(file.fd, "new\n", 4), 4);
	assert_string_equal(contents(moved), "old\nolder\n");
	assert_string_equal(contents(path), "new\n");
	log_file_close(&file);
}

static void a_failed_reopening_keeps_the_old_file_and_says_so(void **state)
{
	struct log_file file;
	char reason[128];

	(void)state;
	assert_int_equal(log_file_open(&file, path, reason, sizeof(reason)), 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	log_set_fd(file.fd);
	assert_false(log_file_reopen(&file));
	log_error("still here");
	log_set_fd(STDERR_FILENO);
	assert_non_null(strstr(contents(moved), "cannot reopen log"));
	assert_non_null(strstr(text, "still here"));
	log_file_close(&file);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(a_path_is_created_and_appended_to),
		IN_DIRECTORY(words_mean_what_they_say),
		IN_DIRECTORY(what_cannot_be_opened_has_a_reason),
		IN_DIRECTORY(a_fifo_without_a_reader_is_not_waited_for),
		IN_DIRECTORY(a_moved_file_is_followed_by_a_new_one),
		IN_DIRECTORY(a_failed_reopening_keeps_the_old_file_and_says_so),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
