/* SPDX-License-Identifier: MIT
 *
 * The PROXY header at the start of a connection, where the owner says that one must come
 * (HTTP_TAKE_PROXY): only from peers that are trusted, and before anything else is read. */
#ifndef BROOD_HTTP_CONNECTION_PRELUDE_H
#define BROOD_HTTP_CONNECTION_PRELUDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct connection;
struct http_server;
struct input;

/* Connections that were refused here, for a line in the log now and then. */
struct prelude_complaints {
	uint64_t told_ms; /* 0: never */
	unsigned untold;
};

/* Whether the connection's peer may send such a header; if not, it is to be closed. */
bool prelude_may_begin(struct connection *connection);

enum prelude_verdict {
	PRELUDE_MORE,    /* of the header is still to come */
	PRELUDE_DONE,    /* it is used up; the connection's peer is known */
	PRELUDE_REFUSED, /* the connection is to be closed, without a word */
};

/* Reads behind what is in the input, as stream_receive does; where TLS follows, no octet beyond the
 * end of the header: what is behind it is TLS's to read. */
ssize_t prelude_receive(struct connection *connection, const struct input *input, size_t room);

/* Takes the header off the input. */
enum prelude_verdict prelude_take(struct connection *connection, struct input *input);

#endif
