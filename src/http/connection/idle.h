/* SPDX-License-Identifier: MIT
 *
 * Connections on which nothing is going on, in the order in which they became idle: `kept` ones between
 * two requests, and `mute` ones that have never said anything. A connection that is busy all the time is
 * moved to the end only when its deadline comes to another step of the wheel (deadline.h), so the order
 * costs a request next to nothing. */
#ifndef BROOD_HTTP_CONNECTION_IDLE_H
#define BROOD_HTTP_CONNECTION_IDLE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct http_server;

/* A client that has just come, or has just begun TLS, is about to ask; it has so long for that before
 * others may take its place. */
enum { IDLE_MUTE_MS = 500 };

struct idle_list {
	struct list list; /* oldest first */
	unsigned count;
};

struct idle_lists {
	struct idle_list kept, mute;
};

void idle_init(struct idle_lists *lists);

/* The connection has become idle, with its deadline set or about to be; it is so no more. */
void idle_begin(struct connection *connection);
void idle_end(struct connection *connection);

/* Its deadline has been set anew while it is idle: it is the youngest. */
void idle_renew(struct connection *connection);
/* The same for one that has come from elsewhere with what is left of its time, and has its place behind
 * those that are idle longer (where many have come, nearly so). */
void idle_place(struct connection *connection);

/* The one that is idle longest and may be closed to make room; NULL: there is none. */
struct connection *idle_longest(const struct http_server *server);

/* How many may be closed, and since when, about, the longest is idle; 0: none. */
unsigned idle_count(const struct http_server *server, uint64_t *since_ms);

/* Tells the workers that share the limits what is idle here. */
void idle_show(const struct http_server *server);

#endif
