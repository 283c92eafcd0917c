/* SPDX-License-Identifier: MIT
 *
 * How much time a connection's client has, and whether it is fast enough (pace.h). */
#ifndef BROOD_HTTP_CONNECTION_PACING_H
#define BROOD_HTTP_CONNECTION_PACING_H

#include "http/connection/deadline.h"

#include <stdbool.h>

struct connection;

/* The time begins for what `kind` says, or for what comes first on a connection. */
void pacing_set_deadline(struct connection *connection, enum deadline_kind kind);
void pacing_set_first_deadline(struct connection *connection);

/* A head has begun, and its deadline, for the whole of it, is set. That may come to be one to look
 * how fast it comes. */
void pacing_begin_head(struct connection *connection);

/* At that deadline. False: it has had its time, or comes too slowly. */
bool pacing_of_head(struct connection *connection);

/* Of a body that is read and dropped; its time began when connection->pace says. */
bool pacing_of_body(const struct connection *connection);

/* The socket takes no more of a response. */
void pacing_begin_response(struct connection *connection);

/* It has taken some more. False: not enough, over the time that it had. */
bool pacing_of_response(struct connection *connection) __attribute__((warn_unused_result));

/* It has taken nothing for as long as it may. False: neither has the client, or not enough. */
bool pacing_of_stalled(struct connection *connection) __attribute__((warn_unused_result));

#endif
