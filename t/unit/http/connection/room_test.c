/* SPDX-License-Identifier: MIT
 *
 * Room for a new connection where all workers together hold so many: two servers, of which one has what the
 * other one needs. */
#include "pair.h"

#include "base/network.h"
#include "http/client/quota_table.h"
#include "http/connection/room.h"
#include "http/connection/server.h"

#include <sys/socket.h>
#include <unistd.h>

#define GET "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"

enum { WORKERS = 8 };

static struct quota *quota;

/* Of all workers here. */
static uint32_t waiting(void)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		sum += quota->shared->rooms[i].waiting;
	return sum;
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

static void limit(struct pair *pair, unsigned total, unsigned client)
{
	for (unsigned i = 0; i < 2; i++) {
		struct http_limits limits = {
			.quota = quota, .worker = i, .connections_max_total = total, .client_connections = client};

		admission_init(&pair->servers[i]->admission, &limits);
		pair->servers[i]->admission.look_ms = 3600000; /* no timers here: ticks do */
		http_server_tick(pair->servers[i]);
	}
}

/* A client of either server, which has sent a request. */
static void come(struct pair *pair, unsigned server, unsigned number)
{
	struct talk *talk = pair->talk;
	int ends[2];

	talk_hang_up(talk, number);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	talk->clients[number].fd = ends[0];
	assert_int_equal(send(ends[0], GET, sizeof(GET) - 1, MSG_NOSIGNAL), sizeof(GET) - 1);
	http_server_take(pair->servers[server], ends[1], HTTP_TAKE_WAITING);
	talk_run(talk, true);
}

static void fill(struct pair *pair, unsigned server, unsigned from, unsigned count)
{
	for (unsigned i = from; i < from + count; i++) {
		come(pair, server, i);
		talk_expect(pair->talk, i, 200);
		talk_now_ms++;
	}
}

static void tick(struct pair *pair, unsigned server)
{
	http_server_tick(pair->servers[server]);
	talk_run(pair->talk, true);
}

static bool has_ended(struct pair *pair, unsigned number)
{
	assert_false(pair->talk->clients[number].reset);
	return pair->talk->clients[number].ended;
}

static void one_of_its_own_gives_way_at_once(void **state)
{
	struct pair *pair = *state;

	limit(pair, 3, 0);
	fill(pair, 0, 0, 3);
	come(pair, 0, 3);
	talk_expect(pair->talk, 3, 200);
	assert_true(has_ended(pair, 0));
	assert_false(has_ended(pair, 1));
	assert_int_equal(quota_total(quota), 3);
}

static void the_other_ones_give_way_at_its_next_tick(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 3, 0);
	fill(pair, 0, 0, 3);
	come(pair, 1, 3);
	come(pair, 1, 4);
	talk_expect_silence(talk, 3);
	tick(pair, 1);
	assert_int_equal(waiting(), 2);
	assert_false(has_ended(pair, 0));
	tick(pair, 0);
	/* As many as wait, however often that was seen to. */
	assert_true(has_ended(pair, 0) && has_ended(pair, 1));
	assert_false(has_ended(pair, 2));
	assert_int_equal(quota_total(quota), 1);
	/* Nobody overtakes them: for this one another gives way. */
	come(pair, 0, 5);
	talk_expect(talk, 5, 200);
	assert_true(has_ended(pair, 2));
	tick(pair, 0);
	tick(pair, 1);
	talk_expect(talk, 3, 200);
	talk_expect(talk, 4, 200);
	assert_int_equal(quota_total(quota), 3);
	assert_int_equal(waiting(), 0);
	assert_int_equal(pair_stats(pair, 0).evicted, 3);
}

static void of_all_it_is_the_longest_to_about_a_second(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 2, 0);
	fill(pair, 0, 0, 1);
	pair_pass_time(pair, 1500);
	fill(pair, 1, 1, 1);
	pair_pass_time(pair, 100);
	come(pair, 1, 2);
	talk_expect_silence(talk, 2);
	tick(pair, 0);
	tick(pair, 1);
	talk_expect(talk, 2, 200);
	assert_true(has_ended(pair, 0));
	assert_false(has_ended(pair, 1));
}

static void nobody_is_idle_anywhere(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 2, 0);
	fill(pair, 0, 0, 1);
	fill(pair, 1, 1, 1);
	talk_say(talk, 0, "GET /sm");
	talk_say(talk, 1, "GET /sm");
	come(pair, 0, 2);
	assert_true(talk_expect(talk, 2, 503).close);
	assert_int_equal(waiting(), 0);
	/* In that very moment, without a tick, one becomes idle. */
	talk_say(talk, 1, "all.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	talk_expect(talk, 1, 200);
	come(pair, 0, 3);
	talk_expect_silence(talk, 3);
	tick(pair, 1);
	tick(pair, 0);
	talk_expect(talk, 3, 200);
	assert_true(has_ended(pair, 1));
	assert_false(has_ended(pair, 0));
}

static void it_does_not_wait_for_ever_for_one_that_stands_still(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 2, 0);
	pair->servers[1]->deadlines.timeout_ms[DEADLINE_FIRST] = 10000;
	fill(pair, 0, 0, 2);
	come(pair, 1, 2);
	for (unsigned ms = 0; ms < ROOM_WAIT_MS; ms += 250) {
		talk_expect_silence(talk, 2);
		talk_now_ms += 250;
		tick(pair, 1);
	}
	talk_now_ms += DEADLINE_STEP_MS;
	tick(pair, 1);
	assert_true(talk_expect(talk, 2, 503).close);
	assert_int_equal(waiting(), 0);
	/* It has not been seen for so long that nobody hopes for it. */
	come(pair, 1, 3);
	assert_true(talk_expect(talk, 3, 503).close);
	/* What it was asked for is needed no more. */
	tick(pair, 0);
	assert_false(has_ended(pair, 0) || has_ended(pair, 1));
	assert_int_equal(pair_stats(pair, 0).evicted, 0);
}

static void one_that_dies_leaves_nothing_behind(void **state)
{
	struct pair *pair = *state;

	limit(pair, 2, 0);
	fill(pair, 0, 0, 2);
	come(pair, 1, 2);
	assert_int_equal(waiting(), 1);
	quota_give_back(quota, 1, NULL);
	assert_int_equal(waiting(), 0);
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 0);
	come(pair, 1, 3);
	talk_expect(pair->talk, 3, 200);
}

static void a_lower_limit_takes_as_many_as_are_too_many(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 6, 0);
	fill(pair, 0, 0, 6);
	limit(pair, 3, 0);
	assert_int_equal(quota_total(quota), 6);
	come(pair, 1, 6);
	tick(pair, 0);
	tick(pair, 1);
	talk_expect(talk, 6, 200);
	assert_int_equal(quota_total(quota), 3);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(has_ended(pair, i), i < 4);
	come(pair, 0, 7);
	talk_expect(talk, 7, 200);
	assert_int_equal(quota_total(quota), 3);
}

static void as_many_are_asked_for_as_are_missing(void **state)
{
	struct quota_hold holds[4] = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_true(quota_hold_total(quota, 0, 4, &holds[i]));
	quota_show_idle(quota, 1, 3, 2000, 5000);
	quota_show_idle(quota, 2, 3, 1000, 5000);
	for (unsigned i = 0; i < 4; i++) {
		quota_begin_wait(quota, 0);
		for (unsigned again = 0; again < 3; again++)
			assert_true(quota_ask_for_room(quota, 4, 5000));
	}
	assert_true(quota_has_longer(quota, 0, 2001, 5000));
	assert_false(quota_has_longer(quota, 0, 2000, 5000));
	/* First of those that are idle longest. */
	assert_int_equal(quota_take_asked(quota, 2), 3);
	assert_int_equal(quota_take_asked(quota, 1), 1);
	assert_int_equal(quota_take_asked(quota, 1), 0);
	for (unsigned i = 0; i < 3; i++)
		quota_begin_wait(quota, 3);
	assert_false(quota_ask_for_room(quota, 4, 5000));
	quota_give_back(quota, 1, NULL);
	quota_give_back(quota, 2, NULL);
	quota_give_back(quota, 3, NULL);
	assert_int_equal(waiting(), 4);
	for (unsigned i = 0; i < 4; i++)
		quota_release(quota, &holds[i]);
	assert_false(quota_lacks_room(quota, 4));
	assert_true(quota_lacks_room(quota, 3));
}

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks all_peers = {&unix_peers, 1};

static void nobody_gives_way_to_a_client_that_has_too_many(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	const char *header = "PROXY TCP4 192.0.2.1 192.0.2.9 1000 80\r\n";

	limit(pair, 2, 1);
	pair->servers[0]->options.proxy_trusted = &all_peers;
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, i, HTTP_TAKE_PROXY);
		talk_say(talk, i, header);
		talk_say(talk, i, GET);
		talk_expect(talk, i, i == 0 ? 200 : 429);
	}
	assert_false(has_ended(pair, 0));
	assert_int_equal(pair_stats(pair, 0).evicted, 0);
}

static void one_that_waits_may_hang_up_or_be_stopped(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	limit(pair, 3, 0);
	fill(pair, 0, 0, 3);
	come(pair, 1, 3);
	come(pair, 1, 4);
	assert_int_equal(waiting(), 2);
	talk_hang_up(talk, 3);
	http_server_stop(pair->servers[1]);
	tick(pair, 0);
	tick(pair, 1);
	assert_true(talk_expect(talk, 4, 200).close);
	assert_int_equal(waiting(), 0);
	talk_hang_up(talk, 4);
	talk_run(talk, true);
	assert_int_equal(quota_total(quota), 1);
	fill(pair, 0, 3, 2);
	come(pair, 1, 5);
	assert_int_equal(waiting(), 1);
	http_server_abort(pair->servers[1]);
	assert_int_equal(waiting(), 0);
	assert_int_equal(quota_total(quota), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_of_its_own_gives_way_at_once, start, stop),
		cmocka_unit_test_setup_teardown(the_other_ones_give_way_at_its_next_tick, start, stop),
		cmocka_unit_test_setup_teardown(of_all_it_is_the_longest_to_about_a_second, start, stop),
		cmocka_unit_test_setup_teardown(nobody_is_idle_anywhere, start, stop),
		cmocka_unit_test_setup_teardown(it_does_not_wait_for_ever_for_one_that_stands_still, start, stop),
		cmocka_unit_test_setup_teardown(one_that_dies_leaves_nothing_behind, start, stop),
		cmocka_unit_test_setup_teardown(a_lower_limit_takes_as_many_as_are_too_many, start, stop),
		cmocka_unit_test_setup_teardown(as_many_are_asked_for_as_are_missing, start, stop),
		cmocka_unit_test_setup_teardown(nobody_gives_way_to_a_client_that_has_too_many, start, stop),
		cmocka_unit_test_setup_teardown(one_that_waits_may_hang_up_or_be_stopped, start, stop),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
