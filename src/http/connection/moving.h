/* SPDX-License-Identifier: MIT
 *
 * Between a connection and what travels with it when it moves: what of it is worth taking along,
 * and what becomes of it at the other end. */
#ifndef BROOD_HTTP_CONNECTION_MOVING_H
#define BROOD_HTTP_CONNECTION_MOVING_H

#include "http/connection/connection.h"
#include "http/connection/state.h"

/* Writes at most HTTP_STATE_MAX octets and returns how many. The connection is one that
 * connection_leaves. */
size_t moving_save(const struct connection *connection, char *out);

/* Makes a new connection what the one was that has moved here. 0 or -ENOMEM. */
int moving_restore(struct connection *connection, const struct state *state) __attribute__((warn_unused_result));

#endif
