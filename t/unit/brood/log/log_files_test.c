/* SPDX-License-Identifier: MIT
 *
 * Log files: opening, moving away, opening again; which is which, and how long. */
#include "brood/log/log_files.h"

#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "cluster/cluster.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/log_files_test.XXXXXX";
static char path[64], moved[64];
static char text[1024], reason[128];
static struct log_files files;

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

static unsigned living; /* a worker with a configuration of that number; 0: none */

static int remove_directory(void **state)
{
	(void)state;
	log_files_close(&files);
	living = 0;
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

/* --- the log process, as far as the table knows it --- */

static int refusal; /* what it says */
static char told[400];

int cluster_log_file(struct master *master, unsigned log, unsigned kind, int fd)
{
	size_t used = strlen(told);

	(void)master;
	if (refusal)
		return refusal;
	snprintf(told + used, sizeof(told) - used, "%u%c%s ", log, kind == LOG_KIND_LINES ? 'l' : 'm',
		 fd < 0 ? "-" : "");
	return 0;
}

bool cluster_has_log_source(const struct master *master, unsigned first, unsigned last)
{
	(void)master;
	return living >= first && living <= last;
}

/* --- memory --- */

static bool no_memory; /* for another log in the table */

void *__wrap_reallocarray(void *list, size_t count, size_t size);
void *__real_reallocarray(void *list, size_t count, size_t size);

void *__wrap_reallocarray(void *list, size_t count, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(list, count, size);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static const char *tell(bool all)
{
	told[0] = '\0';
	(void)!log_files_tell(&files, NULL, all);
	return told;
}

/* --- opening --- */

static unsigned use(enum log_kind kind, const char *target)
{
	unsigned number;

	assert_int_equal(log_files_use(&files, kind, target, &number, reason, sizeof(reason)), 0);
	return number;
}

static int use_fails(const char *target)
{
	unsigned number = 99;
	int error = log_files_use(&files, LOG_KIND_LINES, target, &number, reason, sizeof(reason));

	assert_int_equal(number, 0);
	return error;
}

static void put(unsigned number, const char *words)
{
	assert_int_equal(write(log_files_fd(&files, number), words, strlen(words)), strlen(words));
}

static void a_path_is_created_and_appended_to(void **state)
{
	struct stat status;
	mode_t mask = umask(0);
	unsigned number;
	int fd;

	(void)state;
	number = use(LOG_KIND_LINES, path);
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0640);
	fd = log_files_fd(&files, number);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_APPEND);
	put(number, "one\n");
	log_files_close(&files);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	put(use(LOG_KIND_LINES, path), "two\n");
	assert_string_equal(contents(path), "one\ntwo\n");
}

static void words_mean_what_they_say(void **state)
{
	unsigned output, errors;

	(void)state;
	assert_int_equal(use(LOG_KIND_LINES, "off"), 0);
	assert_int_equal(log_files_fd(&files, 0), -1);
	output = use(LOG_KIND_LINES, "stdout");
	errors = use(LOG_KIND_MESSAGES, "stderr");
	log_files_reopen(&files);
	assert_int_equal(log_files_fd(&files, output), STDOUT_FILENO);
	assert_int_equal(log_files_fd(&files, errors), STDERR_FILENO);
	log_files_close(&files);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

static void what_cannot_be_opened_has_a_reason(void **state)
{
	(void)state;
	assert_int_equal(use_fails("/nonexistent/log"), -ENOENT);
	assert_string_equal(reason, "cannot open log /nonexistent/log: No such file or directory");
	assert_int_equal(use_fails("relative"), -EINVAL);
	assert_int_equal(use_fails(directory), -EISDIR);
}

static void a_fifo_without_a_reader_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(use_fails(path), -ENXIO);
}

static void one_that_there_is_no_memory_for_is_not_left_open(void **state)
{
	int open_before = count_open();

	(void)state;
	no_memory = true;
	assert_int_equal(use_fails(path), -ENOMEM);
	no_memory = false;
	assert_non_null(strstr(reason, ": no memory"));
	assert_int_equal(files.count, 0);
	assert_int_equal(count_open(), open_before);
	assert_int_equal(use(LOG_KIND_LINES, path), 1);
}

/* --- one number for one log --- */

static void a_log_has_one_number_in_all_configurations(void **state)
{
	unsigned number = use(LOG_KIND_LINES, path);

	(void)state;
	assert_int_equal(use(LOG_KIND_LINES, path), number);
	assert_int_not_equal(use(LOG_KIND_MESSAGES, path), number); /* messages are not lines */
	assert_int_not_equal(use(LOG_KIND_LINES, moved), number);
}

static void a_moved_file_is_followed_by_a_new_one(void **state)
{
	unsigned number = use(LOG_KIND_LINES, path);
	int open_before = count_open();

	(void)state;
	put(number, "old\n");
	assert_int_equal(rename(path, moved), 0);
	put(number, "older\n");
	assert_string_equal(tell(false), "1l ");
	log_files_reopen(&files);
	assert_string_equal(tell(false), "1l "); /* the same log, another file */
	assert_true(fcntl(log_files_fd(&files, number), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(count_open(), open_before); /* the old one is closed */
	put(number, "new\n");
	assert_string_equal(contents(moved), "old\nolder\n");
	assert_string_equal(contents(path), "new\n");
}

static void a_failed_reopening_keeps_the_old_file_and_says_so(void **state)
{
	unsigned number = use(LOG_KIND_LINES, path);

	(void)state;
	tell(false);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	log_to(log_files_fd(&files, number));
	log_files_reopen(&files);
	log_error("still here");
	log_to(STDERR_FILENO);
	assert_non_null(strstr(contents(moved), "cannot reopen log"));
	assert_non_null(strstr(text, "still here"));
	assert_string_equal(tell(false), "");
}

/* A reload opens its files anew, and nothing has changed until it is in force. */
static void another_configuration_s_file_is_used_when_that_is_in_force(void **state)
{
	unsigned number = use(LOG_KIND_LINES, path);

	(void)state;
	tell(false);
	for (int in_force = 0; in_force < 2; in_force++) {
		assert_int_equal(rename(path, moved), 0);
		assert_int_equal(use(LOG_KIND_LINES, path), number);
		put(number, "old\n");
		assert_string_equal(tell(false), "");
		log_files_settle(&files, in_force);
		log_files_leave(&files, number);
		assert_string_equal(tell(false), in_force ? "1l " : "");
		put(number, "new\n");
		assert_string_equal(contents(path), in_force ? "new\n" : "");
		assert_int_equal(rename(moved, path), 0);
		log_files_reopen(&files);
		tell(false);
	}
}

static void a_log_is_forgotten_when_nobody_can_write_to_it_any_more(void **state)
{
	unsigned number, fd;

	(void)state;
	for (int i = 0; i < 3; i++) { /* configurations 1 to 3 have it */
		log_files_begin(&files);
		number = use(LOG_KIND_LINES, path);
	}
	log_files_settle(&files, true);
	fd = (unsigned)log_files_fd(&files, number);
	assert_string_equal(tell(false), "1l 1l ");
	for (int i = 0; i < 3; i++) {
		log_files_leave(&files, number);
		assert_string_equal(tell(false), i < 2 ? "" : "1l- ");
	}
	assert_int_equal(files.count, 0);
	assert_int_equal(fcntl((int)fd, F_GETFD), -1);
	/* Wanted again, it is another one. */
	assert_int_equal(log_files_begin(&files), 4);
	assert_int_equal(use(LOG_KIND_LINES, path), number + 1);
}

static void as_long_as_somebody_may_write_to_it_a_log_is_rotated_like_the_others(void **state)
{
	unsigned number;

	(void)state;
	log_files_begin(&files);
	number = use(LOG_KIND_LINES, path);
	log_files_begin(&files);
	log_files_leave(&files, number);
	living = 1;
	assert_string_equal(tell(false), "1l ");
	log_files_reopen(&files);
	assert_string_equal(tell(false), "1l ");
	assert_string_equal(tell(true), "1l ");
	living = 2; /* who never had it does not keep it */
	assert_string_equal(tell(false), "1l- ");
}

static void one_that_is_wanted_again_in_time_stays(void **state)
{
	unsigned number;

	(void)state;
	log_files_begin(&files);
	number = use(LOG_KIND_LINES, path);
	living = 1;
	tell(false);
	log_files_leave(&files, number);
	assert_string_equal(tell(false), "");
	log_files_begin(&files);
	assert_int_equal(use(LOG_KIND_LINES, path), number);
	log_files_settle(&files, false);
	living = 0;
	assert_string_equal(tell(false), "");
	assert_int_equal(files.count, 1);
}

static void who_cannot_be_told_now_is_told_later_and_a_new_one_all(void **state)
{
	(void)state;
	use(LOG_KIND_LINES, path);
	use(LOG_KIND_MESSAGES, moved);
	refusal = -ENOBUFS;
	assert_int_equal(log_files_tell(&files, NULL, false), -ENOBUFS);
	refusal = 0;
	assert_string_equal(tell(false), "1l 2m ");
	assert_string_equal(tell(false), "");
	assert_string_equal(tell(true), "1l 2m ");
	log_files_standard_changed(&files);
	assert_string_equal(tell(false), "");
}

static void the_next_version_knows_each_log_by_its_number(void **state)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct log_files next = {0};

	(void)state;
	use(LOG_KIND_LINES, moved);
	log_files_leave(&files, 1);
	use(LOG_KIND_LINES, path);
	use(LOG_KIND_MESSAGES, "stderr");
	log_files_save(&files, 4711, &writer);
	assert_int_equal(upgrade_finish(&writer), 0);
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	assert_int_equal(log_files_restore(&next, 4711, &reader), 0);
	assert_int_equal(next.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(next.list[i].number, files.list[i].number);
		assert_int_equal(next.list[i].kind, files.list[i].kind);
		assert_string_equal(next.list[i].target, files.list[i].target);
		assert_true(next.list[i].fd >= 0);
	}
	assert_int_equal(next.last_number, 3);
	/* Twice the same is none that we have written. */
	assert_int_equal(log_files_restore(&next, 4711, &reader), -EBADMSG);
	log_files_close(&next);
	upgrade_writer_free(&writer);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(a_path_is_created_and_appended_to),
		IN_DIRECTORY(words_mean_what_they_say),
		IN_DIRECTORY(what_cannot_be_opened_has_a_reason),
		IN_DIRECTORY(a_fifo_without_a_reader_is_not_waited_for),
		IN_DIRECTORY(one_that_there_is_no_memory_for_is_not_left_open),
		IN_DIRECTORY(a_log_has_one_number_in_all_configurations),
		IN_DIRECTORY(a_moved_file_is_followed_by_a_new_one),
		IN_DIRECTORY(a_failed_reopening_keeps_the_old_file_and_says_so),
		IN_DIRECTORY(another_configuration_s_file_is_used_when_that_is_in_force),
		IN_DIRECTORY(a_log_is_forgotten_when_nobody_can_write_to_it_any_more),
		IN_DIRECTORY(as_long_as_somebody_may_write_to_it_a_log_is_rotated_like_the_others),
		IN_DIRECTORY(one_that_is_wanted_again_in_time_stays),
		IN_DIRECTORY(who_cannot_be_told_now_is_told_later_and_a_new_one_all),
		IN_DIRECTORY(the_next_version_knows_each_log_by_its_number),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
