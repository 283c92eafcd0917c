/* SPDX-License-Identifier: MIT
 *
 * Connections that must begin with a PROXY header: cut at any octet, with a request behind it or
 * without one, in time or not, moved in the middle of it. */
#include "pair.h"

#include "base/network.h"
#include "http/connection/server.h"

#include <stdlib.h>
#include <string.h>

#define V1    "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"
#define V2    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x67\x00\x50"
#define LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
#define GET   "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks trusted = {&unix_peers, 1};

/* Client number 0 has the answers to `requests` requests, and the log the client that was told. */
static void assert_served(struct talk *talk, const char *client, unsigned requests)
{
	for (unsigned i = 0; i < requests; i++)
		talk_expect(talk, 0, 200);
	talk_expect_silence(talk, 0);
	assert_false(talk->clients[0].ended);
	assert_int_equal(talk->logged, requests);
	for (unsigned i = 0; i < requests; i++)
		assert_string_equal(talk->log[i].client, client);
}

static void assert_closed_without_a_word(struct talk *talk)
{
	talk_run(talk, true);
	assert_true(talk->clients[0].ended || talk->clients[0].reset);
	assert_int_equal(talk->clients[0].received.used, 0);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk->logged, 0);
}

static struct talk *start(const struct networks *networks)
{
	const struct http_options options = {
		.head_timeout_ms = 1000,
		.keepalive_timeout_ms = 3000,
		.proxy_timeout_ms = 500,
		.proxy_trusted = networks,
	};

	return talk_start(&options, true);
}

static void assert_any_cut(const char *header, size_t size, const char *client)
{
	static char all[512];
	const size_t whole = size + 2 * (sizeof(GET) - 1);

	memcpy(all, header, size);
	strcpy(all + size, GET GET);
	for (size_t cut = 0; cut <= whole; cut++) {
		struct talk *talk = start(&trusted);

		talk_connect(talk, 0, HTTP_TAKE_PROXY | (cut % 2 ? HTTP_TAKE_WAITING : 0));
		talk_send(talk, 0, all, cut);
		talk_run(talk, true);
		talk_send(talk, 0, all + cut, whole - cut);
		talk_run(talk, true);
		assert_served(talk, client, 2);
		talk_stop(talk);
	}
}

static void a_header_may_be_cut_anywhere(void **state)
{
	(void)state;
	assert_any_cut(V1, sizeof(V1) - 1, "192.0.2.1");
	assert_any_cut(V2, sizeof(V2) - 1, "192.0.2.1");
	assert_any_cut(LOCAL, sizeof(LOCAL) - 1, "-");
}

static void a_header_may_come_octet_by_octet(void **state)
{
	static const char all[] = V2 GET;
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	for (size_t i = 0; i < sizeof(all) - 1; i++) {
		talk_send(talk, 0, all + i, 1);
		talk_run(talk, true);
	}
	assert_served(talk, "192.0.2.1", 1);
	talk_stop(talk);
}

static void the_longest_header_fits(void **state)
{
	enum { SIZE = 16 + 65535 };
	char *all = calloc(1, SIZE);
	struct talk *talk = start(&trusted);

	(void)state;
	assert_non_null(all);
	memcpy(all, V2, sizeof(V2) - 1);
	memcpy(all + 14, "\xff\xff", 2);
	memcpy(all + 28, "\x04\xff\xf0", 3); /* one TLV over all the rest */
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_send(talk, 0, all, SIZE);
	talk_say(talk, 0, GET);
	talk_run(talk, true);
	assert_served(talk, "192.0.2.1", 1);
	talk_stop(talk);
	free(all);
}

static void a_wrong_beginning_ends_the_connection_without_a_word(void **state)
{
	static const char *const wrong[] = {
		GET,
		"\r\n" GET,
		"PROXY TCP4 192.0.2.1 192.0.2.2 4711 080\r\n" GET,
		"proxy tcp4 192.0.2.1 192.0.2.2 4711 80\r\n" GET,
		"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\n" GET,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct talk *talk = start(&trusted);

		talk_connect(talk, 0, HTTP_TAKE_PROXY);
		talk_say(talk, 0, wrong[i]);
		assert_closed_without_a_word(talk);
		assert_int_equal(talk->closed, 1);
		talk_stop(talk);
	}
}

static void who_is_not_trusted_is_not_even_read(void **state)
{
	struct network others = {.kind = NETWORK_IPV4};
	const struct networks ipv4 = {&others, 1}, nobody = {NULL, 0};
	const struct networks *const sets[] = {&ipv4, &nobody, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct talk *talk = start(sets[i]);

		talk_connect(talk, 0, HTTP_TAKE_PROXY | HTTP_TAKE_WAITING);
		assert_closed_without_a_word(talk);
		assert_int_equal(talk->closed, 1);
		talk_stop(talk);
	}
}

static void a_header_is_not_looked_for_where_none_is_wanted(void **state)
{
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, V1 GET);
	talk_run(talk, true);
	talk_expect(talk, 0, 400);
	assert_int_equal(talk->logged, 1);
	assert_string_equal(talk->log[0].client, "-");
	talk_connect(talk, 1, 0);
	talk_send(talk, 1, V2 GET, sizeof(V2 GET) - 1);
	talk_run(talk, true);
	talk_expect(talk, 1, 400);
	talk_stop(talk);
}

static void a_second_header_is_a_bad_request(void **state)
{
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_say(talk, 0, V1 V1 GET);
	talk_run(talk, true);
	talk_expect(talk, 0, 400);
	assert_int_equal(talk->logged, 1);
	assert_string_equal(talk->log[0].client, "192.0.2.1");
	talk_stop(talk);
}

static void the_probe_needs_none(void **state)
{
	struct talk *talk = start(NULL);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROBE | HTTP_TAKE_WAITING);
	talk_say(talk, 0, GET);
	talk_run(talk, true);
	talk_expect(talk, 0, 200);
	talk_stop(talk);
}

static void pass_time(struct talk *talk, unsigned ms)
{
	talk_now_ms += ms;
	http_server_tick(talk->server);
	talk_run(talk, true);
}

static void a_header_has_its_own_time_and_so_has_what_follows(void **state)
{
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_send(talk, 0, V1, 20);
	pass_time(talk, 499);
	assert_int_equal(talk_stats(talk).connections, 1);
	talk_send(talk, 0, &V1[20], 5); /* a little more does not give it more time */
	talk_run(talk, true);
	pass_time(talk, 1 + DEADLINE_STEP_MS);
	assert_closed_without_a_word(talk);

	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	pass_time(talk, 400);
	talk_say(talk, 0, V1);
	pass_time(talk, 900);
	assert_int_equal(talk_stats(talk).connections, 1);
	talk_say(talk, 0, "G");
	pass_time(talk, 900);
	talk_say(talk, 0, &GET[1]);
	talk_run(talk, true);
	assert_served(talk, "192.0.2.1", 1);
	talk_stop(talk);
}

static void one_that_awaits_its_header_is_idle_until_that_begins_and_ends_at_a_stop(void **state)
{
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).connections, 1);
	assert_int_equal(talk_stats(talk).idle, 1);
	talk_connect(talk, 1, HTTP_TAKE_PROXY);
	talk_send(talk, 1, V1, 30);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).idle, 1);
	http_server_stop(talk->server);
	talk_pass_stop(talk);
	talk_run(talk, true);
	assert_true(talk->clients[0].ended);
	assert_false(talk->clients[1].ended);
	talk_send(talk, 1, &(V1 GET)[30], sizeof(V1 GET) - 31);
	talk_run(talk, true);
	talk_expect(talk, 1, 200);
	assert_int_equal(talk_stats(talk).idle, 0);
	talk_stop(talk);
}

static void one_that_hangs_up_is_forgotten(void **state)
{
	struct talk *talk = start(&trusted);

	(void)state;
	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_send(talk, 0, V1, 10);
	talk_hang_up(talk, 0);
	talk_run(talk, false);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk->closed, 1);
	talk_stop(talk);
}

/* --- moving --- */

static int pair_start_proxied(void **state)
{
	struct pair *pair;

	pair_start(state);
	pair = *state;
	for (unsigned i = 0; i < 2; i++) {
		pair->servers[i]->options.proxy_trusted = i == 0 ? &trusted : NULL;
		pair->servers[i]->events.log = pair_on_log;
	}
	return 0;
}

/* The taker would trust nobody, but whom the giver has let in is in. */
static void a_header_half_read_is_read_on_elsewhere(void **state)
{
	static const char all[] = V2 GET;
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (size_t cut = 0; cut < sizeof(all) - 1; cut++) {
		pair->client[0] = '\0';
		talk_connect(talk, 0, HTTP_TAKE_PROXY);
		talk_send(talk, 0, all, cut);
		talk_run(talk, true);
		assert_int_equal(pair_move(pair, 0), 1);
		talk_send(talk, 0, all + cut, sizeof(all) - 1 - cut);
		talk_run(talk, true);
		talk_expect(talk, 0, 200);
		assert_string_equal(pair->client, "192.0.2.1");
		talk_hang_up(talk, 0);
		talk_run(talk, true);
	}
}

static void a_header_is_read_wherever_it_goes(void **state)
{
	static const char all[] = V1 GET GET;
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	for (size_t i = 0; i < sizeof(all) - 1; i++) {
		talk_send(talk, 0, all + i, 1);
		talk_run(talk, true);
		assert_int_equal(pair_move(pair, pair_home(pair)), 1);
	}
	talk_expect(talk, 0, 200);
	talk_expect(talk, 0, 200);
	assert_string_equal(pair->client, "192.0.2.1");
}

static void the_time_for_a_header_runs_on_elsewhere(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_send(talk, 0, V1, 10);
	pair_pass_time(pair, 4000); /* of 5000 */
	assert_int_equal(pair_move(pair, 0), 1);
	pair_pass_time(pair, 999);
	assert_int_equal(pair_stats(pair, 1).connections, 1);
	pair_pass_time(pair, 1 + DEADLINE_STEP_MS);
	talk_run(talk, true);
	assert_int_equal(pair_stats(pair, 1).connections, 0);
	assert_int_equal(talk->clients[0].received.used, 0);
}

static void a_wrong_header_is_refused_elsewhere_too(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, HTTP_TAKE_PROXY);
	talk_send(talk, 0, V1, 10);
	assert_int_equal(pair_move(pair, 0), 1);
	talk_say(talk, 0, "\r\n" GET);
	talk_run(talk, true);
	assert_int_equal(pair_stats(pair, 1).connections, 0);
	assert_int_equal(talk->clients[0].received.used, 0);
}

/* Given in while all leave: it must not pass for one without a header when that is called off. */
static void one_that_came_while_all_leave_still_needs_its_header(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	http_server_move_away(pair->servers[0]);
	talk_connect(talk, 0, HTTP_TAKE_PROXY | HTTP_TAKE_WAITING);
	talk_say(talk, 0, V1 GET);
	talk_run(talk, true);
	talk_expect(talk, 0, 200);
	assert_string_equal(pair->client, "192.0.2.1");
	assert_int_equal(pair_stats(pair, 1).connections, 1);

	talk_connect(talk, 1, HTTP_TAKE_PROXY | HTTP_TAKE_WAITING);
	http_server_drain(pair->servers[0]);
	talk_say(talk, 1, GET);
	talk_run(talk, true);
	assert_int_equal(pair_stats(pair, 0).connections, 0);
	assert_int_equal(talk->clients[1].received.used, 0);
}

#define PAIR_TEST(test) cmocka_unit_test_setup_teardown(test, pair_start_proxied, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_may_be_cut_anywhere),
		cmocka_unit_test(a_header_may_come_octet_by_octet),
		cmocka_unit_test(the_longest_header_fits),
		cmocka_unit_test(a_wrong_beginning_ends_the_connection_without_a_word),
		cmocka_unit_test(who_is_not_trusted_is_not_even_read),
		cmocka_unit_test(a_header_is_not_looked_for_where_none_is_wanted),
		cmocka_unit_test(a_second_header_is_a_bad_request),
		cmocka_unit_test(the_probe_needs_none),
		cmocka_unit_test(a_header_has_its_own_time_and_so_has_what_follows),
		cmocka_unit_test(one_that_awaits_its_header_is_idle_until_that_begins_and_ends_at_a_stop),
		cmocka_unit_test(one_that_hangs_up_is_forgotten),
		PAIR_TEST(a_header_half_read_is_read_on_elsewhere),
		PAIR_TEST(a_header_is_read_wherever_it_goes),
		PAIR_TEST(the_time_for_a_header_runs_on_elsewhere),
		PAIR_TEST(a_wrong_header_is_refused_elsewhere_too),
		PAIR_TEST(one_that_came_while_all_leave_still_needs_its_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
