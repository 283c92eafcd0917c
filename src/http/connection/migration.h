/* SPDX-License-Identifier: MIT
 *
 * Between a connection and what travels with it when it moves: what of it is worth taking along,
 * and what becomes of it at the other end. */
#ifndef BROOD_HTTP_CONNECTION_MIGRATION_H
#define BROOD_HTTP_CONNECTION_MIGRATION_H

#include "http/connection/connection.h"
#include "http/connection/migration_state.h"

/* Whether a connection may leave for another server, and is to: nothing is left to be written, and all that
 * has been read and not used fits into what moves along. */
bool migration_is_due(const struct connection *connection);

/* Writes at most HTTP_STATE_MAX octets and returns how many. The connection is due. */
size_t migration_save(const struct connection *connection, char *out);

/* Makes a new connection what the one was that has moved here. 0 or -ENOMEM. */
int migration_restore(struct connection *connection, const struct migration_state *state)
	__attribute__((warn_unused_result));

#endif
