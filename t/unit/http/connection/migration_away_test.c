/* SPDX-License-Identifier: MIT
 *
 * Connections that move between two servers: which do, when, how many at once, and what becomes of
 * those that nobody takes. */
#include "pair.h"

#include "http/connection/server.h"
#include "http/connection/migration_state.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- what moves, what does not, and what comes back --- */

static void a_connection_that_nobody_takes_comes_back(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_say(talk, 1, "GET /sm");
	http_server_move_away(pair->servers[0]);
	talk_run(talk, true);
	assert_int_equal(pair->kept_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(http_server_take_back(pair->servers[0], pair->kept[i].fd, pair->kept[i].state,
						       pair->kept[i].size),
				 0);
		pair->kept[i].fd = -1;
	}
	talk_run(talk, true);
	assert_int_equal(pair->kept_count, 2);
	assert_int_equal(pair_stats(pair, 0).connections, 2);
	assert_int_equal(pair_stats(pair, 0).idle, 1);
	talk_say(talk, 0, GET("/small.txt"));
	assert_true(talk_expect(talk, 0, 200).close);
	talk_say(talk, 1, &GET("/small.txt")[7]);
	assert_true(talk_expect(talk, 1, 200).close);
	assert_true(talk->clients[1].ended);
}

/* One refusal is about one connection. */
static void one_that_comes_back_stays_and_the_others_move_on(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept *kept = &pair->kept[0];

	pair->keeps = true;
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, i, 0);
		talk_say(talk, i, GET("/small.txt"));
		talk_expect(talk, i, 200);
	}
	talk_say(talk, 1, "GET /lar");
	assert_int_equal(pair_move(pair, 0), 2);
	http_server_move_away(pair->servers[0]);
	for (unsigned i = 0; i < 2; i++) {
		kept = &pair->kept[i];
		assert_int_equal(http_server_take_back(pair->servers[0], kept->fd, kept->state, kept->size), 0);
		kept->fd = -1;
	}
	talk_connect(talk, 2, 0);
	talk_run(talk, true);
	http_server_move_away(pair->servers[0]);
	talk_run(talk, true);
	assert_int_equal(pair->kept_count, 3); /* the new one; those that came back stay */
	assert_int_equal(pair_stats(pair, 0).connections, 2);
	assert_int_equal(pair_stats(pair, 0).idle, 1);
	assert_int_equal(pair_stats(pair, 0).movable, 0);
	talk_say(talk, 0, GET("/small.txt") GET("/kilo.txt"));
	assert_false(talk_expect(talk, 0, 200).close);
	assert_true(talk_expect(talk, 0, 200).close);
	talk_say(talk, 1, "ge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(talk_expect(talk, 1, 200).close);
}

/* Else nobody would end it before its time. */
static void back_after_a_stop_it_ends(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_connect(talk, 1, 0);
	talk_say(talk, 1, "GET /sm");
	assert_int_equal(pair_move(pair, 0), 2);
	http_server_stop(pair->servers[0]);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(http_server_take_moved(pair->servers[0], pair->kept[i].fd, pair->kept[i].state,
							pair->kept[i].size),
				 0);
		pair->kept[i].fd = -1;
	}
	talk_run(talk, true);
	assert_false(talk->clients[0].ended); /* a request may be on its way */
	talk_pass_stop(talk);
	talk_run(talk, true);
	assert_true(talk->clients[0].ended);
	assert_false(talk->clients[0].reset);
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	/* A request that has begun goes on. */
	assert_int_equal(pair_stats(pair, 0).connections, 1);
	talk_say(talk, 1, &GET("/small.txt")[7]);
	assert_true(talk_expect(talk, 1, 200).close);
}

static void those_that_stay_are_not_movable(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	assert_int_equal(pair_stats(pair, 0).movable, 0);
	http_server_move_away(pair->servers[0]);
	assert_int_equal(pair_stats(pair, 0).movable, 1);
	http_server_drain(pair->servers[0]);
	assert_int_equal(pair_stats(pair, 0).idle, 1);
	assert_int_equal(pair_stats(pair, 0).movable, 0);
}

/* From within the very call that gives it away, too: it is answered when nothing moves any more,
 * and otherwise given away anew in a later turn of the loop. */
static void an_owner_may_return_it_at_once(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char *text = pair_repeat(GET("/small.txt"), 100);

	pair->returns = true;
	talk_connect(talk, 0, 0);
	assert_true(send(talk->clients[0].fd, text, strlen(text), 0) > 0);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	http_server_move_away(pair->servers[0]);
	for (unsigned i = 0; i < 5; i++) {
		assert_in_range(pair->ends[0].moved, i, i + 1);
		event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	}
	assert_in_range(pair->ends[0].moved, 3, 6);
	assert_int_equal(pair_stats(pair, 0).requests, 64);
	http_server_drain(pair->servers[0]);
	talk_run(talk, true);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(talk_expect(talk, 0, 200).close, i == 99);
	free(text);
}

static void back_while_moving_it_leaves_again_later(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	http_server_move_away(pair->servers[0]);
	for (unsigned i = 0; i < 5; i++) {
		talk_run(talk, true);
		assert_int_equal(pair->kept_count, i + 1);
		assert_int_equal(http_server_take_moved(pair->servers[0], pair->kept[i].fd, pair->kept[i].state,
							pair->kept[i].size),
				 0);
		pair->kept[i].fd = -1;
		assert_int_equal(pair->kept_count, i + 1);
		assert_int_equal(pair_stats(pair, 0).connections, 1);
		assert_int_equal(pair_stats(pair, 0).idle, 0);
	}
	http_server_drain(pair->servers[0]);
	talk_say(talk, 0, &GET("/small.txt")[7]);
	assert_true(talk_expect(talk, 0, 200).close);
}

static void those_taken_meanwhile_leave_unread(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	http_server_move_away(pair->servers[0]);
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, i, i ? HTTP_TAKE_WAITING : 0);
		assert_int_equal(pair->ends[0].moved, i);
		talk_say(talk, i, GET("/small.txt"));
		talk_expect(talk, i, 200);
		assert_int_equal(pair->ends[0].moved, i + 1);
	}
	assert_int_equal(pair_stats(pair, 0).requests, 0);
	assert_int_equal(pair_stats(pair, 1).requests, 2);
}

static void answers_on_their_way_are_finished_first(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin") GET("/small.txt"), strlen(GET("/large.bin") GET("/small.txt")));
	talk_run(talk, false);
	http_server_move_away(pair->servers[0]);
	talk_run(talk, false);
	assert_int_equal(pair->ends[0].moved, 0);
	talk_run(talk, true);
	assert_int_equal(pair->ends[0].moved, 1);
	assert_int_equal(talk_expect(talk, 0, 200).body.len, 3000000);
	talk_expect(talk, 0, 200);
	assert_int_equal(pair_stats(pair, 0).requests, 2);
	assert_int_equal(pair_stats(pair, 1).idle, 1);
}

static void what_is_to_end_ends_here(void **state)
{
	static const char last[] = "GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	talk_connect(talk, 1, 0);
	talk_connect(talk, 2, HTTP_TAKE_PROBE);
	talk_say(talk, 0, "bad\r\n");
	talk_say(talk, 1, GET("/small.txt"));
	talk_expect(talk, 1, 200);
	/* Lingering, to be closed, and the self-test. */
	talk_send(talk, 1, last, sizeof(last) - 1);
	talk_run(talk, false);
	http_server_move_away(pair->servers[0]);
	talk_run(talk, true);
	talk_expect(talk, 0, 400);
	talk_expect(talk, 1, 200);
	assert_true(talk->clients[1].ended);
	talk_say(talk, 2, GET("/small.txt"));
	talk_expect(talk, 2, 200);
	assert_int_equal(pair->ends[0].moved, 0);
	assert_int_equal(pair_stats(pair, 1).connections, 0);
}

static void a_last_answer_stays_the_last_one(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, HTTP_TAKE_CLOSE);
	assert_int_equal(pair_move(pair, 0), 1);
	talk_say(talk, 0, GET("/small.txt"));
	assert_true(talk_expect(talk, 0, 200).close);
}

static void they_leave_in_small_lots(void **state)
{
	enum { COUNT = 300 };
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	int clients[COUNT];
	unsigned turns = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
		clients[i] = ends[0];
		http_server_take(pair->servers[0], ends[1], 0);
	}
	http_server_move_away(pair->servers[0]);
	assert_int_equal(pair->ends[0].moved, 0);
	for (; pair->ends[0].moved < COUNT; turns++) {
		unsigned before = pair->ends[0].moved;

		assert_true(turns < 10);
		event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		assert_in_range(pair->ends[0].moved - before, 0, 128);
		assert_int_equal(pair_stats(pair, 0).connections + pair_stats(pair, 1).connections, COUNT);
		assert_int_equal(pair_stats(pair, 0).idle + pair_stats(pair, 1).idle, COUNT);
	}
	assert_in_range(turns, 3, 5);
	http_server_stop(pair->servers[1]);
	for (unsigned i = 0; i < COUNT; i++)
		close(clients[i]);
	talk_run(talk, true);
	assert_int_equal(pair->ends[1].closed, COUNT);
}

static void a_thousand_moves_leave_nothing_behind(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	static const char head[] = GET("/kilo.txt");
	enum { HEAD_SIZE = sizeof(head) - 1, ROUNDS = 1000 };

	for (unsigned i = 0; i < TALK_CLIENTS; i++)
		talk_connect(talk, i, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned from = round % 2, to = 1 - from;

		/* Some are idle, most in the middle of a head. */
		for (unsigned i = 0; i < TALK_CLIENTS; i++)
			if (round >= i * 3)
				talk_send(talk, i, &head[(round - i * 3) % HEAD_SIZE], 1);
		talk_run(talk, true);
		assert_int_equal(pair_move(pair, from), TALK_CLIENTS);
		assert_int_equal(pair_stats(pair, from).connections, 0);
		assert_int_equal(pair_stats(pair, from).idle, 0);
		assert_int_equal(pair_stats(pair, to).connections, TALK_CLIENTS);
		assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), TALK_CLIENTS);
	}
	for (unsigned i = 0; i < TALK_CLIENTS; i++) {
		for (unsigned n = 0; n < (ROUNDS - i * 3) / HEAD_SIZE; n++)
			assert_int_equal(talk_expect(talk, i, 200).body.len, 1024);
		talk_expect_silence(talk, i);
	}
	assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_start, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_that_nobody_takes_comes_back),
		TEST(one_that_comes_back_stays_and_the_others_move_on),
		TEST(back_after_a_stop_it_ends),
		TEST(those_that_stay_are_not_movable),
		TEST(an_owner_may_return_it_at_once),
		TEST(back_while_moving_it_leaves_again_later),
		TEST(those_taken_meanwhile_leave_unread),
		TEST(answers_on_their_way_are_finished_first),
		TEST(what_is_to_end_ends_here),
		TEST(a_last_answer_stays_the_last_one),
		TEST(they_leave_in_small_lots),
		TEST(a_thousand_moves_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
