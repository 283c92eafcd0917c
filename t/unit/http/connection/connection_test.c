/* SPDX-License-Identifier: MIT
 *
 * Connections that go on: requests in any cut, answers in order, back-pressure. */
#include "talk.h"

#include "http/connection/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int start(void **state)
{
	*state = talk_start(NULL, false);
	return 0;
}

static int stop(void **state)
{
	talk_stop(*state);
	return 0;
}

static void a_request_is_answered_and_the_connection_stays(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		talk_say(talk, 0, GET("/small.txt"));

		struct answer answer = talk_expect(talk, 0, 200);

		assert_true(slice_equal(answer.body, SLICE("0123456789")));
		assert_false(answer.close);
		assert_false(talk->clients[0].ended);
		assert_int_equal(talk_stats(talk).idle, 1);
		assert_int_equal(talk_stats(talk).requests, i + 1);
	}
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 1);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk_stats(talk).idle, 0);
}

static void an_http_1_0_client_is_told_that_its_connection_stays(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, HTTP_TAKE_WAITING);
	talk_say(talk, 0, "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

	struct answer answer = talk_expect(talk, 0, 200);

	assert_true(slice_equal(answer_field(&answer, "Connection"), SLICE("keep-alive")));
	assert_true(slice_equal(answer.body, SLICE("0123456789")));
	assert_false(talk->clients[0].ended);
	talk_say(talk, 0, "GET /small.txt HTTP/1.0\r\n\r\n");
	assert_true(talk_expect(talk, 0, 200).close);
	assert_true(talk->clients[0].ended);
}

static void a_request_that_waits_is_answered_within_take(void **state)
{
	struct talk *talk = *state;
	char text[4096];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[0], GET("/small.txt"), strlen(GET("/small.txt"))), strlen(GET("/small.txt")));
	http_server_take(talk->server, pair[1], HTTP_TAKE_WAITING);
	assert_true(read(pair[0], text, sizeof(text)) > 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 1);
	assert_int_equal(talk_stats(talk).idle, 1);
	close(pair[0]);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[0], "GET / HTTP/1.0\r\n\r\n", 18), 18);
	http_server_take(talk->server, pair[1], HTTP_TAKE_WAITING);
	assert_int_equal(talk->closed, 1); /* without the loop having run */
	assert_true(read(pair[0], text, sizeof(text)) > 0);
	assert_int_equal(read(pair[0], text, sizeof(text)), 0);
	close(pair[0]);
}

static void a_waiting_connection_without_octets_is_kept(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, HTTP_TAKE_WAITING);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
}

static void steady_state_changes_no_registration(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	for (unsigned i = 0; i < 20; i++) {
		talk_say(talk, 0, GET("/kilo.txt"));
		assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 1);
	}
}

static void heads_carry_no_body(void **state)
{
	static const struct {
		const char *request;
		unsigned status;
	} cases[] = {
		{"HEAD /small.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		{"HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		{"HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n", 404},
		{"HEAD /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200},
		{"HEAD /large.bin HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200},
		{"HEAD /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200},
	};
	struct talk *talk = *state;
	struct answer answer;

	talk_connect(talk, 0, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_say(talk, 0, cases[i].request);
		assert_true(talk_answer(talk, 0, true, &answer));
		assert_int_equal(answer.status, cases[i].status);
		assert_true(answer_field(&answer, "Content-Length").len > 0);
		talk_expect_silence(talk, 0);
	}
	assert_true(talk->clients[0].ended);
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "HEAD /small.txt HTTP/1.1\r\nHost: a b\r\n\r\n");
	assert_true(talk_answer(talk, 0, true, &answer));
	assert_int_equal(answer.status, 400);
	talk_expect_silence(talk, 0);
}

static void a_not_modified_carries_no_body(void **state)
{
	struct talk *talk = *state;
	char request[256];

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));

	struct answer answer = talk_expect(talk, 0, 200);
	struct slice etag = answer_field(&answer, "ETag");

	snprintf(request, sizeof(request), "GET /small.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: %.*s\r\n\r\n",
		 (int)etag.len, etag.ptr);
	talk_say(talk, 0, request);
	talk_expect(talk, 0, 304);
	talk_expect_silence(talk, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
}

static bool is_pattern(struct slice body, size_t from)
{
	for (size_t i = 0; i < body.len; i++)
		if (body.ptr[i] != (char)('a' + (from + i) % 26))
			return false;
	return true;
}

static void large_files_come_whole(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		talk_say(talk, 0, GET("/large.bin") GET("/small.txt") GET("/fifty.bin"));

		struct answer answer = talk_expect(talk, 0, 200);

		assert_int_equal(answer.body.len, 3000000);
		assert_true(is_pattern(answer.body, 0));
		assert_true(slice_equal(talk_expect(talk, 0, 200).body, SLICE("0123456789")));
		answer = talk_expect(talk, 0, 200);
		assert_int_equal(answer.body.len, 50000);
		assert_true(is_pattern(answer.body, 0));
	}
	talk_expect_silence(talk, 0);
}

static void parts_of_files_come_whole(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0,
		 "GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-2000999\r\n\r\n"
		 "GET /fifty.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=26-40025\r\n\r\n"
		 "GET /fifty.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=99999-\r\n\r\n");

	struct answer answer = talk_expect(talk, 0, 206);

	assert_int_equal(answer.body.len, 2000000);
	assert_true(is_pattern(answer.body, 1000));
	answer = talk_expect(talk, 0, 206);
	assert_int_equal(answer.body.len, 40000);
	assert_true(is_pattern(answer.body, 26));
	talk_expect(talk, 0, 416);
	talk_expect_silence(talk, 0);
}

/* Requests of every kind; the last one ends the connection. */
static const char conversation[] = GET("/small.txt") "\r\n" GET(
	"/none") "HEAD /kilo.txt HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"
		 "GET /small.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n"
		 "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
		 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
		 "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"
		 "\r\n\r\nGET http://b/fifty.bin?x HTTP/1.1\r\nHost: a\r\n\r\n" GET("/large.bin")
			 GET("/") "GET / HTTP/1.1\r\n: bad\r\n\r\n" GET("/small.txt");

static void drop_lines(struct buffer *buffer, const char *start)
{
	char *at = buffer->data;

	while ((at = memmem(at, (size_t)(buffer->data + buffer->used - at), start, strlen(start)))) {
		size_t size = 2 + strcspn(at + 2, "\r");

		memmove(at, at + size, (size_t)(buffer->data + buffer->used - at) - size);
		buffer->used -= size;
	}
}

/* The conversation in pieces of given sizes (in turn); what came back, without the
 * fields that tell times. */
static struct buffer converse(const size_t *steps, size_t count, unsigned *requests)
{
	struct talk *talk = talk_start(NULL, false);
	size_t size = sizeof(conversation) - 1;
	struct buffer received;

	talk_connect(talk, 0, 0);
	for (size_t at = 0, i = 0; at < size && !talk->clients[0].ended; i++) {
		size_t step = steps[i % count] < size - at ? steps[i % count] : size - at;
		ssize_t sent = send(talk->clients[0].fd, conversation + at, step, MSG_NOSIGNAL);

		if (sent < 0)
			break;
		talk_run(talk, true);
		at += (size_t)sent;
	}
	assert_true(talk->clients[0].ended || talk->clients[0].reset);
	received = talk->clients[0].received;
	talk->clients[0].received = (struct buffer){0};
	*requests = (unsigned)talk_stats(talk).requests;
	talk_stop(talk);
	drop_lines(&received, "\r\nDate: ");
	drop_lines(&received, "\r\nLast-Modified: ");
	drop_lines(&received, "\r\nETag: ");
	return received;
}

static void any_cut_gives_the_same_answers(void **state)
{
	static const size_t whole[] = {SIZE_MAX};
	unsigned expected, requests;
	struct buffer first = converse(whole, 1, &expected);

	(void)state;
	assert_int_equal(expected, 11);
	srand(1);
	for (unsigned round = 0; round < 24; round++) {
		size_t steps[64];
		struct buffer other;

		for (size_t i = 0; i < 64; i++)
			steps[i] = round < 4 ? round + 1 : (size_t)(1 + rand() % (8 << round % 6));
		other = converse(steps, 64, &requests);
		assert_int_equal(requests, expected);
		assert_int_equal(other.used, first.used);
		assert_memory_equal(other.data, first.data, first.used);
		buffer_free(&other);
	}
	buffer_free(&first);
}

static void a_thousand_pipelined_requests_are_answered_in_order(void **state)
{
	struct talk *talk = *state;
	struct buffer requests = {0};

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(buffer_printf(&requests, "GET /%s HTTP/1.1\r\nHost: a\r\nRange: bytes=%u-%u\r\n\r\n",
					       i % 3 ? "small.txt" : "none", i % 10, i % 10),
				 0);
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, requests.data, requests.used);
	talk_run(talk, true);
	for (unsigned i = 0; i < 1000; i++) {
		struct answer answer = talk_expect(talk, 0, i % 3 ? 206 : 404);

		if (i % 3)
			assert_int_equal(answer.body.ptr[0], (int)('0' + i % 10));
	}
	assert_int_equal(talk_stats(talk).requests, 1000);
	talk_expect_silence(talk, 0);
	buffer_free(&requests);
}

static void one_that_sends_much_leaves_others_their_turn(void **state)
{
	struct talk *talk = *state;
	struct buffer requests = {0};
	struct answer answer;

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(buffer_append(&requests, GET("/small.txt"), strlen(GET("/small.txt"))), 0);
	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, 0);
	talk_send(talk, 0, requests.data, requests.used);
	talk_send(talk, 1, GET("/kilo.txt"), strlen(GET("/kilo.txt")));
	event_base_loop(talk->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	/* Not all in one turn, and the other one within the same. */
	assert_int_equal(talk_stats(talk).requests, 64 + 1);
	event_base_loop(talk->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(talk_stats(talk).requests, 128 + 1);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).requests, 1001);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(talk_answer(talk, 0, false, &answer));
	talk_expect(talk, 1, 200);
	buffer_free(&requests);
}

static void who_does_not_read_is_not_read_from(void **state)
{
	struct talk *talk = *state;
	size_t sent = 0;
	ssize_t size;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	for (unsigned quiet = 0; quiet < 3; quiet++) {
		while ((size = send(talk->clients[0].fd, GET("/kilo.txt"), strlen(GET("/kilo.txt")), MSG_NOSIGNAL)) >
		       0) {
			sent += (size_t)size;
			quiet = 0;
			assert_true(sent < 10 << 20);
		}
		talk_run(talk, false);
	}
	/* It has stopped reading, and so it has stopped answering. */
	assert_true(talk_stats(talk).requests < 500);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).requests, sent / strlen(GET("/kilo.txt")));
}

static void small_send_buffers_lose_nothing(void **state)
{
	static const char requests[] = GET("/fifty.bin") GET("/none") GET("/large.bin")
		GET("/small.txt") "HEAD /large.bin HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
				  "GET /fifty.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\n\r\n"
				  "GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=-100000\r\n\r\n"
				  "GET /kilo.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct talk *talk = *state;
	struct answer answer;

	talk->sockets_send_size = 1;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, requests);
	assert_true(is_pattern(talk_expect(talk, 0, 200).body, 0));
	talk_expect(talk, 0, 404);
	answer = talk_expect(talk, 0, 200);
	assert_int_equal(answer.body.len, 3000000);
	assert_true(is_pattern(answer.body, 0));
	assert_true(slice_equal(talk_expect(talk, 0, 200).body, SLICE("0123456789")));
	assert_true(talk_answer(talk, 0, true, &answer));
	assert_int_equal(answer.status, 200);
	answer = talk_expect(talk, 0, 206);
	assert_int_equal(answer.body.len, 49999);
	assert_true(is_pattern(answer.body, 1));
	answer = talk_expect(talk, 0, 206);
	assert_int_equal(answer.body.len, 100000);
	assert_true(is_pattern(answer.body, 2900000));
	assert_true(talk_expect(talk, 0, 200).close);
	assert_true(talk->clients[0].ended);
	assert_int_equal(talk->closed, 1);
}

static void a_long_head_in_single_octets_is_read_in_linear_time(void **state)
{
	struct talk *talk = *state;
	static const char line[] = "GET /small.txt HTTP/1.1\r\nHost: a\r\nX: ";
	size_t size = 32768;
	char *head = malloc(size);

	assert_non_null(head);
	memset(head, 'x', size);
	memcpy(head, line, sizeof(line) - 1);
	memcpy(head + size - 4, "\r\n\r\n", 4);
	talk_connect(talk, 0, 0);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(send(talk->clients[0].fd, head + i, 1, MSG_NOSIGNAL), 1);
		event_base_loop(talk->base, EVLOOP_NONBLOCK);
	}
	talk_run(talk, true);
	talk_expect(talk, 0, 200);
	free(head);
}

static void a_half_head_is_held_in_little_memory_and_given_back(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /small.txt HT");
	assert_int_equal(talk_stats(talk).idle, 0);
	assert_int_equal(talk_stats(talk).connections, 1);
	talk_say(talk, 0, "TP/1.1\r\nHost: a\r\n\r\nGET /ki");
	talk_expect(talk, 0, 200);
	assert_int_equal(talk_stats(talk).idle, 0);
	talk_say(talk, 0, "lo.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	talk_expect(talk, 0, 200);
	assert_int_equal(talk_stats(talk).idle, 1);
}

static void stray_empty_lines_leave_a_connection_idle(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt") "\r\n");
	talk_expect(talk, 0, 200);
	assert_int_equal(talk_stats(talk).idle, 1);
	talk_say(talk, 0, "\r\n");
	talk_say(talk, 0, "\r\n");
	assert_int_equal(talk_stats(talk).idle, 1);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_say(talk, 0, "\r\n\r\n");
	talk_say(talk, 0, "\r\n\r\n");
	talk_say(talk, 0, "\r\n");
	talk_expect(talk, 0, 400);
}

static void probes_are_not_counted(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, HTTP_TAKE_PROBE);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk_stats(talk).idle, 0);
	assert_int_equal(talk_stats(talk).requests, 0);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 0);
}

static void a_file_cut_short_ends_the_connection(void **state)
{
	struct talk *talk = *state;
	char path[128];

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	snprintf(path, sizeof(path), "%s/large.bin", talk->root);
	assert_int_equal(truncate(path, 100000), 0);
	talk_run(talk, true);
	assert_true(talk->clients[0].ended || talk->clients[0].reset);
	assert_true(talk->clients[0].received.used < 110000);
	assert_int_equal(talk->closed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_and_the_connection_stays),
		TEST(an_http_1_0_client_is_told_that_its_connection_stays),
		TEST(a_request_that_waits_is_answered_within_take),
		TEST(a_waiting_connection_without_octets_is_kept),
		TEST(steady_state_changes_no_registration),
		TEST(heads_carry_no_body),
		TEST(a_not_modified_carries_no_body),
		TEST(large_files_come_whole),
		TEST(parts_of_files_come_whole),
		cmocka_unit_test(any_cut_gives_the_same_answers),
		TEST(a_thousand_pipelined_requests_are_answered_in_order),
		TEST(one_that_sends_much_leaves_others_their_turn),
		TEST(who_does_not_read_is_not_read_from),
		TEST(small_send_buffers_lose_nothing),
		TEST(a_long_head_in_single_octets_is_read_in_linear_time),
		TEST(a_half_head_is_held_in_little_memory_and_given_back),
		TEST(stray_empty_lines_leave_a_connection_idle),
		TEST(probes_are_not_counted),
		TEST(a_file_cut_short_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
