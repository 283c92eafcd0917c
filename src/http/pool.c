/* SPDX-License-Identifier: MIT
 *
 * Making and unmaking connections. */
#include "http/pool.h"

#include "http/exchange.h"
#include "http/server.h"

#include <stdlib.h>

struct connection *pool_new(struct http_server *server, int fd, bool probe,
			    enum connection_state state)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection)
		return NULL;
	memset(connection, 0, sizeof(*connection));
	connection->server = server;
	connection->stream = (struct stream){.io = &stream_plain, .fd = fd};
	connection->probe = probe;
	connection->state = state;
	deadline_init(&connection->deadline);
	list_append(&server->open, &connection->link);
	if (!probe) {
		server->connections++;
		pool_count(connection);
	}
	return connection;
}

void pool_count(struct connection *connection)
{
	struct http_server *server = connection->server;
	bool idle = !connection->probe && connection->state == CONNECTION_WAITING;
	bool movable = idle && connection->stream.io->moves && !connection->stays;

	server->idle += (unsigned)idle - (unsigned)connection->idle;
	server->movable += (unsigned)movable - (unsigned)connection->movable;
	connection->idle = idle;
	connection->movable = movable;
}

void pool_delete(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (connection->watching != 0)
		event_del(&connection->event);
	exchange_abandon(connection);
	stream_release(&connection->stream);
	buffer_free(&connection->input);
	deadline_clear(&connection->deadline);
	list_remove(&connection->link);
	if (!connection->probe) {
		server->connections--;
		server->idle -= connection->idle;
		server->movable -= connection->movable;
	}
	free(connection);
}
