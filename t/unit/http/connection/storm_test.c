/* SPDX-License-Identifier: MIT
 *
 * Clients that do anything at any time, from fixed seeds: they send requests in pieces, read a little or
 * nothing, half-close, vanish, while time passes and the server at last drains and stops. Each answer
 * that comes is the right one, in order, and at the end nothing is left. */
#include "talk.h"

#include "base/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { QUEUE = 4096, STEPS = 20000 };

struct kind {
	const char *request;
	unsigned status;
	size_t body;
	bool to_head;
};

#define HOST " HTTP/1.1\r\nHost: a\r\n"

static const struct kind kinds[] = {
	{"GET /small.txt" HOST "\r\n", 200, 10, false},
	{"GET /kilo.txt" HOST "X: y\r\n\r\n", 200, 1024, false},
	{"GET /fifty.bin" HOST "\r\n", 200, 50000, false},
	{"GET /large.bin" HOST "\r\n", 200, 3000000, false},
	{"GET /large.bin" HOST "Range: bytes=5-204\r\n\r\n", 206, 200, false},
	{"HEAD /large.bin" HOST "\r\n", 200, 0, true},
	{"GET /none" HOST "\r\n", 404, 0, false}, /* its body is not looked at */
	{"OPTIONS *" HOST "\r\n", 200, 0, false},
	{"\r\nGET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, 10, false},
};

struct player {
	const struct kind *asked[QUEUE]; /* answers to come, a ring */
	unsigned first, count;
	const char *rest; /* of a request that has been sent in part */
	bool shut;
};

static struct player players[TALK_CLIENTS];

static unsigned any(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static void join(struct talk *talk, unsigned number)
{
	talk->sockets_send_size = any(2) ? 4096 : 0;
	talk_connect(talk, number, any(2) ? HTTP_TAKE_WAITING : 0);
	players[number] = (struct player){0};
}

/* Some octets of the request that is under way, or of a new one. */
static void ask(struct talk *talk, unsigned number)
{
	struct player *player = &players[number];
	unsigned share = any(20);

	if (player->shut || player->count == QUEUE)
		return;
	if (!player->rest) {
		const struct kind *kind = &kinds[any(sizeof(kinds) / sizeof(kinds[0]))];

		player->asked[(player->first + player->count++) % QUEUE] = kind;
		player->rest = kind->request;
	}

	size_t size = strlen(player->rest);
	ssize_t sent =
		send(talk->clients[number].fd, player->rest, share < 15 ? size : 1 + any((unsigned)size), MSG_NOSIGNAL);

	if (sent > 0)
		player->rest = (size_t)sent == size ? NULL : player->rest + sent;
}

/* Reads up to so many octets and checks what is whole of it. */
static void hear(struct talk *talk, unsigned number, size_t limit)
{
	struct talk_client *client = &talk->clients[number];
	struct player *player = &players[number];
	static char data[1 << 20];
	struct answer answer;
	ssize_t size = recv(client->fd, data, limit < sizeof(data) ? limit : sizeof(data), 0);

	if (size == 0)
		client->ended = true;
	if (size <= 0)
		return;
	assert_int_equal(buffer_append(&client->received, data, (size_t)size), 0);
	while (player->count > 0 && talk_answer(talk, number, player->asked[player->first]->to_head, &answer)) {
		const struct kind *kind = player->asked[player->first];

		assert_int_equal(answer.status, kind->status);
		if (kind->status < 300)
			assert_int_equal(answer.body.len, kind->body);
		player->first = (player->first + 1) % QUEUE;
		player->count--;
	}
	if (client->read == client->received.used) {
		buffer_free(&client->received);
		client->read = 0;
	}
}

static void act(struct talk *talk, unsigned number)
{
	struct talk_client *client = &talk->clients[number];

	if (client->fd == -1) {
		join(talk, number);
		return;
	}
	if (client->ended) {
		talk_hang_up(talk, number);
		return;
	}
	switch (any(40)) {
	case 0:
		talk_hang_up(talk, number);
		break;
	case 1:
		shutdown(client->fd, SHUT_WR);
		players[number].shut = true;
		break;
	case 2:
		talk_now_ms += any(300);
		http_server_tick(talk->server);
		break;
	default:
		if (any(3))
			ask(talk, number);
		else
			hear(talk, number, (size_t)1 << any(21));
	}
}

static void storm(unsigned seed)
{
	static const struct http_options options = {
		.head_timeout_ms = 20000,
		.keepalive_timeout_ms = 20000,
		.write_timeout_ms = 20000,
	};
	size_t fds = fd_count_open();
	struct talk *talk = talk_start(&options, seed % 2);

	srand(seed);
	for (unsigned step = 0; step < STEPS; step++) {
		act(talk, any(TALK_CLIENTS));
		if (any(3))
			event_base_loop(talk->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (step == STEPS - STEPS / 20)
			http_server_announce_stop(talk->server);
	}
	http_server_stop(talk->server);
	/* Whoever reads on gets all that was asked for whole. */
	for (unsigned round = 0; round < 500; round++) {
		event_base_loop(talk->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		for (unsigned i = 0; i < TALK_CLIENTS; i++)
			if (talk->clients[i].fd != -1)
				hear(talk, i, SIZE_MAX);
	}
	talk_pass_stop(talk);
	assert_int_equal(talk_stats(talk).idle, 0);
	for (unsigned i = 0; i < TALK_CLIENTS; i++)
		talk_hang_up(talk, i);
	talk_run(talk, false);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	assert_true(talk_stats(talk).requests > STEPS / 20);
	talk_stop(talk);
	assert_int_equal(fd_count_open(), fds);
}

static void whatever_clients_do_they_get_right_answers(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 6; seed++)
		storm(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_clients_do_they_get_right_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
