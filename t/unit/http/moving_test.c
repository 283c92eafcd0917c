/* SPDX-License-Identifier: MIT
 *
 * Connections that move between two servers, in one loop: whenever it happens, the client gets what
 * it would have got from one, octet by octet, and no time that it has not. */
#include "talk.h"

#include "http/server.h"
#include "http/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { KEPT_MAX = 512 };

struct kept {
	int fd;
	size_t size;
	char *state;
};

struct end {
	struct pair *pair;
	unsigned closed, moved;
};

struct pair {
	struct talk *talk;
	struct http_server *servers[2];
	struct end ends[2];
	bool keeps;      /* what moves is kept in `kept`; else it goes to the other server */
	bool returns;    /* or comes back at once */
	uint64_t duration_us; /* of the last request that was logged */
	struct kept kept[KEPT_MAX];
	unsigned kept_count;
};

static void on_closed(void *context)
{
	struct end *end = context;

	end->closed++;
}

static void on_moved(void *context, int fd, const void *state, size_t size)
{
	struct end *end = context;
	struct pair *pair = end->pair;

	assert_in_range(size, 1, HTTP_STATE_MAX);
	end->moved++;
	if (pair->keeps) {
		struct kept *kept = &pair->kept[pair->kept_count++];

		assert_true(pair->kept_count <= KEPT_MAX);
		*kept = (struct kept){fd, size, malloc(size)};
		assert_non_null(kept->state);
		memcpy(kept->state, state, size);
	} else {
		bool other = (end == &pair->ends[0]) != pair->returns;
		struct http_server *taker = pair->servers[other];

		assert_int_equal(http_server_take_moved(taker, fd, state, size), 0);
	}
}

static void on_log(void *context, const struct http_log_record *record)
{
	struct end *end = context;

	end->pair->duration_us = record->duration_us;
}

/* Entity tags of files that have just been changed differ from what they are a little later. */
static void age_files(struct talk *talk)
{
	static const char *const names[] = {"index.html", "small.txt", "kilo.txt", "fifty.bin",
					    "large.bin"};
	static const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(utimensat(talk->root_fd, names[i], times, 0), 0);
}

static int start(void **state)
{
	static const struct http_options options = {
		.head_timeout_ms = 1000,
		.write_timeout_ms = 4000,
		.keepalive_timeout_ms = 5000,
		.cache_body_max = 2000, /* fifty.bin goes by sendfile */
	};
	struct pair *pair = calloc(1, sizeof(*pair));
	struct http_options own = options;

	assert_non_null(pair);
	pair->talk = talk_start(&options, false);
	own.root_fd = pair->talk->root_fd;
	own.mime = pair->talk->mime;
	age_files(pair->talk);
	pair->servers[0] = pair->talk->server;
	pair->servers[1] = http_server_new(pair->talk->base, &own, NULL);
	assert_non_null(pair->servers[1]);
	pair->servers[1]->clock_ms = pair->servers[0]->clock_ms;
	for (unsigned i = 0; i < 2; i++) {
		pair->ends[i].pair = pair;
		pair->servers[i]->events = (struct http_events){
			.context = &pair->ends[i], .closed = on_closed, .moved = on_moved,
		};
	}
	*state = pair;
	return 0;
}

static void drop_kept(struct pair *pair)
{
	for (unsigned i = 0; i < pair->kept_count; i++) {
		if (pair->kept[i].fd != -1)
			close(pair->kept[i].fd);
		free(pair->kept[i].state);
	}
	pair->kept_count = 0;
}

static int stop(void **state)
{
	struct pair *pair = *state;

	drop_kept(pair);
	http_server_free(pair->servers[1]);
	talk_stop(pair->talk);
	free(pair);
	return 0;
}

static struct http_stats stats(const struct pair *pair, unsigned i)
{
	struct http_stats out;

	http_server_get_stats(pair->servers[i], &out);
	return out;
}

/* Ends what http_server_move_away began, as if it had never been: the owner has no use for this. */
static void stay(struct pair *pair, unsigned i)
{
	pair->servers[i]->moving = false;
}

/* All that can move from one server goes to the other. Returns how many have. */
static unsigned move_from(struct pair *pair, unsigned i)
{
	unsigned before = pair->ends[i].moved;

	http_server_move_away(pair->servers[i]);
	talk_run(pair->talk, true);
	stay(pair, i);
	return pair->ends[i].moved - before;
}

static unsigned home_of_one(const struct pair *pair)
{
	return stats(pair, 1).connections;
}

static void pass_time(struct pair *pair, unsigned ms)
{
	talk_now_ms += ms;
	http_server_tick(pair->servers[0]);
	http_server_tick(pair->servers[1]);
	talk_run(pair->talk, true);
}

/* --- whenever it happens --- */

#define STAYING \
	GET("/small.txt") \
	"HEAD /kilo.txt HTTP/1.1\r\nHost: a\r\n\r\n" \
	GET("/kilo.txt") \
	"\r\n\r\n" GET("/fifty.bin") \
	GET("/none") \
	"HEAD /fifty.bin HTTP/1.1\r\nHost: a\r\n\r\n" \
	"GET /kilo.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n" \
	"GET /fifty.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=10-5000\r\n\r\n" \
	"GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" \
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" \
	"\r\n" GET("/")
static const char stream_that_stays[] = STAYING;
static const char stream[] =
	STAYING "GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
enum { STREAM_SIZE = sizeof(stream) - 1, STREAM_REQUESTS = 12 };

static char *repeat(const char *text, unsigned count)
{
	size_t size = strlen(text);
	char *out = malloc(size * count + 1);

	assert_non_null(out);
	for (unsigned i = 0; i < count; i++)
		memcpy(out + i * size, text, size);
	out[size * count] = '\0';
	return out;
}

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
	assert_int_equal(stats(pair, 0).connections + stats(pair, 1).connections, 0);
	assert_int_equal(stats(pair, 0).idle + stats(pair, 1).idle, 0);
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
		moves += move_from(pair, 0);
		assert_int_equal(stats(pair, 0).connections, 0);
		assert_int_equal(stats(pair, 1).connections, 1);
		talk_send(talk, 0, stream + cut, STREAM_SIZE - cut);
		talk_run(talk, true);
		assert_like_unmoved(pair, &wanted);
		assert_int_equal(pair->ends[1].closed, cut + 1);
	}
	assert_int_equal(moves, STREAM_SIZE);
	assert_int_equal(stats(pair, 0).requests + stats(pair, 1).requests,
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
			assert_int_equal(move_from(pair, home_of_one(pair)), 1);
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
		move_from(pair, 0);
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
	char *text = repeat(stream_that_stays, 20), *end;
	size_t size = strlen(text) + STREAM_SIZE + 1;

	end = realloc(text, size);
	assert_non_null(end);
	strcat(end, stream);
	return end;
}

/* All of it at once into a small socket buffer, read `step` octets at a time; moves away after
 * `from` such steps, and then again after each `again` more ones (0: never). */
static void slowly(struct pair *pair, const char *text, const struct buffer *wanted, size_t step,
		   size_t from, size_t again)
{
	struct talk *talk = pair->talk;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	assert_int_equal(send(talk->clients[0].fd, text, strlen(text), 0), strlen(text));
	talk_run(talk, false);
	for (size_t steps = 0; !talk->clients[0].ended; steps++) {
		unsigned home = home_of_one(pair);

		if (steps == from || (again > 0 && steps > from && (steps - from) % again == 0)) {
			http_server_move_away(pair->servers[home]);
			stay(pair, !home);
		}
		assert_true(steps < 2 * wanted->used);
		sip(talk, step);
		talk_run(talk, false);
	}
	stay(pair, 0);
	stay(pair, 1);
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
	char *text = repeat(GET("/small.txt"), 200);
	struct state read;

	pair->keeps = true;
	talk_connect(talk, 0, 0);
	assert_true(send(talk->clients[0].fd, text, strlen(text), 0) > 0);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(stats(pair, 0).requests, 64);
	http_server_move_away(pair->servers[0]);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(pair->kept_count, 1);
	assert_int_equal(state_decode(&read, pair->kept[0].state, pair->kept[0].size), 0);
	assert_int_equal(read.answered, 64);
	assert_int_equal(read.input.len, (200 - 64) * strlen(GET("/small.txt")));

	/* The first lot before it returns, the others in turns of the loop. */
	assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[0].fd,
						pair->kept[0].state, pair->kept[0].size), 0);
	pair->kept[0].fd = -1;
	assert_int_equal(stats(pair, 1).requests, 64);
	talk_run(talk, true);
	for (unsigned i = 0; i < 200; i++)
		talk_expect(talk, 0, 200);
	assert_int_equal(stats(pair, 0).requests, 64);
	assert_int_equal(stats(pair, 1).requests, 136);
	assert_int_equal(stats(pair, 1).idle, 1);
	free(text);
}

static void more_than_fits_is_answered_until_it_does(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	unsigned count = 64000 / strlen(GET("/kilo.txt"));
	char *text = repeat(GET("/kilo.txt"), count);
	size_t sent = 0, taken;

	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	taken = (size_t)send(talk->clients[0].fd, text, strlen(text), 0);
	assert_true(taken > STATE_INPUT_MAX + 64 * strlen(GET("/kilo.txt")));
	sent += taken;
	talk_run(talk, false);
	http_server_move_away(pair->servers[0]);
	talk_send(talk, 0, text + sent, strlen(text) - sent);
	talk_run(talk, true);
	stay(pair, 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(talk_expect(talk, 0, 200).body.len, 1024);
	talk_expect_silence(talk, 0);
	assert_int_equal(pair->ends[0].moved, 1);
	assert_in_range(stats(pair, 0).requests, 100, count - 200);
	assert_int_equal(stats(pair, 0).requests + stats(pair, 1).requests, count);
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
	move_from(pair, 0);
	assert_int_equal(pair->kept_count, 1);
	assert_int_equal(send(talk->clients[0].fd, &GET("/small.txt")[7],
			      strlen(GET("/small.txt")) - 7, 0), strlen(GET("/small.txt")) - 7);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[0].fd,
						pair->kept[0].state, pair->kept[0].size), 0);
	pair->kept[0].fd = -1;
	assert_true(recv(talk->clients[0].fd, some, sizeof(some), 0) > 0);
	assert_memory_equal(some, "HTTP/1.1 200", 12);
	assert_int_equal(stats(pair, 1).idle, 1);
}

static void a_client_that_is_done_gets_what_it_asked_for_before(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char *text = repeat(GET("/small.txt"), 100);

	talk_connect(talk, 0, 0);
	assert_true(send(talk->clients[0].fd, text, strlen(text), 0) > 0);
	shutdown(talk->clients[0].fd, SHUT_WR);
	event_base_loop(talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_int_equal(move_from(pair, 0), 1);
	for (unsigned i = 0; i < 100; i++)
		talk_expect(talk, 0, 200);
	assert_true(talk->clients[0].ended);
	assert_int_equal(pair->ends[1].closed, 1);

	talk_connect(talk, 0, 0);
	talk_run(talk, true);
	shutdown(talk->clients[0].fd, SHUT_WR);
	move_from(pair, 0);
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
				assert_int_equal(move_from(pair, home_of_one(pair)), 1);
		}
		if (lines == GUARD_EMPTY_LINES_MAX)
			talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, lines == GUARD_EMPTY_LINES_MAX ? 200 : 400);
		talk_hang_up(talk, 0);
		talk_run(talk, true);
	}
}

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
		assert_int_equal(move_from(pair, home_of_one(pair)), 1);
		pass_time(pair, 109);
	}
	talk_expect(talk, 0, 200);
	talk_hang_up(talk, 0);
	talk_run(talk, true);

	/* ... and too late by a little. */
	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 9; i++) {
		talk_expect_silence(talk, 0);
		talk_say(talk, 0, "G");
		pass_time(pair, 110);
		assert_int_equal(move_from(pair, home_of_one(pair)), 1);
	}
	pass_time(pair, 10 + DEADLINE_STEP_MS);
	assert_true(talk_expect(talk, 0, 408).close);
}

/* Whatever time is left, and however often it moves meanwhile: not a millisecond is won or lost. */
static void assert_ends_after(struct pair *pair, unsigned left_ms, unsigned moves)
{
	unsigned closed = pair->ends[0].closed + pair->ends[1].closed;
	unsigned passed = 0;

	for (unsigned i = 0; i < moves; i++) {
		unsigned step = (left_ms - 1 - passed) / (moves - i);

		pass_time(pair, step);
		passed += step;
		assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, closed);
		assert_int_equal(move_from(pair, home_of_one(pair)), 1);
	}
	pass_time(pair, DEADLINE_STEP_MS);
	assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, closed + 1);
	assert_true(pair->talk->clients[0].ended);
	talk_expect_silence(pair->talk, 0);
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

static void time_left_is_at_most_that_of_the_taker(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	pair->servers[1]->deadlines.timeout_ms[DEADLINE_IDLE] = 2000;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("/small.txt"));
	talk_expect(talk, 0, 200);
	pass_time(pair, 1000);
	assert_int_equal(move_from(pair, 0), 1);
	pass_time(pair, 1900);
	assert_int_equal(pair->ends[1].closed, 0);
	pass_time(pair, 100 + DEADLINE_STEP_MS);
	assert_int_equal(pair->ends[1].closed, 1);
}

static void an_answer_begins_a_new_time_as_ever(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		talk_say(talk, 0, GET("/small.txt"));
		talk_expect(talk, 0, 200);
		assert_int_equal(move_from(pair, home_of_one(pair)), 1);
		pass_time(pair, 4900);
		assert_false(talk->clients[0].ended);
	}
}

static void the_log_counts_from_the_first_octet_wherever_it_came(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	for (unsigned i = 0; i < 2; i++)
		pair->servers[i]->events.log = on_log;
	pair->keeps = true;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /sm");
	move_from(pair, 0);

	struct state read;

	assert_int_equal(state_decode(&read, pair->kept[0].state, pair->kept[0].size), 0);
	assert_in_range(read.age_us, 1, 60000000);
	read.age_us = 70000000;

	char out[100];
	size_t size = state_encode(&read, out);

	assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[0].fd, out, size), 0);
	pair->kept[0].fd = -1;
	talk_say(talk, 0, &GET("/small.txt")[7]);
	talk_expect(talk, 0, 200);
	assert_in_range(pair->duration_us, 70000000, 140000000);
}

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
	http_server_retire(pair->servers[0]);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(http_server_take_moved(pair->servers[0], pair->kept[i].fd,
							pair->kept[i].state, pair->kept[i].size),
				 0);
		pair->kept[i].fd = -1;
	}
	talk_run(talk, true);
	assert_int_equal(pair->kept_count, 2);
	assert_int_equal(stats(pair, 0).connections, 2);
	assert_int_equal(stats(pair, 0).idle, 1);
	talk_say(talk, 0, GET("/small.txt"));
	assert_true(talk_expect(talk, 0, 200).close);
	talk_say(talk, 1, &GET("/small.txt")[7]);
	assert_true(talk_expect(talk, 1, 200).close);
	assert_true(talk->clients[1].ended);
}

/* From within the very call that gives it away, too: it is answered when nothing moves any more,
 * and otherwise given away anew in a later turn of the loop. */
static void an_owner_may_return_it_at_once(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	char *text = repeat(GET("/small.txt"), 100);

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
	assert_int_equal(stats(pair, 0).requests, 64);
	http_server_retire(pair->servers[0]);
	talk_run(talk, true);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(talk_expect(talk, 0, 200).close, i == 99);
	free(text);
}

/* The owner has found somebody after all. */
static void moving_can_begin_again(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	talk_run(talk, true);
	http_server_move_away(pair->servers[0]);
	http_server_retire(pair->servers[0]);
	talk_run(talk, true);
	assert_int_equal(pair->ends[0].moved, 0);
	/* Also an answer that is given before the connection leaves says nothing of an end. */
	http_server_move_away(pair->servers[0]);
	talk_say(talk, 0, GET("/small.txt"));
	assert_false(talk_expect(talk, 0, 200).close);
	assert_int_equal(pair->ends[0].moved, 1);
	talk_say(talk, 0, GET("/small.txt"));
	assert_false(talk_expect(talk, 0, 200).close);
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
		assert_int_equal(http_server_take_moved(pair->servers[0], pair->kept[i].fd,
							pair->kept[i].state, pair->kept[i].size),
				 0);
		pair->kept[i].fd = -1;
		assert_int_equal(pair->kept_count, i + 1);
		assert_int_equal(stats(pair, 0).connections, 1);
		assert_int_equal(stats(pair, 0).idle, 0);
	}
	http_server_retire(pair->servers[0]);
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
	assert_int_equal(stats(pair, 0).requests, 0);
	assert_int_equal(stats(pair, 1).requests, 2);
}

static void answers_on_their_way_are_finished_first(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, 0);
	talk_send(talk, 0, GET("/large.bin") GET("/small.txt"),
		  strlen(GET("/large.bin") GET("/small.txt")));
	talk_run(talk, false);
	http_server_move_away(pair->servers[0]);
	talk_run(talk, false);
	assert_int_equal(pair->ends[0].moved, 0);
	talk_run(talk, true);
	assert_int_equal(pair->ends[0].moved, 1);
	assert_int_equal(talk_expect(talk, 0, 200).body.len, 3000000);
	talk_expect(talk, 0, 200);
	assert_int_equal(stats(pair, 0).requests, 2);
	assert_int_equal(stats(pair, 1).idle, 1);
}

static void what_is_to_end_ends_here(void **state)
{
	static const char last[] =
		"GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
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
	assert_int_equal(stats(pair, 1).connections, 0);
}

static void a_last_answer_stays_the_last_one(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;

	talk_connect(talk, 0, HTTP_TAKE_CLOSE);
	assert_int_equal(move_from(pair, 0), 1);
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

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
					    ends), 0);
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
		assert_int_equal(stats(pair, 0).connections + stats(pair, 1).connections, COUNT);
		assert_int_equal(stats(pair, 0).idle + stats(pair, 1).idle, COUNT);
	}
	assert_in_range(turns, 3, 5);
	http_server_stop(pair->servers[1]);
	assert_int_equal(pair->ends[1].closed, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		close(clients[i]);
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
		assert_int_equal(move_from(pair, from), TALK_CLIENTS);
		assert_int_equal(stats(pair, from).connections, 0);
		assert_int_equal(stats(pair, from).idle, 0);
		assert_int_equal(stats(pair, to).connections, TALK_CLIENTS);
		assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED),
				 TALK_CLIENTS);
	}
	for (unsigned i = 0; i < TALK_CLIENTS; i++) {
		for (unsigned n = 0; n < (ROUNDS - i * 3) / HEAD_SIZE; n++)
			assert_int_equal(talk_expect(talk, i, 200).body.len, 1024);
		talk_expect_silence(talk, i);
	}
	assert_int_equal(pair->ends[0].closed + pair->ends[1].closed, 0);
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
	move_from(pair, 0);
	assert_true(kept->size < sizeof(damaged));
	for (size_t size = 0; size < kept->size; size++)
		assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state,
							size), -EINVAL);
	memcpy(damaged, kept->state, kept->size);
	damaged[0]++;
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, damaged, kept->size),
			 -EINVAL);
	assert_int_equal(stats(pair, 1).connections, 0);
	assert_int_equal(pair->ends[1].closed, 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	/* The right one still does. */
	assert_int_equal(http_server_take_moved(pair->servers[1], kept->fd, kept->state,
						kept->size), 0);
	kept->fd = -1;
	talk_say(talk, 0, &GET("/small.txt")[7]);
	talk_expect(talk, 0, 200);
}

static void numbers_out_of_range_help_nobody(void **state)
{
	struct pair *pair = *state;
	struct talk *talk = pair->talk;
	struct state crafted = {
		.answered = UINT32_MAX,
		.wait = STATE_WAIT_IDLE,
		.left_ms = UINT32_MAX,
		.empty_lines = UINT8_MAX,
		.age_us = UINT64_MAX,
	};
	char octets[100];

	pair->keeps = true;
	for (unsigned i = 0; i < 2; i++) {
		talk_connect(talk, 0, 0);
		move_from(pair, 0);
		assert_int_equal(http_server_take_moved(pair->servers[1], pair->kept[i].fd, octets,
							state_encode(&crafted, octets)), 0);
		pair->kept[i].fd = -1;
		if (i == 0) {
			talk_say(talk, 0, "\r\n");
			talk_expect(talk, 0, 400);
		} else {
			pass_time(pair, 5000 + DEADLINE_STEP_MS);
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
	move_from(pair, 0);
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
			pass_time(pair, 6000);
			pass_time(pair, 6000);
			assert_int_equal(stats(pair, 1).connections, 0);
			assert_int_equal(pair->ends[1].closed, taken);
			/* The client's end is shut by the first of these. */
			talk_hang_up(talk, 0);
		}
	}
	assert_in_range(taken, 30, kept.size * 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

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
		TEST(a_head_has_a_total_time_across_moves),
		TEST(silence_ends_when_it_would_have),
		TEST(idleness_ends_when_it_would_have),
		TEST(time_left_is_at_most_that_of_the_taker),
		TEST(an_answer_begins_a_new_time_as_ever),
		TEST(the_log_counts_from_the_first_octet_wherever_it_came),
		TEST(a_connection_that_nobody_takes_comes_back),
		TEST(an_owner_may_return_it_at_once),
		TEST(moving_can_begin_again),
		TEST(back_while_moving_it_leaves_again_later),
		TEST(those_taken_meanwhile_leave_unread),
		TEST(answers_on_their_way_are_finished_first),
		TEST(what_is_to_end_ends_here),
		TEST(a_last_answer_stays_the_last_one),
		TEST(they_leave_in_small_lots),
		TEST(a_thousand_moves_leave_nothing_behind),
		TEST(damaged_states_are_refused_and_the_socket_left_alone),
		TEST(numbers_out_of_range_help_nobody),
		TEST(whatever_is_taken_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
