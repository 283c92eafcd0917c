/* SPDX-License-Identifier: MIT
 *
 * The access log: how lines look, and that only whole ones reach the file. */
#include "brood/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "brood/access_log_format.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sockaddr_in client = {.sin_family = AF_INET};
static char seen[200000];

static struct http_log_record record_of(const char *request_line)
{
	return (struct http_log_record){
		.client = (const struct sockaddr *)&client,
		.time = 971211336, /* 10 October 2000, 20:55:36 UTC */
		.request_line = slice_of(request_line),
		.status = 200,
		.body_bytes = 1024,
	};
}

static const char *formatted(const struct http_log_record *record)
{
	struct access_line_cache cache = {0};
	size_t length = access_line_combined(&cache, seen, record);

	assert_in_range(length, 1, ACCESS_LINE_MAX);
	seen[length] = '\0';
	return seen;
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

/* All lines are the one that record_of("GET / HTTP/1.1") makes; how many there are. */
static size_t count_whole(const char *text)
{
	static const char line[] = "0.0.0.0 - - [10/Oct/2000:20:55:36 +0000] \"GET / HTTP/1.1\" "
				   "200 1024 \"-\" \"-\"\n";
	size_t count = 0;

	for (; *text; text += sizeof(line) - 1, count++)
		assert_memory_equal(text, line, sizeof(line) - 1);
	return count;
}

static void a_line_is_in_the_combined_format(void **state)
{
	struct http_log_record record = record_of("GET /a?b=c HTTP/1.1");

	(void)state;
	record.referer = slice_of("http://example.org/");
	record.user_agent = slice_of("curl/7.88.1 (it's me)");
	assert_string_equal(formatted(&record),
			    "0.0.0.0 - - [10/Oct/2000:20:55:36 +0000] \"GET /a?b=c HTTP/1.1\" 200 "
			    "1024 \"http://example.org/\" \"curl/7.88.1 (it's me)\"\n");
	record = (struct http_log_record){
		.client = record.client, .status = 400, .body_bytes = UINT64_MAX};
	assert_string_equal(formatted(&record),
			    "0.0.0.0 - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 "
			    "18446744073709551615 \"-\" \"-\"\n");
}

static void local_time_has_its_offset(void **state)
{
	struct http_log_record record = record_of("GET / HTTP/1.1");

	(void)state;
	setenv("TZ", "EST-05:30", 1);
	tzset();
	assert_non_null(strstr(formatted(&record), "[11/Oct/2000:02:25:36 +0530]"));
	setenv("TZ", "NST03:30", 1);
	tzset();
	assert_non_null(strstr(formatted(&record), "[10/Oct/2000:17:25:36 -0330]"));
	setenv("TZ", "UTC0", 1);
	tzset();
}

static void clients_of_all_families_have_a_host(void **state)
{
	struct access_line_cache cache = {0};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	const struct {
		const void *peer;
		const char *host;
	} turns[] = {{&ipv4, "192.0.2.1 "},  {&ipv6, "2001:db8::1 "}, {&local, "- "},
		     {&client, "0.0.0.0 "},  {&local, "- "},          {&ipv4, "192.0.2.1 "},
		     {&ipv6, "2001:db8::1 "}};
	struct http_log_record record = record_of("GET / HTTP/1.1");

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr), 1);
	for (size_t i = 0; i < 2 * sizeof(turns) / sizeof(turns[0]); i++) {
		record.client = turns[i / 2].peer;
		record.time = (time_t)i;
		access_line_combined(&cache, seen, &record);
		assert_memory_equal(seen, turns[i / 2].host, strlen(turns[i / 2].host));
		assert_int_equal(strstr(seen, " +0000]")[-1], "0123456789"[i % 10]);
	}
}

static void nothing_from_a_client_can_forge_a_line_or_a_field(void **state)
{
	struct http_log_record record = record_of("GET /\"\\\n\r\t\033 HTTP/1.1");
	char all[256];

	(void)state;
	record.referer = slice_of("\x7f\x80\xff");
	record.user_agent = (struct slice){"a\0b", 3};
	assert_non_null(strstr(formatted(&record),
			       "\"GET /\\x22\\x5c\\x0a\\x0d\\x09\\x1b HTTP/1.1\" 200 1024 "
			       "\"\\x7f\\x80\\xff\" \"a\\x00b\"\n"));
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	record.request_line = (struct slice){all, sizeof(all)};
	formatted(&record);
	for (const char *at = seen; *at; at++)
		assert_true((*at >= ' ' && *at <= '~') || (*at == '\n' && at[1] == '\0'));
}

static void what_is_too_long_is_cut_and_marked(void **state)
{
	static char longest[40000];
	static const char octets[] = {'a', '\x01'};
	struct http_log_record record = record_of("");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(longest, octets[i], sizeof(longest));
		record.request_line = record.referer = record.user_agent =
			(struct slice){longest, sizeof(longest)};
		formatted(&record); /* within ACCESS_LINE_MAX */
		assert_in_range(strlen(seen), 3000, ACCESS_LINE_MAX);
		assert_non_null(strstr(seen, "...\" 200 1024 \""));
		assert_non_null(strstr(seen, "...\" \""));
		assert_string_equal(seen + strlen(seen) - 5, "...\"\n");
	}
	memset(longest, 'a', sizeof(longest));
	record.referer = record.user_agent = (struct slice){NULL, 0};
	record.request_line.len = 2045; /* the longest that is whole */
	assert_null(strstr(formatted(&record), "..."));
	record.request_line.len++;
	assert_non_null(strstr(formatted(&record), "a...\""));
}

static void lines_wait_for_a_tick_and_then_go_together(void **state)
{
	char path[] = "/tmp/access_log_test.XXXXXX";
	int reader = mkstemp(path);
	struct access_log *log = access_log_new(open(path, O_WRONLY | O_APPEND),
						LOG_FORMAT_COMBINED);
	struct http_log_record record = record_of("GET / HTTP/1.1");

	(void)state;
	for (int i = 0; i < 100; i++)
		access_log_add(log, &record);
	assert_string_equal(read_now(reader), "");
	access_log_tick(log);
	assert_int_equal(count_whole(read_now(reader)), 100);
	access_log_tick(log);
	assert_string_equal(read_now(reader), "");
	for (int i = 0; i < 1000; i++) /* more than the buffer holds */
		access_log_add(log, &record);
	assert_in_range(count_whole(read_now(reader)), 500, 999);
	access_log_free(log);
	lseek(reader, 0, SEEK_SET);
	assert_int_equal(count_whole(read_now(reader)), 1100);
	close(reader);
	unlink(path);
}

static void a_reopening_leaves_earlier_lines_in_the_old_file(void **state)
{
	char old_path[] = "/tmp/access_log_test.XXXXXX", new_path[] = "/tmp/access_log_test.XXXXXX";
	int old = mkstemp(old_path), new = mkstemp(new_path);
	struct access_log *log = access_log_new(open(old_path, O_WRONLY | O_APPEND),
						LOG_FORMAT_COMBINED);
	struct http_log_record record = record_of("GET / HTTP/1.1");

	(void)state;
	access_log_add(log, &record);
	access_log_reopen(log, open(new_path, O_WRONLY | O_APPEND));
	access_log_add(log, &record);
	access_log_add(log, &record);
	access_log_reopen(log, -1);
	access_log_add(log, &record); /* off now */
	access_log_tick(log);
	access_log_free(log);
	assert_int_equal(count_whole(read_now(old)), 1);
	assert_int_equal(count_whole(read_now(new)), 2);
	close(old);
	close(new);
	unlink(old_path);
	unlink(new_path);
}

static void a_full_pipe_loses_whole_lines_only_and_no_time(void **state)
{
	struct http_log_record record = record_of("GET / HTTP/1.1");
	struct access_log *log;
	uint64_t dropped;
	size_t whole;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	log = access_log_new(ends[1], LOG_FORMAT_COMBINED);
	for (int i = 0; i < 20000; i++)
		access_log_add(log, &record);
	dropped = access_log_dropped(log);
	assert_true(dropped > 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	whole = count_whole(read_now(ends[0]));
	access_log_tick(log); /* there is room again */
	whole += count_whole(read_now(ends[0]));
	access_log_add(log, &record);
	access_log_free(log);
	whole += count_whole(read_now(ends[0]));
	assert_int_equal(whole + dropped, 20001);
	close(ends[0]);
}

static void a_pipe_is_written_in_pieces_that_do_not_mix(void **state)
{
	struct http_log_record record = record_of("GET / HTTP/1.1");
	struct access_log *log;
	int ends[2];

	(void)state;
	/* In packet mode each read gives what one write has put there. */
	assert_int_equal(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
	log = access_log_new(ends[1], LOG_FORMAT_COMBINED);
	for (int i = 0; i < 200; i++)
		access_log_add(log, &record);
	access_log_free(log);
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
	struct http_log_record record = record_of("GET / HTTP/1.1");
	struct access_log *log = access_log_new(open(path, O_WRONLY | O_APPEND),
						LOG_FORMAT_COMBINED);
	struct stat status;

	signal(SIGXFSZ, SIG_IGN);
	log_set_fd(error_log);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	for (int i = 0; i < 2000; i++)
		access_log_add(log, &record);
	access_log_tick(log);
	if (stat(path, &status) < 0 || status.st_size < 9900 || access_log_dropped(log) == 0)
		return 2;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 3;
	access_log_tick(log);
	access_log_add(log, &record);
	access_log_free(log);
	return 0;
}

static void a_full_disk_loses_whole_lines_only_and_is_told_of(void **state)
{
	char path[] = "/tmp/access_log_test.XXXXXX";
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
	assert_in_range(whole, 100, 2000);
	read_now(errors[0]);
	/* At the first loss and at the end, not for each of them. */
	assert_non_null(strstr(seen, "access log: lines lost: 1 ("));
	assert_int_equal(strchr(strchr(seen, '\n') + 1, '\n')[1], '\0');
	close(errors[0]);
	close(reader);
	unlink(path);
}

static void standard_output_is_never_closed(void **state)
{
	struct access_log *log = access_log_new(STDOUT_FILENO, LOG_FORMAT_COMBINED);

	(void)state;
	access_log_reopen(log, -1);
	access_log_free(log);
	access_log_free(NULL);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_in_the_combined_format),
		cmocka_unit_test(local_time_has_its_offset),
		cmocka_unit_test(clients_of_all_families_have_a_host),
		cmocka_unit_test(nothing_from_a_client_can_forge_a_line_or_a_field),
		cmocka_unit_test(what_is_too_long_is_cut_and_marked),
		cmocka_unit_test(lines_wait_for_a_tick_and_then_go_together),
		cmocka_unit_test(a_reopening_leaves_earlier_lines_in_the_old_file),
		cmocka_unit_test(a_full_pipe_loses_whole_lines_only_and_no_time),
		cmocka_unit_test(a_pipe_is_written_in_pieces_that_do_not_mix),
		cmocka_unit_test(a_full_disk_loses_whole_lines_only_and_is_told_of),
		cmocka_unit_test(standard_output_is_never_closed),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
