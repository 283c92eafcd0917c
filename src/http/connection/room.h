/* SPDX-License-Identifier: MIT
 *
 * Room for a new connection where all workers together may hold so many (connections_max_total): the
 * one that is idle longest, of all workers' to about a second, gives way. Where another worker has
 * it, the new one waits, with nothing read of it, until that worker has looked for what it was asked, and
 * then this one has. All look at each tick, and more often while it is full. Nobody who comes later
 * overtakes it. */
#ifndef BROOD_HTTP_CONNECTION_ROOM_H
#define BROOD_HTTP_CONNECTION_ROOM_H

#include <stdbool.h>

struct connection;
struct http_server;

/* Then it is turned away; two looks, or ticks at first, are what it takes. */
enum { ROOM_WAIT_MS = 2000 };

enum room_verdict {
	ROOM_TAKEN, /* it is counted now */
	ROOM_LATER, /* others have been asked for it: it waits, for connection_begin or until its time is up */
	ROOM_NONE,  /* nothing is idle anywhere */
};

/* True: there is room, and it is counted now. */
bool room_is_free(struct connection *connection) __attribute__((warn_unused_result));
/* If not. */
enum room_verdict room_make(struct connection *connection) __attribute__((warn_unused_result));

/* 0 or -1. */
int room_init(struct http_server *server) __attribute__((warn_unused_result));
void room_end(struct http_server *server);

/* A few times a second. */
void room_tick(struct http_server *server);

#endif
