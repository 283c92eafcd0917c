/* SPDX-License-Identifier: MIT
 *
 * See ending.h. Workers. */
#include "http/ending.h"

#include "http/admission.h"
#include "http/connection.h"
#include "http/evict.h"
#include "http/pool.h"
#include "http/server.h"

#include <poll.h>

static void hurry(struct connection *connection, enum deadline_kind kind, uint64_t left_ms)
{
	struct http_server *server = connection->server;

	if (deadline_left_ms(&connection->deadline, server->now_ms) > left_ms)
		deadline_resume(&server->deadlines, &connection->deadline, kind, left_ms,
				server->now_ms);
}

void ending_of_stop(struct connection *connection)
{
	/* A client that opens its stream, or has just done so, is about to send a request. */
	if (connection->stream.handshakes || connection->stream.fresh)
		hurry(connection, DEADLINE_HANDSHAKE, CONNECTION_STOP_HANDSHAKE_MS);
	else if (connection->state == CONNECTION_WAITING ||
		 (connection->state == CONNECTION_PROXY && connection->input.used == 0))
		connection_answer_or_close(connection);
}

static bool something_has_come(const struct connection *connection)
{
	struct pollfd one = {.fd = connection->stream.fd, .events = POLLIN};

	return connection->stream.buffered || poll(&one, 1, 0) != 0;
}

bool ending_at_once(struct connection *connection)
{
	bool cut = false, probe = connection->probe;

	switch (connection->state) {
	case CONNECTION_WAITING:
		connection_answer_or_close(connection);
		return false;
	case CONNECTION_TURN:
		cut = connection->outbox || connection->input.used > 0;
		break;
	case CONNECTION_HEAD:
	case CONNECTION_WRITING:
	case CONNECTION_CONCLUDING:
	case CONNECTION_OUTSIDE:
		cut = true;
		break;
	case CONNECTION_PROXY:
	case CONNECTION_LINGERING:
	case CONNECTION_STATES:
		break;
	}
	connection_close(connection);
	return cut && !probe;
}

void ending_by_yielding(struct connection *connection)
{
	struct http_server *server = connection->server;

	pool_forget_idle(connection);
	if (something_has_come(connection)) {
		connection->last = true;
		connection_read(connection);
	} else if (stream_holds_part(&connection->stream)) {
		/* The rest may take as long as that of a first request, at most. */
		hurry(connection, DEADLINE_FIRST, server->deadlines.timeout_ms[DEADLINE_FIRST]);
	} else {
		evict_begin_parting(connection);
		connection_part(connection, END_STAGED);
	}
}
