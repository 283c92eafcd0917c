/* SPDX-License-Identifier: MIT
 *
 * How a connection ends on which nothing is going on: because the server stops, or to make room. */
#ifndef BROOD_HTTP_CONNECTION_CLOSING_H
#define BROOD_HTTP_CONNECTION_CLOSING_H

#include "http/connection/deadline.h"

#include <stdbool.h>
#include <stdint.h>

struct connection;

enum {
	CLOSING_TOLD_MS = 100, /* from when answers tell of a stop to when idle connections end */
	CLOSING_ROUND_TRIP_MIN_MS = 20,
	CLOSING_ROUND_TRIP_MAX_MS = 1000,
	CLOSING_CROSSING_MIN_MS = 100, /* at a stop, for what crosses an idle connection's end */
};

/* At a stop, any connection. If it is idle it ends after one more round trip: what comes until then is answered. */
void closing_of_stop(struct connection *connection);

/* All has been said, and the client told so: what it still sends is read and dropped for a while. */
void closing_linger(struct connection *connection);
/* Something of that has come, or the client's end. False: that was it. */
bool closing_discard(struct connection *connection);

/* From now on it has no more time than this, for what `kind` says. */
void closing_hurry(struct connection *connection, enum deadline_kind kind, uint64_t left_ms);

#endif
