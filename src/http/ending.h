/* SPDX-License-Identifier: MIT
 *
 * How a connection ends on which nothing is going on: because the server stops, or to make room. */
#ifndef BROOD_HTTP_ENDING_H
#define BROOD_HTTP_ENDING_H

#include <stdbool.h>

struct connection;

/* At a stop, any connection. If it is idle: answers what is in the socket by now, else closes it. It may
 * be gone afterwards. */
void ending_of_stop(struct connection *connection);

/* Ends any connection, whatever goes on, or takes it a step nearer to its end: what has come on an idle one by now is
 * answered first. To be called until it is gone. Returns whether a request was cut by that. */
bool ending_at_once(struct connection *connection);

/* An idle connection gives way. If something has come by now it is none: it is answered, and that answer
 * is its last. Else it counts no more, to its owner or in limits, and is closed in stages: RFC 9112
 * section 9.6, since a request may be on its way. Either way it is not idle any more, and may be gone. */
void ending_by_yielding(struct connection *connection);

#endif
