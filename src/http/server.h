/* SPDX-License-Identifier: MIT
 *
 * What the connections of a process share. Private to connection.c and server.c. */
#ifndef BROOD_HTTP_SERVER_H
#define BROOD_HTTP_SERVER_H

#include "http/deadline.h"
#include "http/guard.h"
#include "http/http.h"
#include "http/loop.h"
#include "http/outbox.h"
#include "http/parser.h"
#include "http/record.h"
#include "http/request.h"

enum {
	SERVER_RECEIVE_SIZE = 64 << 10,
	SERVER_SPARE_MAX = 1024, /* connections kept for reuse */
	SERVER_SWEEP_MAX = 4096, /* deadlines seen to in one tick: those who are served must not wait */
};

struct http_server {
	struct event_base *base;
	struct http_options options; /* with all defaults filled in */
	struct http_events events;
	struct guard_limits limits;

	struct static_site *site;
	struct response_maker *maker;

	/* One request is being answered at a time, so these serve all connections. */
	char *receive; /* SERVER_RECEIVE_SIZE octets */
	struct parser parser;
	struct request request;
	struct outbox *staging;
	struct record records[OUTBOX_ITEMS_MAX]; /* of what is staged */

	uint64_t (*clock_ms)(void); /* replaced by tests */
	uint64_t now_ms;            /* as of the start of this turn */
	struct deadlines deadlines; /* each open connection is on exactly one of the lists */
	struct list turns;          /* connections that go on in the next turn of the loop */
	struct event next_turn;     /* timer without a delay: pending while `turns` is not empty */
	struct list spare;          /* of struct connection, for reuse */
	unsigned spare_count;

	bool retiring; /* each next answer is its connection's last one */
	bool stopping; /* and no connection stays idle */
	unsigned connections, idle;
	uint64_t requests;
};

/* Reads the clock; at the start of all that is done on behalf of the loop or the owner. */
void server_turn(struct http_server *server);

#endif
