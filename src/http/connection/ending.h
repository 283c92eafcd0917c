/* SPDX-License-Identifier: MIT
 *
 * How a connection ends on which nothing is going on: because the server stops, or to make room. */
#ifndef BROOD_HTTP_CONNECTION_ENDING_H
#define BROOD_HTTP_CONNECTION_ENDING_H

#include <stdbool.h>

struct connection;

enum {
	ENDING_TOLD_MS = 100, /* from when answers tell of a stop to when idle connections end */
	ENDING_ROUND_TRIP_MIN_MS = 20,
	ENDING_ROUND_TRIP_MAX_MS = 1000,
	ENDING_CROSSING_MIN_MS = 100, /* at a stop, for what crosses an idle connection's end */
};

/* At a stop, any connection. If it is idle it ends after one more round trip: what comes until then is answered. */
void ending_of_stop(struct connection *connection);

/* All has been said, and the client told so: what it still sends is read and dropped for a while. */
void ending_linger(struct connection *connection);
/* Something of that has come, or the client's end. False: that was it. */
bool ending_discard(struct connection *connection);

/* Ends any connection, whatever goes on, or takes it a step nearer to its end: what has come on an idle one by now is
 * answered first. To be called until it is gone. Returns whether a request was cut by that. */
bool ending_at_once(struct connection *connection);

/* An idle connection gives way. If something has come by now it is none: it is answered, and that answer
 * is its last. Else it counts no more, to its owner or in limits, and is closed in stages: RFC 9112
 * section 9.6, since a request may be on its way. Either way it is not idle any more, and may be gone. */
void ending_by_yielding(struct connection *connection);

#endif
