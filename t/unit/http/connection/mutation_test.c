/* SPDX-License-Identifier: MIT
 *
 * Damaged requests, from a fixed seed: whatever comes, each answer is well formed, none follows one
 * that said close, the answers do not depend on how the octets were cut, and nothing is left
 * behind. */
#include "talk.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { ROUNDS = 10000, SIZE_MAX_MUTANT = 2048 };

static const char *const seeds[] = {
	"GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a:80/small.txt?x=y HTTP/1.1\r\nHost: b\r\nConnection: keep-alive\r\n\r\n",
	"HEAD /kilo.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n\r\n",
	"GET /kilo.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,20-29\r\nIf-None-Match: \"x\"\r\n\r\n",
	"GET /%2e%2e/none HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n",
	"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
};

static const char *const pieces[] = {
	"\r\n",
	"\n",
	"\r",
	" ",
	"\t",
	":",
	",",
	"\r\n\r\n",
	"HTTP/1.1",
	"Host: b\r\n",
	"\r\n ",
	"Content-Length: 1\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Connection: close\r\n",
	"chunked",
	"close",
	"GET ",
	"/",
	"\x80",
	"\xff",
	"#",
	"%",
	"0",
	"99999999999999999999",
	"bytes=",
	"-",
};

static unsigned any(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static void replace(char *data, size_t *size, size_t at, size_t cut, const char *text, size_t length)
{
	if (*size - cut + length > SIZE_MAX_MUTANT)
		return;
	memmove(data + at + length, data + at + cut, *size - at - cut);
	memcpy(data + at, text, length);
	*size = *size - cut + length;
}

/* A few requests in a row with a few changes. */
static size_t mutate(char *data)
{
	size_t size = 0;

	for (unsigned count = 1 + any(3); count > 0; count--) {
		const char *seed = seeds[any(sizeof(seeds) / sizeof(seeds[0]))];

		replace(data, &size, size, 0, seed, strlen(seed));
	}
	for (unsigned count = any(4); count > 0; count--) {
		size_t at = any((unsigned)size), left = size - at;
		const char *piece = pieces[any(sizeof(pieces) / sizeof(pieces[0]))];
		char octet = (char)any(256);

		switch (any(4)) {
		case 0:
			replace(data, &size, at, 1, &octet, 1);
			break;
		case 1:
			replace(data, &size, at, left < 3 ? left : any(3), "", 0);
			break;
		case 2:
			replace(data, &size, at, 0, piece, strlen(piece));
			break;
		default:
			replace(data, &size, at, left < 8 ? left : any(8), piece, strlen(piece));
		}
	}
	return size;
}

/* Sends in steps (0: whole), then half-closes; statuses of all that came, in order. */
static unsigned converse(struct talk *talk, const char *data, size_t size, size_t step, unsigned statuses[64])
{
	struct talk_client *client = &talk->clients[0];
	unsigned count = 0;
	char *at, *end;

	talk_connect(talk, 0, HTTP_TAKE_WAITING);
	for (size_t sent = 0; sent < size;) {
		size_t some = step == 0 || size - sent < step ? size - sent : step;

		if (send(client->fd, data + sent, some, MSG_NOSIGNAL) < 0)
			break;
		sent += some;
		talk_run(talk, true);
	}
	shutdown(client->fd, SHUT_WR);
	talk_run(talk, true);
	assert_true(client->ended || client->reset);

	if (client->received.used == 0)
		return 0;
	assert_memory_equal(client->received.data, "HTTP/1.1 ", 9);
	/* No file that can be asked for has such a line in it, so these are the answers' beginnings. */
	end = client->received.data + client->received.used;
	for (at = client->received.data; (at = memmem(at, (size_t)(end - at), "HTTP/1.1 ", 9)); at += 9) {
		assert_true(count < 64);
		statuses[count++] = (unsigned)atoi(at + 9);
		assert_in_range(statuses[count - 1], 200, 599);
	}
	/* Only the last answer says it. */
	at = memmem(client->received.data, client->received.used, "Connection: close\r\n", 19);
	assert_true(!at || !memmem(at, (size_t)(end - at), "HTTP/1.1 ", 9));
	return count;
}

static void whatever_comes_is_answered_well(void **state)
{
	struct talk *talk = talk_start(NULL, true);
	static char data[SIZE_MAX_MUTANT];
	unsigned closed = 0, refused = 0;

	(void)state;
	srand(20261121);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t size = mutate(data);
		unsigned whole[64], cut[64];
		unsigned count = converse(talk, data, size, 0, whole);

		closed++;
		assert_int_equal(talk->closed, closed);
		for (unsigned i = 0; i < count; i++)
			refused += whole[i] == 400;
		if (round % 4 == 0) {
			assert_int_equal(converse(talk, data, size, 1 + any(7), cut), count);
			closed++;
			assert_memory_equal(whole, cut, count * sizeof(whole[0]));
		}
		assert_int_equal(talk_stats(talk).connections, 0);
		assert_int_equal(event_base_get_num_events(talk->base, EVENT_BASE_COUNT_ADDED), 0);
	}
	/* The changes did change something, and did not spoil all. */
	assert_in_range(refused, ROUNDS / 10, ROUNDS);
	assert_int_equal(talk_stats(talk).requests, talk->logged);
	talk_stop(talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_comes_is_answered_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
