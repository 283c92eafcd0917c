/* SPDX-License-Identifier: MIT
 *
 * Connections of a real server, over socket pairs: what clients send in whatever pieces, while time
 * passes, connections move to another server and back, and servers drain and stop.
 *
 * An input is a list of steps: an octet that says what, one with a number, and for what sends so many
 * octets. What is no step ends it. */
#include "fuzz.h"
#include "root.h"

#include "base/log.h"
#include "base/network.h"
#include "http/connection/server.h"
#include "http/connection/migration_state.h"
#include "log_to.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 2, SERVERS = 2, KEPT_MAX = 8 };

static struct event_base *base;
static struct http_server *servers[SERVERS];
static int clients[CLIENTS];
static uint64_t now_ms = 1000000;

/* What moves: to the other server at once, or kept until it is taken back. */
static bool keeps;
static struct kept {
	int fd;
	size_t size;
	char *state;
} kept[KEPT_MAX];
static unsigned kept_count;

static uint64_t fuzz_clock(void)
{
	return now_ms;
}

static void on_moved(void *context, int fd, const void *state, size_t size)
{
	struct http_server *other = servers[context == &servers[0]];

	FUZZ_CHECK(size > 0 && size <= HTTP_STATE_MAX);
	FUZZ_CHECK(http_server_admits(other, state, size));
	if (keeps && kept_count < KEPT_MAX)
		kept[kept_count++] = (struct kept){fd, size, fuzz_copy(state, size)};
	else
		FUZZ_CHECK(http_server_take_moved(other, fd, state, size) == 0);
}

static void on_log(void *context, const struct http_log_entry *entry)
{
	(void)context;
	FUZZ_CHECK(entry->status >= 200 && entry->status < 600);
	FUZZ_CHECK(entry->request_line.len == 0 || entry->request_line.ptr[entry->request_line.len - 1] != '\n');
}

static void start(void)
{
	static struct networks trusted;
	char reason[64];
	struct http_options options = {
		.head_timeout_ms = 1000,
		.write_timeout_ms = 2000,
		.keepalive_timeout_ms = 1500,
		.head_size_max = 4096,
		.target_size_max = 512,
		.cache_body_max = 1000,
		.trusted = &trusted,
		.proxy_trusted = &trusted,
		.root_fd = fuzz_root(),
		.worker_tag = "0-0-1",
	};

	signal(SIGPIPE, SIG_IGN);
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	FUZZ_CHECK(networks_parse(&trusted, "unix", reason, sizeof(reason)) == 0);
	base = event_base_new();
	for (unsigned i = 0; i < SERVERS; i++) {
		struct http_events events = {.context = &servers[i], .moved = on_moved, .log = on_log};

		servers[i] = http_server_new(base, &options, &events);
		FUZZ_CHECK(servers[i]);
		servers[i]->clock_ms = fuzz_clock;
	}
}

static void run(void)
{
	for (unsigned turn = 0; turn < 64; turn++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void drain(int fd)
{
	char octets[65536];

	while (recv(fd, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		continue;
}

static void connect_client(unsigned which, struct http_server *server, unsigned flags)
{
	int ends[2], size = 4096;

	if (clients[which] >= 0)
		close(clients[which]);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	if (flags & 1)
		setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	clients[which] = ends[0];
	http_server_take(server, ends[1], flags & (HTTP_TAKE_WAITING | HTTP_TAKE_CLOSE | HTTP_TAKE_PROXY));
}

static void take_back(unsigned to)
{
	while (kept_count > 0) {
		struct kept *one = &kept[--kept_count];

		if (http_server_take_moved(servers[to], one->fd, one->state, one->size) < 0)
			close(one->fd);
		free(one->state);
	}
}

/* A state as another process might send it. */
static void take_foreign(unsigned which, unsigned to, const void *state, size_t size)
{
	int ends[2];
	struct migration_state decoded;
	char *copy = fuzz_copy(state, size), again[HTTP_STATE_MAX];

	if (clients[which] >= 0)
		close(clients[which]);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	clients[which] = ends[0];
	if (migration_decode(&decoded, copy, size) == 0 && decoded.input.len <= MIGRATION_INPUT_MAX)
		FUZZ_CHECK(migration_encode(&decoded, again) <= HTTP_STATE_MAX);
	if (http_server_take_moved(servers[to], ends[1], copy, size) < 0)
		close(ends[1]);
	free(copy);
}

static void send_some(int fd, struct fuzz_input *input, size_t size)
{
	size_t got;
	const uint8_t *at = fuzz_take(input, size, &got);

	if (fd >= 0 && got > 0)
		(void)!send(fd, at, got, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool step(struct fuzz_input *input)
{
	static unsigned home, which;
	unsigned what = fuzz_octet(input), number = fuzz_octet(input);
	const uint8_t *at;
	size_t got;

	switch (what) {
	case 'c': /* a new client */
		which = number % CLIENTS;
		connect_client(which, servers[number >> 1 & 1], number >> 2);
		break;
	case 's': /* it sends; S: sixteen times as much */
	case 'S':
		send_some(clients[which], input, what == 'S' ? number * 16u : number);
		break;
	case 'w':
		which = number % CLIENTS;
		break;
	case 'r': /* it reads all that is there */
		if (clients[which] >= 0)
			drain(clients[which]);
		break;
	case 'h': /* it says that it is done */
		if (clients[which] >= 0)
			shutdown(clients[which], number & 1 ? SHUT_RDWR : SHUT_WR);
		break;
	case 'x': /* it hangs up */
		if (clients[which] >= 0)
			close(clients[which]);
		clients[which] = -1;
		break;
	case 't': /* time passes */
		now_ms += number * 20;
		http_server_tick(servers[0]);
		http_server_tick(servers[1]);
		break;
	case 'm': /* all that can move does */
		home = number & 1;
		keeps = number & 2;
		http_server_move_away(servers[home]);
		run();
		servers[home]->moving = number & 4; /* an owner has no use for this */
		break;
	case 'b':
		take_back(number & 1);
		break;
	case 'f':
		at = fuzz_take(input, number, &got);
		take_foreign(which, number & 1, at, got);
		break;
	case 'e': /* goodbye to all */
		if (number & 1)
			http_server_announce_stop(servers[number >> 1 & 1]);
		else
			http_server_stop(servers[number >> 1 & 1]);
		break;
	default:
		return false;
	}
	run();
	return true;
}

static void tidy(void)
{
	struct http_stats stats;

	for (unsigned i = 0; i < SERVERS; i++)
		servers[i]->moving = servers[i]->draining = servers[i]->stopping = false;
	keeps = false;
	take_back(0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (clients[i] >= 0)
			close(clients[i]);
		clients[i] = -1;
	}
	run();
	for (unsigned i = 0; i < SERVERS; i++) {
		http_server_abort(servers[i]);
		http_server_get_stats(servers[i], &stats);
		FUZZ_CHECK(stats.connections == 0 && stats.idle == 0);
		/* As good as new again. */
		servers[i]->draining = servers[i]->stopping = servers[i]->health.leaving = false;
		event_del(&servers[i]->sweep);
	}
	run();
	FUZZ_CHECK(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (!base)
		start();
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i] = -1;
	connect_client(0, servers[0], HTTP_TAKE_WAITING);
	for (unsigned steps = 0; steps < 64 && input.left > 0 && step(&input); steps++)
		continue;
	tidy();
	return 0;
}
