/* SPDX-License-Identifier: MIT
 *
 * The connections of a server as things: made, counted, unmade. What happens to them in
 * between is connection.c's business. */
#ifndef BROOD_HTTP_CONNECTION_POOL_H
#define BROOD_HTTP_CONNECTION_POOL_H

#include "http/connection/connection.h"

/* A connection among the open ones, in one of the states CONNECTION_WAITING and CONNECTION_HEAD,
 * with its deadline not set and nothing registered. NULL: no memory. */
struct connection *pool_new(struct http_server *server, int fd, enum connection_kind kind, enum connection_state state)
	__attribute__((warn_unused_result));

/* Counts it as what it is now: to be called when its state or its stream has changed. */
void pool_count(struct connection *connection);

/* Counts it as one that is not idle, though it waits, until pool_count looks at it again. */
void pool_forget_idle(struct connection *connection);

/* Lets go of all that it has but the socket, and of itself. */
void pool_delete(struct connection *connection);

#endif
