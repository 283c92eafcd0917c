/* SPDX-License-Identifier: MIT
 *
 * What the connections of a process share. Private to the files of this folder. */
#ifndef BROOD_HTTP_CONNECTION_SERVER_H
#define BROOD_HTTP_CONNECTION_SERVER_H

#include "http/client/access_entry.h"
#include "http/client/client.h"
#include "http/connection/admission.h"
#include "http/connection/deadline.h"
#include "http/connection/evict.h"
#include "http/connection/health.h"
#include "http/connection/idle.h"
#include "http/connection/loop.h"
#include "http/connection/prelude.h"
#include "http/files/response.h"
#include "http/http.h"
#include "http/message/guard.h"
#include "http/message/parser.h"
#include "http/message/request.h"
#include "http/site/site.h"
#include "http/transport/send_queue.h"

enum {
	SERVER_RECEIVE_SIZE = 64 << 10,
	SERVER_FIELDS_MAX = REQUEST_ID_MAX + 32 + RESPONSE_FIELDS_MAX + HTTP_HSTS_MAX,
	SERVER_SWEEP_MAX = 4096, /* deadlines seen to in one tick: those who are served must not wait */
};

struct http_server {
	struct event_base *base;
	struct http_options options; /* with all defaults filled in */
	struct http_events events;
	struct guard_limits limits;
	struct admission admission;

	struct static_site *site;
	struct response_builder *builder;

	/* One request is being answered at a time, so these serve all connections. */
	char *receive; /* SERVER_RECEIVE_SIZE octets */
	struct parser parser;
	struct request request;
	struct client client; /* of that request */
	struct health health;
	struct request_ids ids;
	struct slice name;              /* its own; empty: it has none */
	char fields[SERVER_FIELDS_MAX]; /* of its response alone, such as one that tells its name */
	struct send_queue *staging;
	struct access_entry entries[SEND_QUEUE_ITEMS_ROOM]; /* of what is staged */

	uint64_t (*clock_ms)(void); /* replaced by tests */
	uint64_t now_ms;            /* as of the start of this turn */
	struct prelude_complaints complaints;
	struct deadlines deadlines; /* of each open connection exactly one is set */

	/* Each open connection is on exactly one of these. */
	struct list open;
	struct list unvisited; /* to be looked at once (moving, stopping), then open as well */
	struct list turns;     /* go on in the next turn of the loop */
	struct list due;       /* go on in this turn */

	/* And those on one of these, too, by `rest`. */
	struct idle_lists idle_lists;
	struct evicted evicted;
	struct list outside; /* new ones that wait to be let in (room.h) */
	struct event look;   /* timer: pending while that may be soon */

	struct event sweep;     /* timer: pending while the server stops, when time is short */
	struct event next_turn; /* timer without a delay: pending while there is work for it */

	bool draining;                       /* each next answer is its connection's last one */
	bool stopping;                       /* the same, and no connection stays idle */
	uint64_t leaving_ms;                 /* since when answers tell of a stop */
	bool moving;                         /* each connection leaves as soon as it can */
	char *state;                         /* HTTP_STATE_MAX octets: of a connection that is leaving */
	unsigned connections, idle, movable; /* the last: idle, and could move */
	uint64_t requests;
};

#endif
