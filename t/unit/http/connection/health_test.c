/* SPDX-License-Identifier: MIT
 *
 * /-/health and /-/ready: who is answered, what, and when it changes. */
#include "talk.h"

#include "http/connection/closing.h"
#include "http/connection/server.h"

#include "base/network.h"
#include "http/connection/server.h"

#include <stdio.h>
#include <string.h>

static struct network unix_peers = {.kind = NETWORK_UNIX}, others = {.kind = NETWORK_IPV4};
static const struct networks here = {&unix_peers, 1}, elsewhere = {&others, 1};

/* The answer to METHOD TARGET on a connection of its own. */
static struct answer ask(struct talk *talk, const char *method, const char *target)
{
	struct answer answer = {0};
	char text[256];

	talk_connect(talk, 0, 0);
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, target);
	talk_say(talk, 0, text);
	talk_run(talk, true);
	assert_true(talk_answer(talk, 0, strcmp(method, "HEAD") == 0, &answer));
	return answer;
}

static void assert_answer(struct talk *talk, const char *method, const char *target, unsigned status, const char *body)
{
	struct answer answer = ask(talk, method, target);

	assert_int_equal(answer.status, status);
	assert_true(slice_equal(answer.body, slice_of(body)));
	assert_true(slice_equal(answer_field(&answer, "Cache-Control"), SLICE("no-store")));
	assert_false(answer.close);
}

static void both_are_answered_and_not_logged(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);
	struct answer answer;

	(void)state;
	assert_answer(talk, "GET", "/-/health", 200, "ok\n");
	assert_answer(talk, "GET", "/-/ready", 200, "ready\n");
	assert_answer(talk, "HEAD", "/-/health", 200, "");
	assert_answer(talk, "HEAD", "/-/ready", 200, "");
	assert_answer(talk, "GET", "/-/ready?from=here", 200, "ready\n");
	assert_answer(talk, "OPTIONS", "/-/ready", 200, "");
	assert_answer(talk, "POST", "/-/ready", 405, "");
	answer = ask(talk, "POST", "/-/health");
	assert_true(slice_equal(answer_field(&answer, "Allow"), SLICE("GET, HEAD, OPTIONS")));
	answer = ask(talk, "HEAD", "/-/ready");
	assert_true(slice_equal(answer_field(&answer, "Content-Length"), SLICE("6")));
	assert_int_equal(talk->logged, 0);
	assert_int_equal(talk_stats(talk).requests, 9);
	talk_stop(talk);
}

static void they_are_logged_if_wanted(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here, .health_logged = true}, true);

	(void)state;
	assert_answer(talk, "GET", "/-/health", 200, "ok\n");
	assert_int_equal(talk->logged, 1);
	talk_stop(talk);
}

static void for_others_they_are_paths_as_any_other(void **state)
{
	const struct networks nobody = {NULL, 0};
	const struct networks *const sets[] = {&elsewhere, &nobody, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct talk *talk = talk_start(&(struct http_options){.health_allow = sets[i]}, true);

		assert_int_equal(ask(talk, "GET", "/-/health").status, 404);
		assert_int_equal(ask(talk, "GET", "/-/ready").status, 404);
		assert_int_equal(talk->logged, 2);
		talk_stop(talk);
	}
}

static void other_paths_are_the_sites(void **state)
{
	static const char *const targets[] = {"/-/healthy", "/-/",         "/-/ready/", "/-",
					      "/-/READY",   "/-/%68ealth", "//-/health"};
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_int_equal(ask(talk, "GET", targets[i]).status, 404);
	assert_int_equal(talk->logged, sizeof(targets) / sizeof(targets[0]));
	assert_int_equal(ask(talk, "GET", "/small.txt").status, 200);
	talk_stop(talk);
}

/* The client that a trusted proxy tells of is who asks. */
static void who_asks_is_the_true_client(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here, .trusted = &here}, true);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /-/health HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
	talk_run(talk, true);
	talk_expect(talk, 0, 404);
	talk_stop(talk);
}

static void no_move(void *context, int fd, const void *state, size_t size)
{
	(void)context, (void)fd, (void)state, (void)size;
	fail();
}

static void a_stop_that_is_announced_is_told_by_each_answer(void **state)
{
	static const struct {
		const char *method, *target;
		unsigned status;
		const char *body;
	} answers[] = {
		{"GET", "/-/ready", 503, "stopping\n"},
		{"HEAD", "/-/ready", 503, ""},
		{"GET", "/-/health", 200, "ok\n"},
		{"GET", "/small.txt", 200, "0123456789"},
	};
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	http_server_announce_stop(talk->server);
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct answer answer = ask(talk, answers[i].method, answers[i].target);

		assert_int_equal(answer.status, answers[i].status);
		assert_true(slice_equal(answer.body, slice_of(answers[i].body)));
		assert_true(answer.close);
	}
	talk_stop(talk);
}

static void one_that_is_announced_lets_idle_connections_be_until_it_comes(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(talk_expect(talk, 0, 200).close);
	http_server_announce_stop(talk->server);
	talk_pass_stop(talk);
	talk_run(talk, true);
	assert_false(talk->clients[0].ended);
	http_server_stop(talk->server); /* it has been told for a while: a round trip is all that is waited for */
	talk_now_ms += CLOSING_ROUND_TRIP_MIN_MS + DEADLINE_STEP_MS;
	http_server_tick(talk->server);
	talk_run(talk, true);
	assert_true(talk->clients[0].ended);
	talk_stop(talk);
}

static void one_that_is_announced_holds_while_connections_move(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	talk->server->events.moved = no_move;
	http_server_announce_stop(talk->server);
	http_server_move_away(talk->server);
	assert_true(talk->server->draining);
	talk_stop(talk);
}

static void a_process_that_drains_is_ready(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /-/ready HTTP/1.1\r\n");
	http_server_drain(talk->server);
	talk_say(talk, 0, "Host: a\r\n\r\n");
	talk_expect(talk, 0, 200);
	talk_stop(talk);
}

static void a_stop_without_announcement_is_seen_on_what_goes_on(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.health_allow = &here}, true);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /-/ready HTTP/1.1\r\n");
	http_server_stop(talk->server);
	talk_say(talk, 0, "Host: a\r\n\r\n");
	talk_run(talk, true);
	talk_expect(talk, 0, 503);
	talk_stop(talk);
}

/* haproxy's and others' check. */
static void options_of_http_1_0_without_a_host_is_well(void **state)
{
	struct talk *talk = talk_start(NULL, true);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "OPTIONS / HTTP/1.0\r\n\r\n");
	talk_run(talk, true);
	talk_expect(talk, 0, 200);
	talk_stop(talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_answered_and_not_logged),
		cmocka_unit_test(they_are_logged_if_wanted),
		cmocka_unit_test(for_others_they_are_paths_as_any_other),
		cmocka_unit_test(other_paths_are_the_sites),
		cmocka_unit_test(who_asks_is_the_true_client),
		cmocka_unit_test(a_stop_that_is_announced_is_told_by_each_answer),
		cmocka_unit_test(one_that_is_announced_lets_idle_connections_be_until_it_comes),
		cmocka_unit_test(one_that_is_announced_holds_while_connections_move),
		cmocka_unit_test(a_process_that_drains_is_ready),
		cmocka_unit_test(a_stop_without_announcement_is_seen_on_what_goes_on),
		cmocka_unit_test(options_of_http_1_0_without_a_host_is_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
