/* SPDX-License-Identifier: MIT
 *
 * Connections that move between two servers: whenever it happens, the client gets what it would
 * have got from one, octet by octet. */
#include "pair.h"

#include "http/connection/server.h"
#include "http/connection/migration_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- whenever it happens --- */

#define STAYING                                                                                    \
	GET("/small.txt")                                                                          \
	"HEAD /kilo.txt HTTP/1.1\r\nHost: a\r\n\r\n" GET("/kilo.txt") "\r\n\r\n" GET("/fifty.bin") \
		GET("/none") "HEAD /fifty.bin HTTP/1.1\r\nHost: a\r\n\r\n"                         \
			     "GET /kilo.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n"       \
			     "GET /fifty.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=10-5000\r\n\r\n"  \
			     "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"           \
			     "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"                               \
			     "\r\n" GET("/")
static const char stream_that_stays[] = STAYING;
static const char stream[] = STAYING "GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
enum { STREAM_SIZE = sizeof(stream) - 1, STREAM_REQUESTS = 12 };

/* All dates are one. */
static void mask_dates(struct buffer *octets)
{
	char *at = octets->data, *end = at + octets->used;

	while ((at = memmem(at, (size_t)(end - at), "\r\nDate: ", 8))) {
		assert_true(end - at > 40);
		memset(at + 8, 'D', 29);
		at += 8;
	}
}

/* What a client gets whose connection stays; to be freed by the caller. */
static struct buffer unmoved(struct pair *pair, const char *octets, size_t size)
{
	struct talk *talk = pair->talk;
	struct buffer wanted;

	talk_connect(talk, 0, 0);
	talk_send(talk, 0, octets, size);
	talk_run(talk, true);
	wanted = talk->clients[0].received;
	talk->clients[0].received = (struct buffer){0};
	mask_dates(&wanted);
	return wanted;
}

static void assert_like_unmoved(struct pair *pair, const struct buffer *wanted)
{
	struct talk_client *client = &pair->talk->clients[0];

	assert_true(client->ended);
	assert_false(client->reset);
	assert_int_equal(client->received.used, wanted->used);
	mask_dates(&client->received);
	assert_memory_equal(client->received.data, wanted->data, wanted->used);
	/* Whose request came in pieces is waited for: further octets may be on their way. */
	talk_hang_up(pair->talk, 0);
	talk_run(pair->talk, false);
	assert_int_equal(pair_stats(pair, 0).connections + pair_stats(pair, 1).connections, 0);
	assert_int_equal(pair_stats(pair, 0).idle + pair_stats(pair, 1).idle, 0);
}

static void a_move_between_any_two_octets_changes_nothing(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct buffer wanted = unmoved(pair, stream, STREAM_SIZE);
	unsigned moves = 0;

	assert_true(wanted.used > 50000 + 5000 + 1024);
	for (size_t cut = 0; cut < STREAM_SIZE; cut++) {
		talk_connect(talk, 0, 0);
		talk_send(talk, 0, stream, cut);
		talk_run(talk, true);
		moves += pair_move(pair, 0);
		assert_int_equal(pair_stats(pair, 0).connections, 0);
		assert_int_equal(pair_stats(pair, 1).connections, 1);
		talk_send(talk, 0, stream + cut, STREAM_SIZE - cut);
		talk_run(talk, true);
		assert_like_unmoved(pair, &wanted);
		assert_int_equal(pair->ends[1].closed, cut + 1);
	}
	assert_int_equal(moves, STREAM_SIZE);
	assert_int_equal(pair_stats(pair, 0).requests + pair_stats(pair, 1).requests,
			 STREAM_REQUESTS * (STREAM_SIZE + 1));
	buffer_free(&wanted);
}

static void a_move_after_each_octet_changes_nothing(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct buffer wanted = unmoved(pair, stream, STREAM_SIZE);

	talk_connect(talk, 0, 0);
	for (size_t sent = 0; sent < STREAM_SIZE; sent++) {
		talk_send(talk, 0, stream + sent, 1);
		talk_run(talk, true);
		if (sent + 1 < STREAM_SIZE)
			assert_int_equal(pair_move(pair, pair_home(pair)), 1);
	}
	assert_like_unmoved(pair, &wanted);
	buffer_free(&wanted);
}

/* Octets that arrive before the server has looked, in the very turn that the connection moves. */
static void a_move_before_octets_are_read_changes_nothing(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct buffer wanted = unmoved(pair, stream, STREAM_SIZE);

	for (size_t cut = 0; cut < STREAM_SIZE; cut++) {
		talk_connect(talk, 0, cut % 2 ? HTTP_TAKE_WAITING : 0);
		assert_int_equal(send(talk->clients[0].fd, stream, cut, 0), cut);
		pair_move(pair, 0);
		talk_send(talk, 0, stream + cut, STREAM_SIZE - cut);
		talk_run(talk, true);
		assert_like_unmoved(pair, &wanted);
	}
	buffer_free(&wanted);
}

/* Reads at most `size` octets as a slow client does. False: there were none. */
static bool sip(struct talk *talk, size_t size)
{
	struct talk_client *client = &talk->clients[0];
	char some[8192];
	ssize_t got = recv(client->fd, some, size, 0);

	if (got < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	if (got == 0)
		client->ended = true;
	assert_int_equal(buffer_append(&client->received, some, (size_t)got), 0);
	return got > 0;
}

/* So many requests that their answers are not made all at once: some are held back. */
static char *long_stream(void)
{
	char *text = pair_repeat(stream_that_stays, 20), *end;
	size_t size = strlen(text) + STREAM_SIZE + 1;

	end = realloc(text, size);
	assert_non_null(end);
	strcat(end, stream);
	return end;
}

/* All of it at once into a small socket buffer, read `step` octets at a time; moves away after
 * `from` such steps, and then again after each `again` more ones (0: never). */
static void slowly(struct pair *pair, const char *text, const struct buffer *wanted, size_t step, size_t from,
		   size_t again)
{
	struct talk *talk = pair->talk;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	assert_int_equal(send(talk->clients[0].fd, text, strlen(text), 0), strlen(text));
	talk_run(talk, false);
	for (size_t steps = 0; !talk->clients[0].ended; steps++) {
		unsigned home = pair_home(pair);

		if (steps == from || (again > 0 && steps > from && (steps - from) % again == 0)) {
			http_server_move_away(pair->servers[home]);
			pair_stay(pair, !home);
		}
		assert_true(steps < 2 * wanted->used);
		sip(talk, step);
		talk_run(talk, false);
	}
	pair_stay(pair, 0);
	pair_stay(pair, 1);
	assert_like_unmoved(pair, wanted);
}

static void a_move_after_any_part_of_an_answer_changes_nothing(void **state)
{
	struct pair *pair = *state;
	char *text = long_stream();
	struct buffer wanted = unmoved(pair, text, strlen(text));
	size_t steps = wanted.used / 6000 + 2;

	for (size_t from = 0; from < steps; from++)
		slowly(pair, text, &wanted, 6000, from, 0);
	assert_in_range(pair->ends[0].moved, steps / 2, steps);
	buffer_free(&wanted);
	free(text);
}

static void moves_all_the_time_change_nothing(void **state)
{
	struct pair *pair = *state;
	char *text = long_stream();
	struct buffer wanted = unmoved(pair, text, strlen(text));

	for (size_t again = 1; again < 20; again++)
		slowly(pair, text, &wanted, 700, 0, again);
	slowly(pair, text, &wanted, 7, 0, 1);
	assert_in_range(pair->ends[0].moved, 40, 200);
	assert_in_range(pair->ends[1].moved, 20, 200);
	buffer_free(&wanted);
	free(text);
}

/* --- what is held back --- */

static void requests_held_back_are_answered_though_nothing_more_comes(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char *text = pair_repeat(GET("/small.txt"), 200);
	struct migration_state read;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	assert_true(send(talk->clients[0].fd, text, strlen(text), 0) > 0);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(pair_stats(pair, 0).requests, 64);
	http_server_move_away(pair->servers[0]);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(pair->kept_count, 1);
	assert_int_equal(migration_decode(&read, pair->kept[0].state, pair->kept[0].size), 0);
	assert_int_equal(read.answered, 64);
	assert_int_equal(read.input.len, (200 - 64) * strlen(GET("/small.txt")));

	/* The first lot before it returns, the others in turns of the loop. */
	assert_int_equal(
		http_server_take_moved(pair->servers[1], pair->kept[0].fd, pair->kept[0].state, pair->kept[0].size), 0);
	pair->kept[0].fd = -1;
	assert_int_equal(pair_stats(pair, 1).requests, 64);
	talk_run(talk, true);
	for (unsigned i = 0; i < 200; i++)
		talk_expect(talk, 0, 200);
	assert_int_equal(pair_stats(pair, 0).requests, 64);
	assert_int_equal(pair_stats(pair, 1).requests, 136);
	assert_int_equal(pair_stats(pair, 1).idle, 1);
	free(text);
}

static void more_than_fits_is_answered_until_it_does(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	unsigned count = 64000 / strlen(GET("/kilo.txt"));
	char *text = pair_repeat(GET("/kilo.txt"), count);
	size_t sent = 0, taken;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	taken = (size_t)send(talk->clients[0].fd, text, strlen(text), 0);
	assert_true(taken > MIGRATION_INPUT_MAX + 64 * strlen(GET("/kilo.txt")));
	sent += taken;
	talk_run(talk, false);
	http_server_move_away(pair->servers[0]);
	talk_send(talk, 0, text + sent, strlen(text) - sent);
	talk_run(talk, true);
	pair_stay(pair, 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(talk_expect(talk, 0, 200).body.len, 1024);
	talk_expect_silence(talk, 0);
	assert_int_equal(pair->ends[0].moved, 1);
	assert_in_range(pair_stats(pair, 0).requests, 100, count - 200);
	assert_int_equal(pair_stats(pair, 0).requests + pair_stats(pair, 1).requests, count);
	free(text);
}

static void what_waits_in_the_socket_is_answered_within_take(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char some[4096];

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	pair_move(pair, 0);
	assert_int_equal(pair->kept_count, 1);
	assert_int_equal(send(talk->clients[0].fd, &GET("/small.txt")[7], strlen(GET("/small.txt")) - 7, 0),
			 strlen(GET("/small.txt")) - 7);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	assert_int_equal(
		http_server_take_moved(pair->servers[1], pair->kept[0].fd, pair->kept[0].state, pair->kept[0].size), 0);
	pair->kept[0].fd = -1;
	assert_true(recv(talk->clients[0].fd, some, sizeof(some), 0) > 0);
	assert_memory_equal(some, "HTTP/1.1 200", 12);
	assert_int_equal(pair_stats(pair, 1).idle, 1);
}

static void a_client_that_is_done_gets_what_it_asked_for_before(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char *text = pair_repeat(GET("/small.txt"), 100);

	talk_connect(talk, 0, 0);
	assert_true(send(talk->clients[0].fd, text, strlen(text), 0) > 0);
	shutdown(talk->clients[0].fd, SHUT_WR);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(pair_move(pair, 0), 1);
	for (unsigned i = 0; i < 100; i++)
		talk_expect(talk, 0, 200);
	assert_true(talk->clients[0].ended);
	assert_int_equal(pair->ends[1].closed, 1);

	talk_connect(talk, 0, 0);
	talk_run(talk, true);
	shutdown(talk->clients[0].fd, SHUT_WR);
	pair_move(pair, 0);
	assert_true(talk->clients[0].ended);
	assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, 2);
	free(text);
}

static void empty_lines_are_counted_across_moves(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned lines = GUARD_EMPTY_LINES_MAX; lines <= GUARD_EMPTY_LINES_MAX + 1; lines++) {
		talk_connect(talk, 0, 0);
		for (unsigned i = 0; i < lines; i++) {
			talk_say(talk, 0, "\r\n");
			if (i < GUARD_EMPTY_LINES_MAX)
				assert_int_equal(pair_move(pair, pair_home(pair)), 1);
		}
		if (lines == GUARD_EMPTY_LINES_MAX)
			talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, lines == GUARD_EMPTY_LINES_MAX ? 200 : 400);
		talk_hang_up(talk, 0);
		talk_run(talk, true);
	}
}

/* What the connection's state says, on its way from one server to the other. */
static uint32_t origin_of_move(struct pair *pair, unsigned from)
{
	struct kept *kept = &pair->kept[0];
	struct migration_state state;

	pair->keeps = true;
	assert_int_equal(pair_move(pair, from), 1);
	assert_int_equal(migration_decode(&state, kept->state, kept->size), 0);
	assert_int_equal(http_server_take_moved(pair->servers[!from], kept->fd, kept->state, kept->size), 0);
	free(kept->state);
	pair->kept_count = 0;
	pair->keeps = false;
	return state.origin;
}

static void who_accepted_it_is_known_after_any_number_of_moves(void **state)
{
	struct pair *pair = *state;

	pair->servers[0]->options.origin = 5;
	pair->servers[1]->options.origin = 6;
	talk_connect(pair->talk, 0, 0);
	talk_say(pair->talk, 0, GET("/small.txt"));
	talk_expect(pair->talk, 0, 200);
	for (unsigned move = 0; move < 6; move++) {
		assert_int_equal(origin_of_move(pair, move % 2), 5);
		talk_say(pair->talk, 0, GET("/small.txt"));
		talk_expect(pair->talk, 0, 200);
	}
}

/* A giver of an earlier version says nothing of it; the taker's own would be wrong. */
static void one_whose_origin_is_not_known_stays_so(void **state)
{
	struct pair *pair = *state;

	pair->servers[1]->options.origin = 6;
	talk_connect(pair->talk, 0, 0);
	talk_say(pair->talk, 0, GET("/small.txt"));
	talk_expect(pair->talk, 0, 200);
	assert_int_equal(origin_of_move(pair, 0), 0);
	assert_int_equal(origin_of_move(pair, 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_start, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_move_between_any_two_octets_changes_nothing),
		TEST(a_move_after_each_octet_changes_nothing),
		TEST(a_move_before_octets_are_read_changes_nothing),
		TEST(a_move_after_any_part_of_an_answer_changes_nothing),
		TEST(moves_all_the_time_change_nothing),
		TEST(requests_held_back_are_answered_though_nothing_more_comes),
		TEST(more_than_fits_is_answered_until_it_does),
		TEST(what_waits_in_the_socket_is_answered_within_take),
		TEST(a_client_that_is_done_gets_what_it_asked_for_before),
		TEST(empty_lines_are_counted_across_moves),
		TEST(who_accepted_it_is_known_after_any_number_of_moves),
		TEST(one_whose_origin_is_not_known_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
