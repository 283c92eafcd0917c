/* SPDX-License-Identifier: MIT
 *
 * How fast clients must be: those who are fast enough stay, by an octet, and those who are not go. */
#include "pair.h"

#include "http/connection/pace.h"
#include "http/connection/server.h"

#include <sys/socket.h>

#define HEAD "GET /small.txt HTTP/1.1\r\nHost: a\r\nX: "

static void the_arithmetic(void **state)
{
	struct pace pace = {.from_ms = 100000};

	(void)state;
	assert_true(pace_is_kept(0, 1000000, 0));
	assert_true(pace_is_kept(100, 1000, 100));
	assert_false(pace_is_kept(99, 1000, 100));
	assert_true(pace_is_kept(UINT64_C(1) << 40, 604800000, PACE_RATE_MAX / 1024));
	assert_false(pace_is_kept(UINT64_C(1) << 40, 604800000, PACE_RATE_MAX));
	/* Nothing is asked for in the first seconds... */
	assert_int_equal(pace_left_ms(&pace, 0, 100, 100000), PACE_GRACE_MS);
	assert_int_equal(pace_left_ms(&pace, 499, 100, 104999), 1);
	assert_int_equal(pace_left_ms(&pace, 499, 100, 105000), 0);
	/* ... and then all that should have come since the beginning. */
	assert_int_equal(pace_left_ms(&pace, 1000, 100, 105000), 5000);
	assert_int_equal(pace_left_ms(&pace, 1000, 100, 109999), 1);
	assert_int_equal(pace_left_ms(&pace, 1000, 100, 110000), 0);
}

/* Heads have 60 s; responses are looked at every 4 s. */
static int start(void **state)
{
	static const struct http_options options = {
		.head_timeout_ms = 60000,
		.body_timeout_ms = 60000,
		.write_timeout_ms = 4000,
		.min_receive_rate = 10,
		.min_send_rate = 30000,
		.discard_max = 1000000,
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

static void send_octets(struct talk *talk, unsigned number, unsigned count)
{
	for (; count > 0; count--)
		talk_send(talk, number, "x", 1);
}

static void a_head_that_comes_fast_enough_is_waited_for(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, HEAD);
	for (unsigned second = 0; second < 55; second++) {
		pass_time(talk, 1000);
		talk_expect_silence(talk, 0);
		send_octets(talk, 0, 10);
		talk_run(talk, true);
	}
	talk_say(talk, 0, "\r\n\r\n");
	talk_expect(talk, 0, 200);
	/* The same again on this connection. */
	talk_say(talk, 0, HEAD);
	pass_time(talk, 4900);
	talk_expect_silence(talk, 0);
	talk_say(talk, 0, "\r\n\r\n");
	talk_expect(talk, 0, 200);
}

static void one_that_does_not_is_given_up(void **state)
{
	struct talk *talk = *state;
	unsigned second = 0;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, HEAD);
	for (; !talk->clients[0].ended && second < 55; second++) {
		pass_time(talk, 1000);
		if (!talk->clients[0].ended)
			send_octets(talk, 0, 5);
		talk_run(talk, true);
	}
	assert_true(talk_expect(talk, 0, 408).close);
	/* 36 octets, and five a second, are less than ten a second after seven. */
	assert_in_range(second, 7, 8);
}

static void nobody_has_longer_than_the_total(void **state)
{
	struct talk *talk = *state;
	unsigned second = 0;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, HEAD);
	for (; !talk->clients[0].ended && second < 100; second++) {
		pass_time(talk, 1000);
		if (!talk->clients[0].ended)
			send_octets(talk, 0, 100);
		talk_run(talk, true);
	}
	assert_true(talk_expect(talk, 0, 408).close);
	assert_in_range(second, 60, 61);
}

static void who_begins_with_nothing_but_an_octet_has_the_grace(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "G");
	pass_time(talk, PACE_GRACE_MS - 1);
	talk_expect_silence(talk, 0);
	pass_time(talk, 1 + DEADLINE_STEP_MS);
	talk_expect(talk, 0, 408);
}

static void a_body_that_trickles_is_cut(void **state)
{
	struct talk *talk = *state;
	unsigned second = 0;

	for (unsigned fast = 0; fast < 2; fast++) {
		unsigned closed = talk->closed;

		talk_connect(talk, fast, 0);
		talk_say(talk, fast, "POST /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n");
		talk_expect(talk, fast, 405);
		for (second = 0; talk->closed == closed && second < 100; second++) {
			pass_time(talk, 1000);
			if (talk->closed == closed)
				send_octets(talk, fast, fast ? 12 : 8);
			talk_run(talk, true);
		}
		if (fast)
			assert_in_range(second, 60, 61); /* body_timeout */
		else
			assert_in_range(second, 5, 6);
	}
}

static void read_some(struct talk *talk, unsigned octets)
{
	char some[512];

	while (octets > 0) {
		size_t room = octets < sizeof(some) ? octets : sizeof(some);
		ssize_t size = recv(talk->clients[0].fd, some, room, 0);

		assert_true(size > 0);
		octets -= (unsigned)size;
		talk_run(talk, false);
	}
}

/* How long a client lives that reads so much in each second; in seconds, up to 40. It must be more
 * than a piece of 64 KiB in each write_timeout: kernels give room on such sockets by pieces. */
static unsigned life_of_reader(struct talk *talk, unsigned octets)
{
	unsigned second = 0;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	talk_send(talk, 0, "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n", 36);
	talk_run(talk, false);
	for (; talk->closed == 0 && second < 40; second++) {
		talk_now_ms += 1000;
		http_server_tick(talk->server);
		talk_run(talk, false);
		if (talk->closed == 0)
			read_some(talk, octets);
		talk_run(talk, false);
	}
	return second;
}

static void who_reads_fast_enough_is_served(void **state)
{
	assert_int_equal(life_of_reader(*state, 60000), 40);
}

static void who_reads_too_slowly_is_not(void **state)
{
	assert_in_range(life_of_reader(*state, 20000), 4, 9);
}

static void without_a_minimum_anything_will_do(void **state)
{
	struct talk *talk = *state;

	talk->server->options.min_send_rate = 0;
	assert_int_equal(life_of_reader(talk, 20000), 40);
}

static void the_pace_of_a_head_goes_where_the_connection_goes(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	/* Twenty seconds in all, and ten octets a second. */
	for (unsigned i = 0; i < 2; i++) {
		pair->servers[i]->options.min_receive_rate = 10;
		pair->servers[i]->options.head_timeout_ms = 20000;
		pair->servers[i]->deadlines.timeout_ms[DEADLINE_HEAD] = 20000;
	}
	for (unsigned fast = 0; fast < 2; fast++) {
		unsigned ended = 0;

		talk_connect(talk, 0, 0);
		talk_say(talk, 0, HEAD);
		for (unsigned second = 1; second <= 30 && !talk->clients[0].ended; second++) {
			pair_pass_time(pair, 500);
			if (!talk->clients[0].ended && pair_move(pair, pair_home(pair)) == 1)
				pair_stay(pair, !pair_home(pair));
			pair_pass_time(pair, 500);
			if (!talk->clients[0].ended)
				send_octets(talk, 0, fast ? 11 : 5);
			talk_run(talk, true);
			ended = second;
		}
		talk_expect(talk, 0, 408);
		if (fast)
			assert_in_range(ended, 20, 21);
		else
			assert_in_range(ended, 7, 9);
		talk_hang_up(talk, 0);
		talk_run(talk, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_arithmetic),
		cmocka_unit_test_setup_teardown(a_head_that_comes_fast_enough_is_waited_for, start, stop),
		cmocka_unit_test_setup_teardown(one_that_does_not_is_given_up, start, stop),
		cmocka_unit_test_setup_teardown(nobody_has_longer_than_the_total, start, stop),
		cmocka_unit_test_setup_teardown(who_begins_with_nothing_but_an_octet_has_the_grace, start, stop),
		cmocka_unit_test_setup_teardown(a_body_that_trickles_is_cut, start, stop),
		cmocka_unit_test_setup_teardown(who_reads_fast_enough_is_served, start, stop),
		cmocka_unit_test_setup_teardown(who_reads_too_slowly_is_not, start, stop),
		cmocka_unit_test_setup_teardown(without_a_minimum_anything_will_do, start, stop),
		cmocka_unit_test_setup_teardown(the_pace_of_a_head_goes_where_the_connection_goes, pair_start,
						pair_stop),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
