/* SPDX-License-Identifier: MIT
 *
 * Every state of a connection, and all that can happen in it. */
#include "pair.h"

#include "base/network.h"
#include "http/client/quota.h"
#include "http/connection/connection.h"
#include "http/connection/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GET "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"

enum happening { SPEAKS, HANGS_UP, EXPIRES, LEAVES, ABORTED, HAPPENINGS };
enum { GONE = CONNECTION_STATES, GIVEN }; /* what else may become of it */
enum { ROUNDS = 5 };                      /* of the loop: one in CONCLUDING is never quiet */

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks trusted = {&unix_peers, 1};
static struct stream_io stubborn; /* never done with its last word */

static int conclude(struct stream *stream)
{
	(void)stream;
	return -EAGAIN;
}

static struct connection *only(struct pair *pair)
{
	struct http_server *server = pair->servers[0];

	return connection_of_link(list_empty(&server->open) ? server->turns.next : server->open.next);
}

static void run(struct pair *pair, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		event_base_loop(pair->talk->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void say(struct pair *pair, const char *text)
{
	size_t size = strlen(text);

	assert_int_equal(send(pair->talk->clients[0].fd, text, size, MSG_NOSIGNAL), size);
}

/* The other server has the only one that there may be, and it is idle. */
static void fill(struct pair *pair, struct quota *quota)
{
	int ends[2];

	for (unsigned i = 0; i < 2; i++) {
		struct http_limits limits = {.quota = quota, .worker = i, .connections_max_total = 1};

		admission_init(&pair->servers[i]->admission, &limits);
		pair->servers[i]->admission.look_ms = 3600000;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	pair->talk->clients[1].fd = ends[0];
	http_server_take(pair->servers[1], ends[1], 0);
	talk_now_ms += 1000;
	http_server_tick(pair->servers[1]);
}

static void bring(struct pair *pair, enum connection_state state, struct quota *quota)
{
	struct talk *talk = pair->talk;
	char *many = pair_repeat(GET, 100);

	if (state == CONNECTION_OUTSIDE)
		fill(pair, quota);
	if (state == CONNECTION_WRITING)
		talk->sockets_send_size = 4096;
	pair->servers[0]->options.proxy_trusted = &trusted;
	talk_connect(talk, 0, state == CONNECTION_PROXY ? HTTP_TAKE_PROXY : 0);
	switch (state) {
	case CONNECTION_PROXY:
	case CONNECTION_WAITING:
	case CONNECTION_OUTSIDE:
	case CONNECTION_STATES:
		break;
	case CONNECTION_HEAD:
		say(pair, "GET /sm");
		break;
	case CONNECTION_TURN:
		say(pair, many);
		break;
	case CONNECTION_WRITING:
		say(pair, "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
		break;
	case CONNECTION_CONCLUDING:
		stubborn = stream_plain;
		stubborn.conclude = conclude;
		only(pair)->stream.io = &stubborn;
		shutdown(talk->clients[0].fd, SHUT_WR);
		break;
	case CONNECTION_LINGERING:
		say(pair, "?\r\n\r\n");
		break;
	}
	run(pair, state == CONNECTION_TURN ? 1 : ROUNDS);
	assert_int_equal(only(pair)->state, state);
	free(many);
}

/* Whether a request was cut. */
static bool happen(struct pair *pair, enum happening what)
{
	bool cut = false;

	switch (what) {
	case SPEAKS:
		if (only(pair)->state != CONNECTION_CONCLUDING)
			say(pair, "\r\n");
		break;
	case HANGS_UP:
		talk_hang_up(pair->talk, 0);
		break;
	case EXPIRES:
		talk_now_ms += 600000;
		http_server_tick(pair->servers[0]);
		return false;
	case LEAVES:
		http_server_move_away(pair->servers[0]);
		break;
	case ABORTED:
		cut = connection_abort(only(pair));
		break;
	case HAPPENINGS:
		break;
	}
	run(pair, ROUNDS);
	return cut;
}

static unsigned outcome(struct pair *pair)
{
	struct http_stats stats = pair_stats(pair, 0);
	struct connection *connection;
	bool waits, unread;

	assert_int_equal(pair->ends[0].closed + pair->ends[0].moved + stats.connections, 1);
	if (stats.connections == 0) {
		assert_int_equal(stats.idle, 0);
		assert_int_equal(pair->servers[0]->movable, 0);
		return pair->ends[0].moved ? GIVEN : GONE;
	}
	connection = only(pair);
	waits = connection->state == CONNECTION_WAITING;
	unread = connection->state == CONNECTION_PROXY && connection->input.used == 0;
	assert_int_equal(stats.idle, waits || unread);
	assert_int_equal(pair->servers[0]->movable, waits);
	return connection->state;
}

static void all_that_can_happen_in_every_state(void **state)
{
	enum { P = CONNECTION_PROXY, W = CONNECTION_WAITING, T = CONNECTION_TURN, L = CONNECTION_LINGERING };
	enum { C = CONNECTION_CONCLUDING, O = CONNECTION_OUTSIDE, R = CONNECTION_WRITING };
	static const unsigned expected[CONNECTION_STATES][HAPPENINGS] = {
		/* an empty line (which may begin a PROXY header), the client's end, time is up, leave, at once */
		[CONNECTION_OUTSIDE] = {O, O, L, O, GONE},       [CONNECTION_PROXY] = {P, GONE, L, GIVEN, GONE},
		[CONNECTION_WAITING] = {W, GONE, L, GIVEN, L},   [CONNECTION_HEAD] = {L, GONE, L, GIVEN, GONE},
		[CONNECTION_TURN] = {W, GONE, T, GIVEN, GONE},   [CONNECTION_WRITING] = {R, GONE, GONE, R, GONE},
		[CONNECTION_CONCLUDING] = {C, C, GONE, C, GONE}, [CONNECTION_LINGERING] = {L, GONE, GONE, L, GONE},
	};
	static const bool cuts[CONNECTION_STATES] = {
		[CONNECTION_OUTSIDE] = true, [CONNECTION_HEAD] = true,       [CONNECTION_TURN] = true,
		[CONNECTION_WRITING] = true, [CONNECTION_CONCLUDING] = true,
	};

	for (unsigned from = 0; from < CONNECTION_STATES; from++) {
		for (unsigned what = 0; what < HAPPENINGS; what++) {
			struct quota *quota = quota_new();
			struct pair *pair;
			bool cut;

			assert_int_equal(pair_start(state), 0);
			pair = *state;
			pair->keeps = true;
			bring(pair, (enum connection_state)from, quota);
			cut = happen(pair, (enum happening)what);
			if (outcome(pair) != expected[from][what] || cut != (what == ABORTED && cuts[from]))
				fail_msg("in state %u, event %u: comes to %u%s", from, what, outcome(pair),
					 cut ? ", and cuts" : "");
			http_server_abort(pair->servers[0]);
			assert_int_equal(pair_stats(pair, 0).connections, 0);
			pair_stop(state);
			quota_free(quota);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_can_happen_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
