/* SPDX-License-Identifier: MIT
 *
 * Idle connections give way: which one, how it ends, and that no other does. */
#include "pair.h"

#include "base/network.h"
#include "http/connection/connection.h"
#include "http/connection/server.h"

#include <sys/socket.h>
#include <unistd.h>

#define GET       "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_LARGE "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n"

static unsigned parting, parted;

static void on_parting(void *context)
{
	(void)context;
	parting++;
}

static void on_parted(void *context)
{
	(void)context;
	parted++;
}

static int start(void **state)
{
	static const struct http_options options = {
		.head_timeout_ms = 1000,
		.write_timeout_ms = 4000,
		.keepalive_timeout_ms = 500000, /* some rounds of the wheel */
	};
	struct talk *talk = talk_start(&options, false);

	parting = parted = 0;
	talk->server->events.parting = on_parting;
	talk->server->events.parted = on_parted;
	*state = talk;
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

static void ask(struct talk *talk, unsigned number)
{
	talk_say(talk, number, GET);
	assert_false(talk_expect(talk, number, 200).close);
}

static void connect_and_ask(struct talk *talk, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		talk_connect(talk, i, 0);
		ask(talk, i);
	}
}

static bool make_room(struct talk *talk)
{
	bool some = http_server_make_room(talk->server);

	talk_run(talk, true);
	return some;
}

/* The one that has been closed, cleanly, by making room once. */
static void assert_gives_way(struct talk *talk, unsigned number)
{
	assert_false(talk->clients[number].ended);
	assert_true(make_room(talk));
	assert_true(talk->clients[number].ended);
	assert_false(talk->clients[number].reset);
	talk_expect_silence(talk, number);
}

static void the_one_that_is_idle_longest_gives_way(void **state)
{
	static const unsigned order[] = {3, 0, 5, 1, 4, 2};
	/* Within a step of the wheel, over some, over rounds. */
	static const unsigned ms[] = {1, 5, 64, 1000, 30000};
	struct talk *talk = *state;

	for (unsigned k = 0; k < sizeof(ms) / sizeof(ms[0]); k++) {
		connect_and_ask(talk, 6);
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned i = 0; i < 6; i++) {
				pass_time(talk, ms[k]);
				ask(talk, order[round == 0 ? 5 - i : i]);
			}
		}
		assert_int_equal(talk_stats(talk).evictable, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_gives_way(talk, order[i]);
		assert_false(make_room(talk));
		assert_int_equal(talk_stats(talk).evictable, 0);
	}
}

static void it_counts_no_more_at_once_and_is_closed_when_the_client_has_seen_it(void **state)
{
	struct talk *talk = *state;

	connect_and_ask(talk, 2);
	assert_gives_way(talk, 0);
	assert_int_equal(parting, 1);
	assert_int_equal(parted, 0);
	assert_int_equal(talk_stats(talk).evicted, 1);
	/* A request that was on its way is not answered any more, and is no reason for a reset. */
	talk_say(talk, 0, GET);
	talk_expect_silence(talk, 0);
	assert_false(talk->clients[0].reset);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(parted, 1);
	assert_int_equal(talk->closed, 0);
	ask(talk, 1);
	/* One that does not go has two seconds. */
	assert_gives_way(talk, 1);
	pass_time(talk, 1900);
	assert_int_equal(parted, 1);
	pass_time(talk, 200);
	assert_int_equal(parted, 2);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk->closed, 0);
}

static void one_that_asks_in_that_moment_is_answered_and_the_next_one_gives_way(void **state)
{
	struct talk *talk = *state;

	connect_and_ask(talk, 3);
	assert_int_equal(send(talk->clients[0].fd, GET, sizeof(GET) - 1, MSG_NOSIGNAL), sizeof(GET) - 1);
	assert_true(make_room(talk));
	assert_true(talk_expect(talk, 0, 200).close);
	assert_int_equal(parting, 0);
	assert_int_equal(talk_stats(talk).evicted, 0);
	assert_gives_way(talk, 1);
	ask(talk, 2);
	/* Part of one has come: it is waited for, and answered. */
	assert_int_equal(send(talk->clients[2].fd, GET, 10, MSG_NOSIGNAL), 10);
	assert_true(make_room(talk));
	assert_false(make_room(talk));
	talk_say(talk, 2, &(GET)[10]);
	assert_true(talk_expect(talk, 2, 200).close);
}

static void one_that_has_hung_up_makes_room(void **state)
{
	struct talk *talk = *state;

	connect_and_ask(talk, 2);
	assert_int_equal(shutdown(talk->clients[0].fd, SHUT_WR), 0);
	assert_true(http_server_make_room(talk->server));
	assert_int_equal(talk->closed, 1);
	assert_int_equal(parting, 0);
	talk_run(talk, true);
	ask(talk, 1);
}

static void one_in_the_middle_of_something_never_does(void **state)
{
	struct talk *talk = *state;
	int reader;

	talk->sockets_send_size = 4096;
	connect_and_ask(talk, 5);
	talk_say(talk, 0, "GET /sm"); /* a head */
	talk_send(talk, 1, GET_LARGE, sizeof(GET_LARGE) - 1);
	talk_run(talk, false); /* an answer, which is not read */
	reader = talk->clients[1].fd;
	talk->clients[1].fd = -1;
	talk_say(talk, 2, "GET / HTTP/1.1\r\n\r\n"); /* the end of one */
	talk_expect(talk, 2, 400);
	talk_connect(talk, 5, HTTP_TAKE_PROBE); /* the self-test */
	talk_say(talk, 5, GET);
	talk_expect(talk, 5, 200);
	pass_time(talk, 600);
	assert_gives_way(talk, 3);
	assert_gives_way(talk, 4);
	assert_false(make_room(talk));
	talk->clients[1].fd = reader;
	talk_say(talk, 0, "all.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(talk_expect(talk, 0, 200).close);
	assert_int_equal(talk_expect(talk, 1, 200).body.len, 3000000);
	assert_false(talk->clients[5].ended);
}

static void one_that_says_nothing_has_half_a_second(void **state)
{
	struct talk *talk = *state;
	static struct network unix_peers = {.kind = NETWORK_UNIX};
	static const struct networks all_peers = {&unix_peers, 1};

	talk->server->options.proxy_trusted = &all_peers;
	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, HTTP_TAKE_PROXY);
	talk_connect(talk, 2, HTTP_TAKE_PROXY);
	talk_say(talk, 2, "PROXY TCP4 ");
	pass_time(talk, 499);
	assert_int_equal(talk_stats(talk).evictable, 0);
	assert_false(make_room(talk));
	talk_connect(talk, 3, 0);
	ask(talk, 3);
	assert_int_equal(talk_stats(talk).evictable, 1);
	pass_time(talk, 1);
	assert_int_equal(talk_stats(talk).evictable, 3);
	assert_gives_way(talk, 0);
	assert_gives_way(talk, 1);
	assert_gives_way(talk, 3);
	assert_false(make_room(talk));
	talk_say(talk, 2, "192.0.2.1 192.0.2.9 1000 80\r\n" GET);
	talk_expect(talk, 2, 200);
}

static void those_that_come_from_elsewhere_keep_their_place(void **state)
{
	static const unsigned order[] = {3, 0, 4, 1, 2};
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned i = 0; i < 5; i++)
		talk_connect(talk, i, 0);
	for (unsigned i = 0; i < 5; i++) {
		pair_pass_time(pair, 200);
		talk_say(talk, order[i], GET);
		talk_expect(talk, order[i], 200);
	}
	assert_int_equal(pair_move(pair, 0), 5);
	assert_int_equal(pair_stats(pair, 1).evictable, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(http_server_make_room(pair->servers[1]));
		talk_run(talk, true);
		assert_true(talk->clients[order[i]].ended);
		for (unsigned k = i + 1; k < 5; k++)
			assert_false(talk->clients[order[k]].ended);
	}
}

/* Clients that do not go would have two seconds each. */
static void of_many_that_part_the_first_is_closed(void **state)
{
	enum { MANY = 40, PART_MAX = MANY / 8 + 8 };
	struct talk *talk = *state;
	int clients[MANY];
	char octet;

	for (unsigned i = 0; i < MANY; i++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
		clients[i] = ends[0];
		http_server_take(talk->server, ends[1], 0);
	}
	pass_time(talk, 500);
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(http_server_make_room(talk->server));
		assert_int_equal(parting, i + 1);
		assert_true(parting - parted <= PART_MAX);
	}
	assert_true(parted >= MANY - PART_MAX);
	/* None of them by a reset. */
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(recv(clients[i], &octet, 1, 0), 0);
		close(clients[i]);
	}
	talk_run(talk, true);
	assert_int_equal(parted, MANY);
	assert_int_equal(talk_stats(talk).connections, 0);
}

static void when_descriptors_are_short_a_few_part_and_then_the_first_is_closed(void **state)
{
	struct talk *talk = *state;

	connect_and_ask(talk, 8);
	assert_false(http_server_free_descriptor(talk->server));
	assert_int_equal(parting, 8);
	assert_int_equal(parted, 0);
	talk_run(talk, true);
	for (unsigned i = 0; i < 8; i++)
		assert_true(talk->clients[i].ended);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(http_server_free_descriptor(talk->server));
		assert_int_equal(parted, i + 1);
	}
	assert_false(http_server_free_descriptor(talk->server));
	assert_int_equal(talk_stats(talk).connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_one_that_is_idle_longest_gives_way, start, stop),
		cmocka_unit_test_setup_teardown(it_counts_no_more_at_once_and_is_closed_when_the_client_has_seen_it,
						start, stop),
		cmocka_unit_test_setup_teardown(one_that_asks_in_that_moment_is_answered_and_the_next_one_gives_way,
						start, stop),
		cmocka_unit_test_setup_teardown(one_that_has_hung_up_makes_room, start, stop),
		cmocka_unit_test_setup_teardown(one_in_the_middle_of_something_never_does, start, stop),
		cmocka_unit_test_setup_teardown(one_that_says_nothing_has_half_a_second, start, stop),
		cmocka_unit_test_setup_teardown(those_that_come_from_elsewhere_keep_their_place, pair_start, pair_stop),
		cmocka_unit_test_setup_teardown(of_many_that_part_the_first_is_closed, start, stop),
		cmocka_unit_test_setup_teardown(when_descriptors_are_short_a_few_part_and_then_the_first_is_closed,
						start, stop),
	};

	return cmocka_run_group_tests_name("evict", tests, NULL, NULL);
}
