/* SPDX-License-Identifier: MIT
 *
 * How connections come: new ones, for which there must be room, and those that have moved here. From here on
 * connection.c moves them on. */
#ifndef BROOD_HTTP_CONNECTION_ARRIVAL_H
#define BROOD_HTTP_CONNECTION_ARRIVAL_H

#include "http/connection/connection.h"

struct migration_state;

/* Takes the socket. `flags` as for http_server_take. */
void arrival_take(struct http_server *server, int fd, unsigned flags);

/* Takes the socket of a connection that has moved here, or comes back (KIND_RETURNED), unless it returns
 * -ENOMEM. */
int arrival_take_moved(struct http_server *server, int fd, const struct migration_state *state,
		       enum connection_kind kind) __attribute__((warn_unused_result));

#endif
