/* SPDX-License-Identifier: MIT
 *
 * Connections that are counted over servers: at every moment of a move as one. */
#include "pair.h"

#include "base/network.h"
#include "http/client/quota.h"
#include "http/connection/server.h"

#include <unistd.h>

#define GET "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"

static struct quota *quota;

static void limit(struct pair *pair, unsigned total)
{
	for (unsigned i = 0; i < 2; i++) {
		struct http_limits limits = {.quota = quota, .worker = i, .connections_max_total = total};

		admission_init(&pair->servers[i]->admission, &limits);
	}
}

static int start(void **state)
{
	quota = quota_new();
	return quota ? pair_start(state) : -1;
}

static int stop(void **state)
{
	pair_stop(state);
	quota_free(quota);
	return 0;
}

static void one_too_many_is_turned_away_and_leaves_no_trace(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct answer answer;

	limit(pair, 2);
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, i, 0);
		talk_say(talk, i, GET "GET /sm"); /* none that would give way */
		talk_expect(talk, i, 200);
	}
	assert_int_equal(quota_total(quota), 2);
	talk_connect(talk, 2, HTTP_TAKE_WAITING);
	talk_run(talk, true);
	answer = talk_expect(talk, 2, 503);
	assert_true(answer.close);
	assert_int_equal(answer.body.len, 0);
	assert_true(answer_field(&answer, "Retry-After").len > 0);
	assert_true(answer_field(&answer, "Date").len > 0);
	assert_true(talk->clients[2].ended);
	assert_int_equal(quota_total(quota), 2);
	assert_int_equal(talk_stats(talk).refused, 1);
	/* Whatever it says now: it is listened to for a while, and that is all. */
	talk_say(talk, 2, GET);
	talk_expect_silence(talk, 2);
	talk_hang_up(talk, 2);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).connections, 2);
	assert_int_equal(pair->servers[0]->admission.lingering, 0);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 1);
	talk_connect(talk, 2, HTTP_TAKE_WAITING);
	talk_say(talk, 2, GET);
	talk_expect(talk, 2, 200);
}

static void one_that_stays_is_closed_when_its_time_is_over(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 1);
	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, HTTP_TAKE_WAITING);
	talk_run(talk, true);
	talk_expect(talk, 1, 503);
	assert_int_equal(talk_stats(talk).connections, 2);
	pair_pass_time(pair, 900);
	talk_say(talk, 1, GET);
	assert_int_equal(talk_stats(talk).connections, 2);
	pair_pass_time(pair, 1200);
	assert_true(talk->clients[0].ended);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(quota_total(quota), 0);
}

static void the_self_test_is_always_let_in(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 1);
	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, HTTP_TAKE_PROBE);
	talk_say(talk, 1, GET);
	talk_expect(talk, 1, 200);
	assert_int_equal(quota_total(quota), 1);
}

static void a_move_counts_once_at_every_moment(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept *kept = &pair->kept[0];

	limit(pair, 1);
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET "GET /sm");
	talk_expect(talk, 0, 200);
	pair->keeps = true;
	assert_int_equal(pair_move(pair, 0), 1);
	/* On its way it is still the giver's. */
	assert_int_equal(quota_total(quota), 1);
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state, kept->size), 0);
	kept->fd = -1;
	assert_int_equal(quota_total(quota), 1);
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 1);
	talk_say(talk, 0, "all.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	talk_expect(talk, 0, 200);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 0);
}

static void one_whose_giver_dies_is_counted_when_it_arrives(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept *kept = &pair->kept[0];

	limit(pair, 1);
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET);
	talk_expect(talk, 0, 200);
	pair->keeps = true;
	assert_int_equal(pair_move(pair, 0), 1);
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 0);
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state, kept->size), 0);
	kept->fd = -1;
	assert_int_equal(quota_total(quota), 1);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 0);
}

static void one_that_nobody_takes_comes_back_as_it_was(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept *kept = &pair->kept[0];

	limit(pair, 1);
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET);
	talk_expect(talk, 0, 200);
	pair->keeps = true;
	assert_int_equal(pair_move(pair, 0), 1);
	assert_int_equal(http_server_take_back(pair->servers[0], kept->fd, kept->state, kept->size), 0);
	kept->fd = -1;
	assert_int_equal(quota_total(quota), 1);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 0);
}

static void between_servers_of_which_one_does_not_count(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 5);
	admission_init(&pair->servers[1]->admission, &(struct http_limits){0});
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET);
	talk_expect(talk, 0, 200);
	assert_int_equal(pair_move(pair, 0), 1);
	pair_stay(pair, 0);
	talk_say(talk, 0, GET);
	talk_expect(talk, 0, 200);
	/* The giver ends, and with it what it held. */
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 0);
	assert_int_equal(pair_move(pair, 1), 1);
	assert_int_equal(quota_total(quota), 1);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 0);
}

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks all_peers = {&unix_peers, 1};

static void begin_told(struct talk *talk, unsigned number, const char *header)
{
	talk_connect(talk, number, HTTP_TAKE_PROXY);
	talk_say(talk, number, header);
	talk_say(talk, number, GET);
}

static void the_client_that_a_proxy_header_tells_of_is_counted(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned i = 0; i < 2; i++) {
		struct http_limits limits = {
			.quota = quota, .worker = i, .client_connections = 1, .connections_max_total = 3};

		admission_init(&pair->servers[i]->admission, &limits);
		pair->servers[i]->options.proxy_trusted = &all_peers;
	}
	begin_told(talk, 0, "PROXY TCP4 192.0.2.1 192.0.2.9 1000 80\r\n");
	talk_expect(talk, 0, 200);
	begin_told(talk, 1, "PROXY TCP4 192.0.2.1 192.0.2.9 1001 80\r\n");
	assert_true(talk_expect(talk, 1, 429).close);
	assert_int_equal(quota_total(quota), 1);
	begin_told(talk, 2, "PROXY TCP4 192.0.2.2 192.0.2.9 1002 80\r\n");
	talk_expect(talk, 2, 200);
	/* One without a client, as a check of health is: in the total only. */
	begin_told(talk, 3, "PROXY UNKNOWN\r\n");
	talk_expect(talk, 3, 200);
	assert_int_equal(quota_total(quota), 3);
	for (unsigned i = 0; i < 4; i++)
		if (i != 1)
			talk_say(talk, i, "GET /sm"); /* none that would give way */
	/* The total is asked before anything is read. */
	talk_connect(talk, 4, HTTP_TAKE_PROXY);
	talk_run(talk, true);
	talk_expect(talk, 4, 503);
	/* What was told goes with the connection. */
	pair->keeps = true;
	assert_int_equal(pair_move(pair, 0), 3);
	for (unsigned i = 0; i < 3; i++) {
		struct kept *kept = &pair->kept[i];

		assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state, kept->size), 0);
		kept->fd = -1;
	}
	quota_give_back(quota, 0, NULL);
	pair_stay(pair, 0);
	assert_int_equal(quota_total(quota), 3);
	talk_hang_up(talk, 3);
	talk_run(talk, true);
	begin_told(talk, 3, "PROXY TCP4 192.0.2.2 192.0.2.9 1003 80\r\n");
	talk_expect(talk, 3, 429);
	talk_hang_up(talk, 2);
	talk_run(talk, true);
	begin_told(talk, 3, "PROXY TCP4 192.0.2.2 192.0.2.9 1004 80\r\n");
	talk_expect(talk, 3, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_too_many_is_turned_away_and_leaves_no_trace, start, stop),
		cmocka_unit_test_setup_teardown(one_that_stays_is_closed_when_its_time_is_over, start, stop),
		cmocka_unit_test_setup_teardown(the_self_test_is_always_let_in, start, stop),
		cmocka_unit_test_setup_teardown(a_move_counts_once_at_every_moment, start, stop),
		cmocka_unit_test_setup_teardown(one_whose_giver_dies_is_counted_when_it_arrives, start, stop),
		cmocka_unit_test_setup_teardown(one_that_nobody_takes_comes_back_as_it_was, start, stop),
		cmocka_unit_test_setup_teardown(the_client_that_a_proxy_header_tells_of_is_counted, start, stop),
		cmocka_unit_test_setup_teardown(between_servers_of_which_one_does_not_count, start, stop),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
