/* SPDX-License-Identifier: MIT
 *
 * One log's file: only whole lines reach it, and nothing waits. */
#include "brood/log/log_writer.h"

#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char line[] = "a line that is as long as lines are, more or less, with a number at its end 0\n";
static char seen[2000000];

static bool add(struct log_writer *writer)
{
	if (log_writer_add(writer, line, sizeof(line) - 1))
		return true;
	log_writer_drop(writer, 1);
	return false;
}

static const char *read_now(int fd)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(fd, seen + used, sizeof(seen) - 1 - used)) > 0)
		used += (size_t)got;
	seen[used] = '\0';
	return seen;
}

/* All lines are whole ones; how many there are. */
static size_t count_whole(const char *text)
{
	size_t count = 0;

	for (; *text; text += sizeof(line) - 1, count++)
		assert_memory_equal(text, line, sizeof(line) - 1);
	return count;
}

static void lines_wait_until_they_are_flushed_and_go_together(void **state)
{
	char path[] = "/tmp/log_writer_test.XXXXXX";
	int reader = mkstemp(path);
	struct log_writer *writer = log_writer_new(open(path, O_WRONLY | O_APPEND));

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(add(writer));
	assert_string_equal(read_now(reader), "");
	assert_true(log_writer_left(writer) > 0);
	log_writer_flush(writer);
	assert_int_equal(count_whole(read_now(reader)), 100);
	assert_int_equal(log_writer_size(writer), 100 * (sizeof(line) - 1));
	assert_int_equal(log_writer_left(writer), 0);
	for (int i = 0; i < 4000; i++) /* more than the buffer holds */
		assert_true(add(writer));
	assert_in_range(count_whole(read_now(reader)), 1000, 3999);
	log_writer_free(writer);
	lseek(reader, 0, SEEK_SET);
	assert_int_equal(count_whole(read_now(reader)), 4100);
	close(reader);
	unlink(path);
}

static void a_reopening_leaves_earlier_lines_in_the_old_file(void **state)
{
	char old_path[] = "/tmp/log_writer_test.XXXXXX", new_path[] = "/tmp/log_writer_test.XXXXXX";
	int old = mkstemp(old_path), new = mkstemp(new_path);
	struct log_writer *writer = log_writer_new(open(old_path, O_WRONLY | O_APPEND));

	(void)state;
	assert_true(add(writer));
	log_writer_reopen(writer, open(new_path, O_WRONLY | O_APPEND));
	assert_true(add(writer) && add(writer));
	log_writer_free(writer);
	assert_int_equal(count_whole(read_now(old)), 1);
	assert_int_equal(count_whole(read_now(new)), 2);
	close(old);
	close(new);
	unlink(old_path);
	unlink(new_path);
}

static void a_full_pipe_loses_whole_lines_only_and_no_time(void **state)
{
	size_t whole, lost = 0;
	struct log_writer *writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer = log_writer_new(ends[1]);
	assert_int_equal(log_writer_size(writer), -1);
	for (int i = 0; i < 20000; i++)
		lost += !add(writer);
	assert_true(lost > 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	whole = count_whole(read_now(ends[0]));
	log_writer_flush(writer); /* there is room again */
	whole += count_whole(read_now(ends[0]));
	log_writer_flush(writer);
	whole += count_whole(read_now(ends[0]));
	assert_true(add(writer));
	log_writer_free(writer);
	whole += count_whole(read_now(ends[0]));
	assert_int_equal(whole + lost, 20001);
	close(ends[0]);
}

static void a_pipe_is_written_in_pieces_that_do_not_mix(void **state)
{
	struct log_writer *writer;
	int ends[2];

	(void)state;
	/* In packet mode each read gives what one write has put there. */
	assert_int_equal(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
	writer = log_writer_new(ends[1]);
	for (int i = 0; i < 200; i++)
		assert_true(add(writer));
	log_writer_free(writer);
	for (size_t lines = 0; lines < 200;) {
		ssize_t got = read(ends[0], seen, sizeof(seen) - 1);

		assert_in_range(got, 1, PIPE_BUF);
		seen[got] = '\0';
		lines += count_whole(seen);
	}
	close(ends[0]);
}

/* A file that may not grow beyond a limit stands for a full disk: the last write is partial. */
static int fill_disk(const char *path, int error_log)
{
	struct rlimit limit = {.rlim_cur = 10000, .rlim_max = RLIM_INFINITY};
	struct log_writer *writer = log_writer_new(open(path, O_WRONLY | O_APPEND));
	struct stat status;

	signal(SIGXFSZ, SIG_IGN);
	log_to(error_log);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	for (int i = 0; i < 5000; i++)
		add(writer);
	log_writer_flush(writer);
	log_writer_report(writer, false);
	while (add(writer)) /* up to a second loss, within the minute */
		;
	log_writer_report(writer, false);
	if (stat(path, &status) < 0 || status.st_size < 9900)
		return 2;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 3;
	log_writer_flush(writer);
	add(writer);
	log_writer_free(writer);
	return 0;
}

static void a_full_disk_loses_whole_lines_only_and_is_told_of(void **state)
{
	char path[] = "/tmp/log_writer_test.XXXXXX";
	int reader = mkstemp(path), errors[2], status;
	size_t whole;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(fill_disk(path, errors[1]));
	close(errors[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	whole = count_whole(read_now(reader));
	assert_in_range(whole, 1000, 5000);
	read_now(errors[0]);
	/* At the first loss and at the end, not for each of them. */
	assert_non_null(strstr(seen, "access log: lines lost: "));
	assert_non_null(strstr(seen, "access log: lines lost: 1 (No space left on device)"));
	assert_int_equal(strchr(strchr(seen, '\n') + 1, '\n')[1], '\0');
	close(errors[0]);
	close(reader);
	unlink(path);
}

static void standard_output_is_never_closed(void **state)
{
	struct log_writer *writer = log_writer_new(STDOUT_FILENO);

	(void)state;
	log_writer_free(writer);
	log_writer_free(NULL);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_wait_until_they_are_flushed_and_go_together),
		cmocka_unit_test(a_reopening_leaves_earlier_lines_in_the_old_file),
		cmocka_unit_test(a_full_pipe_loses_whole_lines_only_and_no_time),
		cmocka_unit_test(a_pipe_is_written_in_pieces_that_do_not_mix),
		cmocka_unit_test(a_full_disk_loses_whole_lines_only_and_is_told_of),
		cmocka_unit_test(standard_output_is_never_closed),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
