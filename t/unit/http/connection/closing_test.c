/* SPDX-License-Identifier: MIT
 *
 * How connections end: errors, bodies, limits, half-closed and reset clients, draining and
 * stopping, and the deadlines. A Unix socket that is closed with octets unread resets its peer as
 * TCP does. */
#include "talk.h"

#include "http/connection/connection.h"
#include "http/connection/closing.h"
#include "http/connection/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path)    "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

static int start(void **state)
{
	static const struct http_options options = {
		.head_timeout_ms = 1000,
		.body_timeout_ms = 3000,
		.write_timeout_ms = 4000,
		.keepalive_timeout_ms = 5000,
		.discard_max = 100000,
	};

	*state = talk_start(&options, false);
	return 0;
}

static int stop(void **state)
{
	talk_stop(*state);
	return 0;
}

static void pass_time(struct talk *talk, unsigned ms)
{
	talk_now_ms += ms;
	http_server_tick(talk->server);
	talk_run(talk, true);
}

/* The answer said close and our side is shut, while the server still reads what we send. */
static void expect_lingering(struct talk *talk, unsigned number, unsigned status)
{
	unsigned closed = talk->closed;

	assert_true(talk_expect(talk, number, status).close);
	talk_expect_silence(talk, number);
	assert_true(talk->clients[number].ended);
	assert_false(talk->clients[number].reset);
	assert_int_equal(talk->closed, closed);
	talk_say(talk, number, "more of it");
	assert_int_equal(talk->closed, closed);
	assert_false(talk->clients[number].reset);
}

static void a_client_that_asks_for_it_gets_a_plain_close(void **state)
{
	static const char *const requests[] = {
		"GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /small.txt HTTP/1.0\r\n\r\n",
		"GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: x, close\t\r\n\r\n",
	};
	struct talk *talk = *state;

	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		talk_connect(talk, 0, 0);
		talk_say(talk, 0, requests[i]);
		assert_true(talk_expect(talk, 0, 200).close);
		assert_true(talk->clients[0].ended);
		assert_int_equal(talk->closed, i + 1);
	}
}

static void unread_octets_are_no_reason_for_a_reset(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0,
		 "GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/never") GET("/answered"));
	expect_lingering(talk, 0, 200);
	assert_int_equal(talk_stats(talk).requests, 1);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 1);
}

static void errors_are_said_and_end_the_connection_in_stages(void **state)
{
	static const struct {
		const char *octets;
		unsigned status;
	} cases[] = {
		{"\x16\x03\x01", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\nHost: a\n\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n folded: y\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
		{POST("Content-Length: 1\r\nContent-Length: 2\r\n") "xy", 400},
	};
	struct talk *talk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_connect(talk, 0, 0);
		talk_say(talk, 0, cases[i].octets);
		expect_lingering(talk, 0, cases[i].status);
		talk_hang_up(talk, 0);
		talk_run(talk, true);
	}
	assert_int_equal(talk->closed, sizeof(cases) / sizeof(cases[0]));
}

static void limits_are_said(void **state)
{
	struct talk *talk = *state;
	static char head[40000];
	size_t size;

	memset(head, 'x', sizeof(head));
	memcpy(head, "GET /", 5);
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, head, 9000);
	talk_run(talk, true);
	expect_lingering(talk, 0, 414);

	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, head, sizeof(head));
	talk_run(talk, true);
	expect_lingering(talk, 0, 431);

	size = (size_t)sprintf(head, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (unsigned i = 0; i < 100; i++)
		size += (size_t)sprintf(head + size, "X-%u: y\r\n", i);
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, head, size);
	talk_run(talk, true);
	expect_lingering(talk, 0, 431);
}

static void an_answer_owed_goes_out_before_the_error_behind_it(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt") GET("/large.bin") "bad\r\n\r\n" GET("/never"));
	assert_false(talk_expect(talk, 0, 200).close);
	assert_int_equal(talk_expect(talk, 0, 200).body.len, 3000000);
	expect_lingering(talk, 0, 400);
	assert_int_equal(talk_stats(talk).requests, 3);
}

static void requests_with_a_body_are_answered_at_once_and_last(void **state)
{
	static const struct {
		const char *octets;
		unsigned status;
	} cases[] = {
		{POST("Content-Length: 5\r\n"), 405},
		{POST("Content-Length: 5\r\n") "12345", 405},
		{POST("Content-Length: 5\r\n") "12345" GET("/never"), 405},
		{POST("Transfer-Encoding: chunked\r\n"), 405},
		{POST("Transfer-Encoding: chunked\r\n") "5\r\n12345\r\n0\r\n\r\n" GET("/never"), 405},
		{POST("Content-Length: 5\r\nExpect: 100-continue\r\n"), 405},
		{POST("Content-Length: 18446744073709551615\r\n"), 405},
		{"GET /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200},
		{"GET /small.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		 "Content-Length: 3\r\n\r\n",
		 200},
		{"BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 501},
		{"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01", 405},
	};
	struct talk *talk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_connect(talk, 0, 0);
		talk_say(talk, 0, cases[i].octets);
		expect_lingering(talk, 0, cases[i].status);
	}
}

static void requests_without_a_body_stay_whatever_they_expect(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0,
		 POST("Content-Length: 0\r\n")
			 POST("") "GET /small.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" POST(
				 "Content-Length: 000\r\nExpect: 100-continue\r\n") GET("/small.txt"));
	assert_false(talk_expect(talk, 0, 405).close);
	assert_false(talk_expect(talk, 0, 405).close);
	assert_false(talk_expect(talk, 0, 200).close);
	assert_false(talk_expect(talk, 0, 405).close);
	assert_false(talk_expect(talk, 0, 200).close);
	assert_false(talk->clients[0].ended);
}

static void only_so_much_is_discarded(void **state)
{
	struct talk *talk = *state;
	static char body[65536];

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, POST("Content-Length: 1000000\r\n"));
	talk_expect(talk, 0, 405);
	talk_send(talk, 0, body, sizeof(body));
	talk_run(talk, true);
	assert_int_equal(talk->closed, 0);
	talk_send(talk, 0, body, sizeof(body));
	talk_run(talk, true);
	assert_int_equal(talk->closed, 1);
}

static void half_closed_clients_get_what_is_complete(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/small.txt") GET("/large.bin") "GET /half",
		  strlen(GET("/small.txt") GET("/large.bin") "GET /half"));
	assert_int_equal(shutdown(talk->clients[0].fd, SHUT_WR), 0);
	talk_run(talk, true);
	assert_true(slice_equal(talk_expect(talk, 0, 200).body, SLICE("0123456789")));
	assert_int_equal(talk_expect(talk, 0, 200).body.len, 3000000);
	talk_expect_silence(talk, 0);
	assert_true(talk->clients[0].ended);
	assert_int_equal(talk->closed, 1);
	assert_int_equal(talk_stats(talk).requests, 2);
}

static void clients_that_vanish_cost_nothing(void **state)
{
	static const char *const said[] = {
		"",
		"G",
		GET("/small.txt"),
		GET("/large.bin"),
		GET("/large.bin") GET("/small.txt"),
		POST("Content-Length: 5\r\n"),
		"bad\r\n",
		GET("/small.txt") "GET",
	};
	struct talk *talk = *state;

	for (unsigned round = 0; round < 200; round++) {
		const char *text = said[round % (sizeof(said) / sizeof(said[0]))];

		talk->sockets_send_size = round % 2 ? 4096 : 0;
		talk_connect(talk, 0, round % 3 ? HTTP_TAKE_WAITING : 0);
		talk_send(talk, 0, text, strlen(text));
		if (round % 5)
			talk_run(talk, false);
		talk_hang_up(talk, 0);
		talk_run(talk, false);
	}
	assert_int_equal(talk->closed, 200);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk_stats(talk).idle, 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
}

static void draining_announces_the_end_and_keeps_the_idle(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, 0);
	talk_connect(talk, 2, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_say(talk, 2, "GET /small.txt HT");
	http_server_announce_stop(talk->server);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).connections, 3);
	/* What has been read is all answered, and the last answer says it. */
	talk_say(talk, 0, GET("/small.txt") GET("/none"));
	assert_false(talk_expect(talk, 0, 200).close);
	expect_lingering(talk, 0, 404);
	talk_say(talk, 1, GET("/small.txt") "GET /small");
	assert_false(talk_expect(talk, 1, 200).close);
	talk_say(talk, 1, ".txt HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_lingering(talk, 1, 200);
	talk_say(talk, 2, "TP/1.1\r\nHost: a\r\n\r\n");
	expect_lingering(talk, 2, 200);
	talk_connect(talk, 3, HTTP_TAKE_WAITING);
	talk_say(talk, 3, GET("/small.txt"));
	expect_lingering(talk, 3, 200);
	for (unsigned i = 0; i < 4; i++)
		talk_hang_up(talk, i);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 4);
}

static void one_answer_is_all_when_descriptors_are_scarce(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, HTTP_TAKE_CLOSE);
	talk_say(talk, 0, GET("/small.txt") GET("/small.txt"));
	expect_lingering(talk, 0, 200);
	assert_int_equal(talk_stats(talk).requests, 1);
}

static void stopping_closes_the_idle_and_finishes_the_rest(void **state)
{
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	for (unsigned i = 0; i < 6; i++)
		talk_connect(talk, i, 0);
	talk_say(talk, 1, GET("/small.txt"));
	talk_expect(talk, 1, 200);
	talk_say(talk, 2, "GET /small.txt HT");
	talk_send(talk, 3, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	/* Sent already, not seen by the server yet. */
	talk_send(talk, 4, GET("/small.txt"), strlen(GET("/small.txt")));
	http_server_stop(talk->server);
	talk_run(talk, true);
	expect_lingering(talk, 4, 200);
	/* On its way when the stop came. */
	assert_false(talk->clients[5].ended);
	talk_say(talk, 5, GET("/small.txt"));
	expect_lingering(talk, 5, 200);
	assert_false(talk->clients[0].ended);
	talk_pass_stop(talk);
	talk_run(talk, true);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(talk->clients[i].ended);
		talk_expect_silence(talk, i);
		talk_say(talk, i, GET("/small.txt")); /* crosses the end */
		assert_false(talk->clients[i].reset);
	}
	assert_int_equal(talk->closed, 0);
	pass_time(talk, CLOSING_CROSSING_MIN_MS + DEADLINE_STEP_MS);
	assert_int_equal(talk->closed, 2);
	talk_say(talk, 2, "TP/1.1\r\nHost: a\r\n\r\n");
	expect_lingering(talk, 2, 200);
	/* Its head was out before anybody knew. */
	assert_int_equal(talk_expect(talk, 3, 200).body.len, 3000000);
	assert_true(talk->clients[3].ended);
}

static void aborting_closes_all(void **state)
{
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	for (unsigned i = 0; i < 4; i++)
		talk_connect(talk, i, 0);
	talk_say(talk, 1, "GET /small.txt HT");
	talk_send(talk, 2, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	talk_say(talk, 3, "bad\r\n");
	http_server_abort(talk->server);
	assert_int_equal(talk->closed, 4);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
}

/* Its time is over: it ends without a word, in stages, since a request may cross that, and is not reset then. */
static void expect_end_of_idle(struct talk *talk)
{
	assert_true(talk->clients[0].ended);
	talk_expect_silence(talk, 0);
	talk_say(talk, 0, GET("/small.txt"));
	assert_false(talk->clients[0].reset);
	talk_expect_silence(talk, 0);
	assert_int_equal(talk->closed, 0);
	pass_time(talk, CONNECTION_LINGER_MS + DEADLINE_STEP_MS);
	assert_int_equal(talk->closed, 1);
	assert_false(talk->clients[0].reset);
}

static void a_client_that_closes_ends_an_idle_connection_that_is_told_its_end(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	pass_time(talk, 5100);
	assert_true(talk->clients[0].ended);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 1);
}

static void a_silent_connection_is_closed_silently(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	pass_time(talk, 900);
	assert_int_equal(talk->closed, 0);
	pass_time(talk, 200);
	expect_end_of_idle(talk);
}

static void an_empty_line_does_not_prolong_silence(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	pass_time(talk, 900);
	talk_say(talk, 0, "\r\n");
	pass_time(talk, 200);
	expect_end_of_idle(talk);
}

static void an_idle_connection_is_closed_silently(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, 200);
		pass_time(talk, 4900);
		assert_int_equal(talk->closed, 0);
	}
	pass_time(talk, 200);
	expect_end_of_idle(talk);
}

static void a_request_in_the_last_moment_is_answered(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_send(talk, 0, GET("/kilo.txt"), strlen(GET("/kilo.txt")));
	pass_time(talk, 6000);
	assert_int_equal(talk_expect(talk, 0, 200).body.len, 1024);
	assert_int_equal(talk->closed, 0);
}

static void a_head_has_a_total_time(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	pass_time(talk, 3000);
	for (unsigned i = 0; i < 9; i++) {
		talk_say(talk, 0, "G");
		pass_time(talk, 100);
		talk_expect_silence(talk, 0);
	}
	talk_say(talk, 0, "G");
	pass_time(talk, 200);
	expect_lingering(talk, 0, 408);
}

static void the_time_of_a_head_begins_with_it(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		/* Each head begins behind the one before, in the same octets. */
		talk_say(talk, 0, i ? "mall.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /s" : "GET /s");
		if (i)
			talk_expect(talk, 0, 200);
		pass_time(talk, 800);
		talk_expect_silence(talk, 0);
	}
	pass_time(talk, 300);
	expect_lingering(talk, 0, 408);
}

static void who_reads_nothing_is_cut_off(void **state)
{
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	talk_now_ms += 3900;
	http_server_tick(talk->server);
	talk_run(talk, false);
	assert_int_equal(talk->closed, 0);
	talk_now_ms += 200;
	http_server_tick(talk->server);
	assert_int_equal(talk->closed, 1);
}

static void who_reads_slowly_is_not(void **state)
{
	struct talk *talk = *state;
	char some[4096];

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	for (unsigned i = 0; i < 10; i++) {
		talk_now_ms += 3500;
		http_server_tick(talk->server);
		while (recv(talk->clients[0].fd, some, sizeof(some), 0) > 0)
			continue;
		talk_run(talk, false);
		assert_int_equal(talk->closed, 0);
	}
}

static void lingering_ends(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "bad\r\n");
	expect_lingering(talk, 0, 400);
	pass_time(talk, 1900);
	assert_int_equal(talk->closed, 0);
	pass_time(talk, 200);
	assert_int_equal(talk->closed, 1);

	/* Octets that go on coming do not prolong it... */
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "bad\r\n");
	expect_lingering(talk, 0, 400);
	pass_time(talk, 1900);
	talk_say(talk, 0, "x");
	assert_int_equal(talk->closed, 1);
	pass_time(talk, 200);
	assert_int_equal(talk->closed, 2);

	/* ... but those of a body do, up to its own time. */
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, POST("Content-Length: 1000\r\n"));
	expect_lingering(talk, 0, 405);
	pass_time(talk, 1500);
	talk_say(talk, 0, "x");
	pass_time(talk, 1400);
	talk_say(talk, 0, "x");
	assert_int_equal(talk->closed, 2);
	pass_time(talk, 200);
	assert_int_equal(talk->closed, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_that_asks_for_it_gets_a_plain_close),
		TEST(unread_octets_are_no_reason_for_a_reset),
		TEST(errors_are_said_and_end_the_connection_in_stages),
		TEST(limits_are_said),
		TEST(an_answer_owed_goes_out_before_the_error_behind_it),
		TEST(requests_with_a_body_are_answered_at_once_and_last),
		TEST(requests_without_a_body_stay_whatever_they_expect),
		TEST(only_so_much_is_discarded),
		TEST(half_closed_clients_get_what_is_complete),
		TEST(clients_that_vanish_cost_nothing),
		TEST(draining_announces_the_end_and_keeps_the_idle),
		TEST(one_answer_is_all_when_descriptors_are_scarce),
		TEST(stopping_closes_the_idle_and_finishes_the_rest),
		TEST(aborting_closes_all),
		TEST(a_silent_connection_is_closed_silently),
		TEST(an_empty_line_does_not_prolong_silence),
		TEST(an_idle_connection_is_closed_silently),
		TEST(a_client_that_closes_ends_an_idle_connection_that_is_told_its_end),
		TEST(a_request_in_the_last_moment_is_answered),
		TEST(a_head_has_a_total_time),
		TEST(the_time_of_a_head_begins_with_it),
		TEST(who_reads_nothing_is_cut_off),
		TEST(who_reads_slowly_is_not),
		TEST(lingering_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
