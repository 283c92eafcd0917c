/* SPDX-License-Identifier: MIT
 *
 * Connections that move between two servers: nobody wins or loses time by it, and what is damaged
 * wins nothing at all. */
#include "pair.h"

#include "http/connection/server.h"
#include "http/connection/migration_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- time --- */

static void a_head_has_a_total_time_across_moves(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	static const char head[] = GET("/small.txt?abc");

	/* Ten pieces just in time... */
	assert_int_equal(sizeof(head), 10 * 4 + 1);
	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 10; i++) {
		talk_expect_silence(talk, 0);
		talk_send(talk, 0, head + 4 * i, 4);
		talk_run(talk, true);
		assert_int_equal(pair_move(pair, pair_home(pair)), 1);
		pair_pass_time(pair, 109);
	}
	talk_expect(talk, 0, 200);
	talk_hang_up(talk, 0);
	talk_run(talk, true);

	/* ... and too late by a little. */
	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 9; i++) {
		talk_expect_silence(talk, 0);
		talk_say(talk, 0, "G");
		pair_pass_time(pair, 110);
		assert_int_equal(pair_move(pair, pair_home(pair)), 1);
	}
	pair_pass_time(pair, 10 + DEADLINE_STEP_MS);
	assert_true(talk_expect(talk, 0, 408).close);
}

/* Whatever time is left, and however often it moves meanwhile: not a millisecond is won or lost. */
static void assert_ends_after(struct pair *pair, unsigned left_ms, unsigned moves)
{
	unsigned closed = pair->ends[0].closed + pair->ends[1].closed;
	unsigned passed = 0;

	for (unsigned i = 0; i < moves; i++) {
		unsigned step = (left_ms - 1 - passed) / (moves - i);

		pair_pass_time(pair, step);
		passed += step;
		assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, closed);
		assert_int_equal(pair_move(pair, pair_home(pair)), 1);
	}
	assert_false(pair->talk->clients[0].ended);
	pair_pass_time(pair, DEADLINE_STEP_MS);
	assert_true(pair->talk->clients[0].ended);
	talk_expect_silence(pair->talk, 0);
	talk_hang_up(pair->talk, 0);
	talk_run(pair->talk, true);
	assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, closed + 1);
}

static void silence_ends_when_it_would_have(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned moves = 1; moves < 40; moves += 3) {
		talk_connect(talk, 0, 0);
		assert_ends_after(pair, 1000, moves);
	}
}

static void idleness_ends_when_it_would_have(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned moves = 1; moves < 40; moves += 3) {
		talk_connect(talk, 0, 0);
		talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, 200);
		assert_ends_after(pair, 5000, moves);
	}
}

/* Were it otherwise, moving again and again would keep a connection from ever being looked at. */
static void whose_time_is_up_does_not_move(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	talk_now_ms += 1001;
	assert_int_equal(pair_move(pair, 0), 0);
	assert_true(talk_expect(talk, 0, 408).close);
	talk_hang_up(talk, 0);
	talk_run(talk, true);

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	talk_now_ms += 5001;
	assert_int_equal(pair_move(pair, 0), 0);
	assert_true(talk->clients[0].ended);
}

static void time_left_is_at_most_that_of_the_taker(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	pair->servers[1]->deadlines.timeout_ms[DEADLINE_IDLE] = 2000;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	pair_pass_time(pair, 1000);
	assert_int_equal(pair_move(pair, 0), 1);
	pair_pass_time(pair, 1900);
	assert_false(talk->clients[0].ended);
	pair_pass_time(pair, 100 + DEADLINE_STEP_MS);
	assert_true(talk->clients[0].ended);
}

static void an_answer_begins_a_new_time_as_ever(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, 200);
		assert_int_equal(pair_move(pair, pair_home(pair)), 1);
		pair_pass_time(pair, 4900);
		assert_false(talk->clients[0].ended);
	}
}

static void the_log_counts_from_the_first_octet_wherever_it_came(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned i = 0; i < 2; i++)
		pair->servers[i]->events.log = pair_on_log;
	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	pair_move(pair, 0);

	struct migration_state read;

	assert_int_equal(migration_decode(&read, pair->kept[0].state, pair->kept[0].size), 0);
	assert_in_range(read.age_us, 1, 60000000);
	read.age_us = 70000000;

	char out[100];
	size_t size = migration_encode(&read, out);

	assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[0].fd, out, size), 0);
	pair->kept[0].fd = -1;
	talk_say(talk, 0, &GET("/small.txt")[7]);
	talk_expect(talk, 0, 200);
	assert_in_range(pair->duration_us, 70000000, 140000000);
}

/* --- damaged states --- */

static void damaged_states_are_refused_and_the_socket_left_alone(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept *kept = &pair->kept[0];
	char damaged[256];

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	pair_move(pair, 0);
	assert_true(kept->size < sizeof(damaged));
	for (size_t size = 0; size < kept->size; size++)
		assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state, size), -EINVAL);
	memcpy(damaged, kept->state, kept->size);
	damaged[0]++;
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, damaged, kept->size), -EINVAL);
	assert_int_equal(pair_stats(pair, 1).connections, 0);
	assert_int_equal(pair->ends[1].closed, 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	/* The right one still does. */
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state, kept->size), 0);
	kept->fd = -1;
	talk_say(talk, 0, &GET("/small.txt")[7]);
	talk_expect(talk, 0, 200);
}

static void numbers_out_of_range_help_nobody(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct migration_state crafted = {
		.answered = UINT32_MAX,
		.wait = MIGRATION_WAIT_IDLE,
		.left_ms = UINT32_MAX,
		.empty_lines = UINT8_MAX,
		.age_us = UINT64_MAX,
	};
	char octets[100];

	pair->keeps = true;
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, 0, 0);
		pair_move(pair, 0);
		assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[i].fd, octets,
							migration_encode(&crafted, octets)),
				 0);
		pair->kept[i].fd = -1;
		if (i == 0) {
			talk_say(talk, 0, "\r\n");
			talk_expect(talk, 0, 400);
		} else {
			pair_pass_time(pair, 5000 + DEADLINE_STEP_MS);
			assert_true(talk->clients[0].ended);
		}
	}
}

/* Whatever is not refused gets the client an answer or an end, in time. */
static void whatever_is_taken_ends(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct kept kept;
	unsigned taken = 0;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	pair_move(pair, 0);
	kept = pair->kept[0];
	for (size_t at = 0; at < kept.size; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char damaged[256];
			int fd = dup(kept.fd);

			memcpy(damaged, kept.state, kept.size);
			damaged[at] = (char)(damaged[at] ^ 1 << bit);
			if (http_server_take_moved(pair->servers[1], fd, damaged, kept.size) < 0) {
				close(fd);
				continue;
			}
			taken++;
			talk_run(talk, true);
			pair_pass_time(pair, 6000);
			pair_pass_time(pair, 6000);
			assert_int_equal(pair_stats(pair, 1).connections, 0);
			assert_int_equal(pair->ends[1].closed, taken);
			/* The client's end is shut by the first of these. */
			talk_hang_up(talk, 0);
		}
	}
	assert_in_range(taken, 30, kept.size * 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_start, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_head_has_a_total_time_across_moves),
		TEST(silence_ends_when_it_would_have),
		TEST(idleness_ends_when_it_would_have),
		TEST(whose_time_is_up_does_not_move),
		TEST(time_left_is_at_most_that_of_the_taker),
		TEST(an_answer_begins_a_new_time_as_ever),
		TEST(the_log_counts_from_the_first_octet_wherever_it_came),
		TEST(damaged_states_are_refused_and_the_socket_left_alone),
		TEST(numbers_out_of_range_help_nobody),
		TEST(whatever_is_taken_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
