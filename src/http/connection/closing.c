/* SPDX-License-Identifier: MIT
 *
 * See closing.h. Workers. */
#include "http/connection/closing.h"

#include "http/connection/connection.h"
#include "http/connection/pacing.h"
#include "http/connection/server.h"
#include "http/connection/turn.h"

#include <errno.h>

void closing_hurry(struct connection *connection, enum deadline_kind kind, uint64_t left_ms)
{
	struct http_server *server = connection->server;

	if (deadline_left_ms(&connection->deadline, server->now_ms) > left_ms)
		deadline_resume(&server->deadlines, &connection->deadline, kind, left_ms, server->now_ms);
	if (server->stopping)
		turn_hurry(server);
}

/* As the kernel measures it, within bounds; of a proxy's connection it is not the client's. */
static unsigned round_trip_ms(const struct connection *connection)
{
	unsigned ms = stream_round_trip_us(&connection->stream) / 1000 + 1;

	return ms < CLOSING_ROUND_TRIP_MIN_MS   ? CLOSING_ROUND_TRIP_MIN_MS
	       : ms > CLOSING_ROUND_TRIP_MAX_MS ? CLOSING_ROUND_TRIP_MAX_MS
						: ms;
}

/* An answer that did not tell of the end yet may still be on its way, and the next request behind it. */
static unsigned patience_ms(const struct connection *connection)
{
	const struct http_server *server = connection->server;
	uint64_t told_ms = server->now_ms - server->leaving_ms;
	unsigned trip_ms = round_trip_ms(connection);

	return told_ms + trip_ms < CLOSING_TOLD_MS ? CLOSING_TOLD_MS - (unsigned)told_ms : trip_ms;
}

void closing_of_stop(struct connection *connection)
{
	/* A client that opens its stream, or has just done so, is about to send a request. */
	if (connection_awaits_tls(connection) || connection->stream.phase != STREAM_OPEN)
		closing_hurry(connection, DEADLINE_HANDSHAKE, CONNECTION_STOP_HANDSHAKE_MS);
	else if (connection->state == CONNECTION_WAITING ||
		 (connection->state == CONNECTION_PROXY && connection->input.used == 0))
		closing_hurry(connection, connection->deadline.kind, patience_ms(connection));
}

static unsigned linger_ms(const struct connection *connection)
{
	const struct http_server *server = connection->server;
	unsigned crossing_ms;

	if (connection->end == END_BODY)
		return server->options.body_timeout_ms;
	if (connection->end != END_IDLE || !server->stopping)
		return CONNECTION_LINGER_MS;
	/* There is no answer that a reset could take away; and whoever has not closed by then holds up the stop. */
	crossing_ms = 2 * round_trip_ms(connection);
	return crossing_ms > CLOSING_CROSSING_MIN_MS ? crossing_ms : CLOSING_CROSSING_MIN_MS;
}

static void set_linger(struct connection *connection)
{
	struct http_server *server = connection->server;

	deadline_resume(&server->deadlines, &connection->deadline, DEADLINE_LINGER,
			connection->linger_until_ms - server->now_ms, server->now_ms);
}

void closing_linger(struct connection *connection)
{
	struct http_server *server = connection->server;

	buffer_free(&connection->input);
	connection->discarded = 0;
	connection->pace.from_ms = server->now_ms;
	connection->linger_until_ms = server->now_ms + linger_ms(connection);
	set_linger(connection);
}

bool closing_discard(struct connection *connection)
{
	struct http_server *server = connection->server;
	ssize_t size = stream_receive(&connection->stream, server->receive, SERVER_RECEIVE_SIZE);

	if (size == -EAGAIN)
		return true;
	if (size > 0)
		connection->discarded += (size_t)size;
	if (size <= 0 || connection->discarded > server->options.discard_max ||
	    server->now_ms >= connection->linger_until_ms || !pacing_of_body(connection))
		return false;
	set_linger(connection);
	return true;
}
