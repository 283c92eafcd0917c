/* SPDX-License-Identifier: MIT
 *
 * Who is let in: connections and requests against the limits that hold for all workers together
 * (quota.h). Nothing here is called where no limit is set. */
#ifndef BROOD_HTTP_CONNECTION_ADMISSION_H
#define BROOD_HTTP_CONNECTION_ADMISSION_H

#include "base/slice.h"
#include "http/client/quota.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct http_limits;
struct http_server;
struct response;

enum {
	ADMISSION_ANSWER_MAX = 512,
	/* Connections turned away that are still listened to, so that the answer is not lost; with
	 * more of them, the next ones are closed at once. */
	ADMISSION_LINGERING_MAX = 256,
	ADMISSION_LOOK_MS = 25, /* from one look for room to the next, while it is full (room.h) */
};

/* What is said to a connection that is turned away: made once a second. */
struct admission_answer {
	int64_t second;
	size_t size;
	char octets[ADMISSION_ANSWER_MAX];
};

struct admission {
	struct quota *quota; /* shared with other workers; NULL: no limits */
	unsigned worker;
	bool connections, requests;     /* some are limited */
	uint32_t total_max, client_max; /* connections; 0: no limit */
	struct quota_rate rate, handshakes;
	struct client_prefixes prefixes;
	struct admission_answer answers[QUOTA_KINDS];
	unsigned look_ms;   /* ADMISSION_LOOK_MS; replaced by tests */
	unsigned lingering; /* turned away, and not closed yet */
	uint64_t refused;   /* connections and requests */
};

void admission_init(struct admission *admission, const struct http_limits *limits);

/* A new connection, once it is known whose it is: the limit that refuses it, or QUOTA_NONE. */
enum quota_kind admission_of_client(struct connection *connection) __attribute__((warn_unused_result));

/* It is refused: counted as such and no more in any limit. Returns what to say to it. */
struct slice admission_refuse(struct connection *connection, enum quota_kind kind);

/* It waits for room no longer. */
void admission_stop_waiting(struct connection *connection);

/* One that has come from another server, with what it held there. */
void admission_take_over(struct connection *connection, const struct quota_hold *hold);

/* A request of it, which is the server's now, by the client that is. False: the response is that there have been too
 * many. */
bool admission_of_request(struct connection *connection, struct response *response) __attribute__((warn_unused_result));

/* The connection is closed. */
void admission_end(struct connection *connection);

#endif
