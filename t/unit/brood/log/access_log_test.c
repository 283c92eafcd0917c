/* SPDX-License-Identifier: MIT
 *
 * The access log: how lines look, and how they are left for the log process. */
#include "brood/log/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "brood/log/access_log_format.h"
#include "cluster/ipc/log_outlet.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sockaddr_in client = {.sin_family = AF_INET};
static char seen[20000];

static struct http_log_entry entry_of(const char *request_line)
{
	return (struct http_log_entry){
		.client = (const struct sockaddr *)&client,
		.time = 971211336, /* 10 October 2000, 20:55:36 UTC */
		.request_line = slice_of(request_line),
		.status = 200,
		.body_bytes = 1024,
	};
}

static const char *formatted(const struct http_log_entry *entry)
{
	struct access_line_cache cache = {0};
	size_t length = access_line_combined(&cache, seen, entry);

	assert_in_range(length, 1, ACCESS_LINE_MAX);
	seen[length] = '\0';
	return seen;
}

static void a_line_is_in_the_combined_format(void **state)
{
	struct http_log_entry entry = entry_of("GET /a?b=c HTTP/1.1");

	(void)state;
	entry.referer = slice_of("http://example.org/");
	entry.user_agent = slice_of("curl/7.88.1 (it's me)");
	assert_string_equal(formatted(&entry), "0.0.0.0 - - [10/Oct/2000:20:55:36 +0000] \"GET /a?b=c HTTP/1.1\" 200 "
					       "1024 \"http://example.org/\" \"curl/7.88.1 (it's me)\"\n");
	entry = (struct http_log_entry){.client = entry.client, .status = 400, .body_bytes = UINT64_MAX};
	assert_string_equal(formatted(&entry), "0.0.0.0 - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 "
					       "18446744073709551615 \"-\" \"-\"\n");
}

static void local_time_has_its_offset(void **state)
{
	struct http_log_entry entry = entry_of("GET / HTTP/1.1");

	(void)state;
	setenv("TZ", "EST-05:30", 1);
	tzset();
	assert_non_null(strstr(formatted(&entry), "[11/Oct/2000:02:25:36 +0530]"));
	setenv("TZ", "NST03:30", 1);
	tzset();
	assert_non_null(strstr(formatted(&entry), "[10/Oct/2000:17:25:36 -0330]"));
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
	} turns[] = {{&ipv4, "192.0.2.1 "}, {&ipv6, "2001:db8::1 "}, {&local, "- "},         {&client, "0.0.0.0 "},
		     {&local, "- "},        {&ipv4, "192.0.2.1 "},   {&ipv6, "2001:db8::1 "}};
	struct http_log_entry entry = entry_of("GET / HTTP/1.1");

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr), 1);
	for (size_t i = 0; i < 2 * sizeof(turns) / sizeof(turns[0]); i++) {
		entry.client = turns[i / 2].peer;
		entry.time = (time_t)i;
		access_line_combined(&cache, seen, &entry);
		assert_memory_equal(seen, turns[i / 2].host, strlen(turns[i / 2].host));
		assert_int_equal(strstr(seen, " +0000]")[-1], "0123456789"[i % 10]);
	}
}

static void nothing_from_a_client_can_forge_a_line_or_a_field(void **state)
{
	struct http_log_entry entry = entry_of("GET /\"\\\n\r\t\033 HTTP/1.1");
	char all[256];

	(void)state;
	entry.referer = slice_of("\x7f\x80\xff");
	entry.user_agent = (struct slice){"a\0b", 3};
	assert_non_null(strstr(formatted(&entry), "\"GET /\\x22\\x5c\\x0a\\x0d\\x09\\x1b HTTP/1.1\" 200 1024 "
						  "\"\\x7f\\x80\\xff\" \"a\\x00b\"\n"));
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	entry.request_line = (struct slice){all, sizeof(all)};
	formatted(&entry);
	for (const char *at = seen; *at; at++)
		assert_true((*at >= ' ' && *at <= '~') || (*at == '\n' && at[1] == '\0'));
}

static void what_is_too_long_is_cut_and_marked(void **state)
{
	static char longest[40000];
	static const char octets[] = {'a', '\x01'};
	struct http_log_entry entry = entry_of("");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(longest, octets[i], sizeof(longest));
		entry.request_line = entry.referer = entry.user_agent = (struct slice){longest, sizeof(longest)};
		formatted(&entry); /* within ACCESS_LINE_MAX */
		assert_in_range(strlen(seen), 3000, ACCESS_LINE_MAX);
		assert_non_null(strstr(seen, "...\" 200 1024 \""));
		assert_non_null(strstr(seen, "...\" \""));
		assert_string_equal(seen + strlen(seen) - 5, "...\"\n");
	}
	memset(longest, 'a', sizeof(longest));
	entry.referer = entry.user_agent = (struct slice){NULL, 0};
	entry.request_line.len = 2045; /* the longest that is whole */
	assert_null(strstr(formatted(&entry), "..."));
	entry.request_line.len++;
	assert_non_null(strstr(formatted(&entry), "a...\""));
}

/* --- into the queue --- */

static void lines_lie_in_the_queue_under_their_log_s_number(void **state)
{
	struct http_log_entry entry = entry_of("GET / HTTP/1.1");
	struct log_outlet outlet = {0};
	int memory = line_queue_create();
	struct line_queue reader;
	struct access_log log;
	struct line line;

	(void)state;
	assert_int_equal(line_queue_open(&outlet.queue, memory), 0);
	assert_int_equal(line_queue_open(&reader, memory), 0);
	access_log_init(&log, &outlet, LOG_FORMAT_COMBINED);
	access_log_add(&log, 7, &entry);
	entry.peer = entry.client;
	access_log_init(&log, &outlet, LOG_FORMAT_JSON);
	access_log_add(&log, 8, &entry);
	assert_int_equal(line_queue_peek(&reader, &line), 1);
	assert_int_equal(line.log, 7);
	assert_int_equal(line.kind, LOG_LINE_WHOLE);
	memcpy(seen, line.text, line.size);
	seen[line.size] = '\0';
	assert_string_equal(seen, "0.0.0.0 - - [10/Oct/2000:20:55:36 +0000] \"GET / HTTP/1.1\" 200 "
				  "1024 \"-\" \"-\"\n");
	line_queue_skip(&reader, &line);
	assert_int_equal(line_queue_peek(&reader, &line), 1);
	assert_int_equal(line.log, 8);
	assert_int_equal(line.text[0], '{');
	assert_int_equal(line.text[line.size - 1], '\n');
	line_queue_close(&outlet.queue);
	line_queue_close(&reader);
	close(memory);
}

/* In a child, whose standard descriptors become the pipe. */
static int fill_queue(int memory, int pipe_end)
{
	const struct log_birth birth = {.queue = memory, .pipe = pipe_end};
	struct http_log_entry entry = entry_of("GET / HTTP/1.1");
	struct log_outlet outlet;
	struct access_log log;

	if (log_outlet_open(&outlet, &birth) < 0)
		return 1;
	access_log_init(&log, &outlet, LOG_FORMAT_COMBINED);
	for (int i = 0; i < 2400; i++) /* of 88 octets: 3 times what is worth a call */
		access_log_add(&log, 7, &entry);
	return 0;
}

static void a_system_call_is_made_when_much_has_come_together(void **state)
{
	int memory = line_queue_create(), ends[2], status;
	struct line_queue reader;
	struct line line;
	unsigned count = 0;
	char octets[100];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0)
		_exit(fill_queue(memory, ends[1]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], octets, sizeof(octets)), 3);
	assert_int_equal(line_queue_open(&reader, memory), 0);
	for (; line_queue_peek(&reader, &line) > 0; count++)
		line_queue_skip(&reader, &line);
	assert_int_equal(count, 2400);
	line_queue_close(&reader);
	close(ends[0]);
	close(ends[1]);
	close(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_in_the_combined_format),
		cmocka_unit_test(local_time_has_its_offset),
		cmocka_unit_test(clients_of_all_families_have_a_host),
		cmocka_unit_test(nothing_from_a_client_can_forge_a_line_or_a_field),
		cmocka_unit_test(what_is_too_long_is_cut_and_marked),
		cmocka_unit_test(lines_lie_in_the_queue_under_their_log_s_number),
		cmocka_unit_test(a_system_call_is_made_when_much_has_come_together),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
