/* SPDX-License-Identifier: MIT
 *
 * Making and unmaking connections. */
#include "http/connection/pool.h"

#include "base/fd_kind.h"
#include "http/connection/delivery.h"
#include "http/connection/idle.h"
#include "http/connection/server.h"

#include <stdlib.h>

struct connection *pool_new(struct http_server *server, int fd, enum connection_kind kind, enum connection_state state)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection)
		return NULL;
	memset(connection, 0, sizeof(*connection));
	connection->server = server;
	fd_note(fd, FD_CONNECTION);
	connection->stream = (struct stream){.io = &stream_plain, .fd = fd};
	connection->kind = kind;
	connection->state = state;
	deadline_init(&connection->deadline);
	list_init(&connection->rest);
	list_append(&server->open, &connection->link);
	if (kind != KIND_PROBE) {
		server->connections++;
		pool_count(connection);
	}
	return connection;
}

/* Nothing has come of a next request, or of the first one, or of what is to come before that. */
static bool rests(const struct connection *connection)
{
	if (connection->state != CONNECTION_WAITING)
		return connection->state == CONNECTION_PROXY && connection->input.used == 0;
	return connection->stream.phase != STREAM_HANDSHAKE || !stream_holds_part(&connection->stream);
}

void pool_count(struct connection *connection)
{
	bool idle = connection->kind != KIND_PROBE && rests(connection);
	bool movable = idle && connection->state == CONNECTION_WAITING && connection->stream.io->moves &&
		       connection->kind == KIND_CLIENT;

	if (idle != connection_is_idle(connection))
		idle ? idle_begin(connection) : idle_end(connection);
	if (movable != connection->movable)
		connection->server->movable += movable ? 1u : -1u;
	connection->movable = movable;
}

void pool_forget_idle(struct connection *connection)
{
	connection->server->movable -= connection->movable;
	connection->movable = false;
	if (connection_is_idle(connection))
		idle_end(connection);
}

void pool_delete(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (connection->watching != 0)
		event_del(&connection->event);
	delivery_abandon(connection);
	stream_release(&connection->stream);
	buffer_free(&connection->input);
	deadline_clear(&connection->deadline);
	list_remove(&connection->link);
	pool_forget_idle(connection);
	list_remove(&connection->rest);
	server->evicted.parting_count -= connection->counted == COUNTED_PARTING;
	server->connections -= connection->kind != KIND_PROBE;
	if (server->stopping && server->connections == 0)
		event_del(&server->sweep);
	free(connection);
}
