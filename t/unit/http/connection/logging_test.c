/* SPDX-License-Identifier: MIT
 *
 * What the access log is told. */
#include "talk.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int start(void **state)
{
	*state = talk_start(NULL, true);
	return 0;
}

static int stop(void **state)
{
	talk_stop(*state);
	return 0;
}

static void each_answer_is_told_once_with_its_request(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0,
		 "GET /small.txt?q HTTP/1.1\r\nHost: site:1\r\nReferer: from\r\n"
		 "User-Agent: agent\r\n\r\n"
		 "HEAD /kilo.txt HTTP/1.1\r\nHost: a\r\n\r\n" GET("/none") "bad\r\n\r\n");
	assert_int_equal(talk->logged, 4);
	assert_int_equal(talk->log[0].status, 200);
	assert_int_equal(talk->log[0].body_bytes, 10);
	assert_int_equal(talk->log[0].family, AF_UNIX);
	assert_string_equal(talk->log[0].line, "GET /small.txt?q HTTP/1.1");
	assert_string_equal(talk->log[0].host, "site:1");
	assert_string_equal(talk->log[0].referer, "from");
	assert_string_equal(talk->log[0].user_agent, "agent");
	assert_int_equal(talk->log[1].status, 200);
	assert_int_equal(talk->log[1].body_bytes, 0);
	assert_string_equal(talk->log[1].referer, "");
	assert_int_equal(talk->log[2].status, 404);
	assert_true(talk->log[2].body_bytes > 0);
	assert_int_equal(talk->log[3].status, 400);
	assert_string_equal(talk->log[3].line, "");
}

static void a_refused_request_is_told_with_the_reason(void **state)
{
	static const struct {
		const char *octets;
		unsigned status;
		const char *reason;
	} rows[] = {
		{GET("/small.txt"), 200, NULL},
		{GET("/none"), 404, NULL},
		{GET("/%zz"), 400, "the path cannot be decoded"},
		{"GET / HTTP/1.1\r\n\r\n", 400, "no Host"},
		{"GET / HTTP/1.1\n", 400, "CR or LF that is not part of CR LF"},
		{"GET / HTTP/2.0\r\n", 505, "the version is not HTTP/1.x"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "a field line is not NAME: VALUE"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400, "a line begins with white space"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400, "Content-Length is not a number"},
		{GET("https://a/"), 421, "an https target without TLS"},
	};
	struct talk *talk = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		talk_connect(talk, 0, 0);
		talk_say(talk, 0, rows[i].octets);
		talk_hang_up(talk, 0);
		assert_int_equal(talk->logged, i + 1);
		assert_int_equal(talk->log[i].status, rows[i].status);
		if (rows[i].reason)
			assert_string_equal(talk->log[i].reason, rows[i].reason);
		else
			assert_null(talk->log[i].reason);
	}
}

static void what_does_not_go_out_at_once_is_told_when_it_is_out(void **state)
{
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin") GET("/small.txt") GET("/none"),
		  strlen(GET("/large.bin") GET("/small.txt") GET("/none")));
	talk_run(talk, false);
	assert_int_equal(talk->logged, 0);
	/* Another one uses the memory that the requests lay in. */
	talk_connect(talk, 1, 0);
	for (unsigned i = 0; i < 5; i++)
		talk_send(talk, 1, GET("/elsewhere"), strlen(GET("/elsewhere")));
	talk_run(talk, false);
	assert_int_equal(talk->logged, 5);
	talk_run(talk, true);
	assert_int_equal(talk->logged, 8);
	assert_string_equal(talk->log[5].line, "GET /large.bin HTTP/1.1");
	assert_int_equal(talk->log[5].body_bytes, 3000000);
	assert_string_equal(talk->log[5].host, "a");
	assert_string_equal(talk->log[6].line, "GET /small.txt HTTP/1.1");
	assert_int_equal(talk->log[6].body_bytes, 10);
	assert_string_equal(talk->log[7].line, "GET /none HTTP/1.1");
	assert_int_equal(talk->log[7].status, 404);
}

static void an_answer_cut_off_is_told_with_what_was_sent(void **state)
{
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin"), strlen(GET("/large.bin")));
	talk_run(talk, false);
	talk_hang_up(talk, 0);
	talk_run(talk, false);
	assert_int_equal(talk->logged, 1);
	assert_int_equal(talk->log[0].status, 200);
	assert_true(talk->log[0].body_bytes < 3000000);
}

static void probes_are_not_told(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, HTTP_TAKE_PROBE);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	assert_int_equal(talk->logged, 0);
}

static void all_of_many_are_told(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 1000; i++) {
		char request[128];
		int size = snprintf(request, sizeof(request), "GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", i);

		talk_send(talk, 0, request, (size_t)size);
	}
	talk_run(talk, true);
	assert_int_equal(talk->logged, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(atoi(talk->log[i].line + 5), i);
}

/* A connection by TCP to a server's end, both on the loopback interface. */
static void the_address_of_the_peer_is_told(void **state)
{
	struct talk *talk = *state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int ear = socket(AF_INET, SOCK_STREAM, 0), fd;

	assert_true(ear >= 0);
	assert_int_equal(bind(ear, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(ear, 1), 0);
	assert_int_equal(getsockname(ear, (struct sockaddr *)&address, &size), 0);
	talk->clients[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(talk->clients[0].fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(fcntl(talk->clients[0].fd, F_SETFL, O_NONBLOCK), 0);
	fd = accept4(ear, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	http_server_take(talk->server, fd, 0);
	talk_say(talk, 0, GET("/small.txt"));
	assert_int_equal(talk->logged, 1);
	assert_int_equal(talk->log[0].family, AF_INET);
	close(ear);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* The first octet of an answer and its last are told apart when the client lets it wait. */
static void the_time_to_the_first_octet_is_told(void **state)
{
	static const char requests[] = GET("/small.txt")
		GET("/large.bin") "GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,9-99999\r\n\r\n";
	struct talk *talk = *state;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, requests, sizeof(requests) - 1);
	talk_run(talk, false);
	assert_int_equal(talk->logged, 1); /* the others wait behind the second */
	talk_run(talk, true);
	assert_int_equal(talk->logged, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(talk->log[i].first_us <= talk->log[i].duration_us);
	for (unsigned i = 1; i < 3; i++)
		assert_true(talk->log[i].first_us < talk->log[i].duration_us);
	assert_true(talk->log[1].first_us <= talk->log[2].first_us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_answer_is_told_once_with_its_request),
		TEST(a_refused_request_is_told_with_the_reason),
		TEST(what_does_not_go_out_at_once_is_told_when_it_is_out),
		TEST(an_answer_cut_off_is_told_with_what_was_sent),
		TEST(probes_are_not_told),
		TEST(all_of_many_are_told),
		TEST(the_address_of_the_peer_is_told),
		TEST(the_time_to_the_first_octet_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
