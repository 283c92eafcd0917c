/* SPDX-License-Identifier: MIT
 *
 * A long line (prove_line.h). One timer moves everything on. */
#include "prove/prove_line.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TICK_US = 1000, PIECE_MAX = 65536, BACKLOG = 1024 };

enum piece_kind { PIECE_OCTETS, PIECE_END, PIECE_RESET };

/* Something that happened on one end. */
struct piece {
	struct list link;
	uint64_t due_ms;
	enum piece_kind kind;
	size_t size, sent;
	char octets[];
};

struct way {
	struct call *call;
	int from, to;       /* ends of the call */
	struct event event; /* readable */
	struct list pieces; /* on their way, oldest first */
	bool over;          /* nothing more comes from there */
	bool told;          /* and the other end has been told so */
};

struct call {
	struct list link; /* in line->calls */
	struct line *line;
	int ends[2]; /* client, server */
	struct way ways[2];
};

static void drop(struct way *way)
{
	while (!list_empty(&way->pieces)) {
		struct piece *piece = LIST_ENTRY(way->pieces.next, struct piece, link);

		list_remove(&piece->link);
		free(piece);
	}
}

static void end_call(struct call *call)
{
	for (unsigned i = 0; i < 2; i++) {
		event_del(&call->ways[i].event);
		drop(&call->ways[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		fd_close(&call->ends[i]);
	list_remove(&call->link);
	free(call);
}

static void make_resets(int fd)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* --- one end --- */

/* False: no memory. */
static bool put(struct way *way, enum piece_kind kind, const char *octets, size_t size)
{
	struct piece *piece = malloc(sizeof(*piece) + size);

	if (!piece)
		return false;
	*piece = (struct piece){.due_ms = clock_now_ms() + way->call->line->delay_ms, .kind = kind, .size = size};
	if (size > 0)
		memcpy(piece->octets, octets, size);
	list_append(&way->pieces, &piece->link);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	char octets[PIECE_MAX];
	struct way *way = argument;
	ssize_t size = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
	bool known;

	(void)what;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	way->over = size <= 0;
	if (way->over)
		event_del(&way->event);
	known = put(way,
		    size > 0    ? PIECE_OCTETS
		    : size == 0 ? PIECE_END
				: PIECE_RESET,
		    octets, size > 0 ? (size_t)size : 0);
	if (!known)
		end_call(way->call);
}

/* --- the other end --- */

enum outcome { GOES_ON, WAITS, IS_CUT };

static enum outcome deliver(struct way *way, struct piece *piece)
{
	ssize_t sent;

	switch (piece->kind) {
	case PIECE_RESET:
		make_resets(way->to);
		return IS_CUT;
	case PIECE_END:
		way->told = true;
		(void)shutdown(way->to, SHUT_WR);
		return GOES_ON;
	case PIECE_OCTETS:
		break;
	}
	sent = send(way->to, piece->octets + piece->sent, piece->size - piece->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		/* It is not there any more: who sends to it learns of that by a reset. */
		make_resets(way->from);
		return IS_CUT;
	}
	piece->sent += sent > 0 ? (size_t)sent : 0;
	return piece->sent == piece->size ? GOES_ON : WAITS;
}

static enum outcome move(struct way *way, uint64_t now_ms)
{
	while (!list_empty(&way->pieces)) {
		struct piece *piece = LIST_ENTRY(way->pieces.next, struct piece, link);
		enum outcome outcome = piece->due_ms > now_ms ? WAITS : deliver(way, piece);

		if (outcome != GOES_ON)
			return outcome;
		list_remove(&piece->link);
		free(piece);
	}
	return GOES_ON;
}

/* A reset can come from an end that has closed its half before. False: no memory. */
static bool look_for_reset(struct way *way)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (!way->over || getsockopt(way->from, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error == 0)
		return true;
	return put(way, PIECE_RESET, NULL, 0);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct line *line = argument;
	uint64_t now_ms = clock_now_ms();

	(void)fd, (void)what;
	for (struct list *at = line->calls.next, *next; at != &line->calls; at = next) {
		struct call *call = LIST_ENTRY(at, struct call, link);

		next = at->next;
		if (!look_for_reset(&call->ways[0]) || !look_for_reset(&call->ways[1]) ||
		    move(&call->ways[0], now_ms) == IS_CUT || move(&call->ways[1], now_ms) == IS_CUT ||
		    (call->ways[0].told && call->ways[1].told))
			end_call(call);
	}
}

/* --- beginning --- */

static int begin_way(struct call *call, unsigned i)
{
	struct way *way = &call->ways[i];

	way->call = call;
	way->from = call->ends[i];
	way->to = call->ends[1 - i];
	list_init(&way->pieces);
	if (event_assign(&way->event, call->line->base, way->from, EV_READ | EV_PERSIST, on_readable, way) < 0 ||
	    event_add(&way->event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* The server is on this machine, so that connecting does not take time. Whoever is refused there is reset. */
static bool reach(const struct line *line, int *out)
{
	int on = 1;

	*out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*out < 0 || connect(*out, (const struct sockaddr *)&line->server, sizeof(line->server)) < 0)
		return false;
	(void)!setsockopt(*out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return true;
}

static void on_call(evutil_socket_t fd, short what, void *argument)
{
	struct line *line = argument;
	struct call *call = calloc(1, sizeof(*call));
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC), server = -1, on = 1;

	(void)what;
	if (client >= 0)
		make_resets(client);
	if (!call || client < 0 || !reach(line, &server))
		goto fail;
	(void)!setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){0}, sizeof(struct linger));
	(void)!setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	call->line = line;
	call->ends[0] = client;
	call->ends[1] = server;
	list_append(&line->calls, &call->link);
	if (begin_way(call, 0) < 0 || begin_way(call, 1) < 0)
		end_call(call);
	return;
fail:
	fd_close(&server);
	fd_close(&client);
	free(call);
}

int line_open(struct line *line, struct event_base *base, const struct sockaddr_storage *server, unsigned delay_ms)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct timeval period = {0, TICK_US};

	memset(line, 0, sizeof(*line));
	list_init(&line->calls);
	line->base = base;
	line->delay_ms = delay_ms;
	memcpy(&line->server, server, sizeof(line->server));
	line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (line->fd < 0 || bind(line->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(line->fd, BACKLOG) < 0 || getsockname(line->fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	memcpy(&line->address, &address, sizeof(address));
	if (event_assign(&line->accepting, base, line->fd, EV_READ | EV_PERSIST, on_call, line) < 0 ||
	    event_assign(&line->tick, base, -1, EV_PERSIST, on_tick, line) < 0)
		return -ENOMEM;
	line->watching = true;
	return event_add(&line->accepting, NULL) < 0 || event_add(&line->tick, &period) < 0 ? -ENOMEM : 0;
}

void line_close(struct line *line)
{
	if (!line->base)
		return;
	while (!list_empty(&line->calls))
		end_call(LIST_ENTRY(line->calls.next, struct call, link));
	if (line->watching) {
		event_del(&line->accepting);
		event_del(&line->tick);
	}
	fd_close(&line->fd);
	line->base = NULL;
}
