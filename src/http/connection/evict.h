/* SPDX-License-Identifier: MIT
 *
 * Where there are too many connections, the one that is idle longest gives way to a new one. */
#ifndef BROOD_HTTP_CONNECTION_EVICT_H
#define BROOD_HTTP_CONNECTION_EVICT_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct http_server;

/* Connections that have given way and are not closed yet: they hold a socket and little else. */
enum {
	EVICT_PARTING_MAX = 256, /* or an eighth of all and a few, if that is less; then the first is closed */
	EVICT_PARTING_MIN = 8,
};

struct evicted {
	struct list parting; /* oldest first */
	unsigned parting_count;
	uint64_t count;   /* since the start */
	uint64_t told;    /* of these, in the log */
	uint64_t told_ms; /* 0: never */
};

/* Has the one that is idle longest give way; `setting` names the limit, for the log. True: it does, or it was
 * not idle after all; ask again while there is no room. False: nothing here is idle. */
bool evict_longest(struct http_server *server, const char *setting);

/* A few at once, as many as may part. */
void evict_some(struct http_server *server, const char *setting);

/* Closes the first one of those that part. False: there is none. */
bool evict_first_parting(struct http_server *server);

#endif
