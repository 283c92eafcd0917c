/* SPDX-License-Identifier: MIT
 *
 * See pacing.h. Workers. */
#include "http/connection/pacing.h"

#include "http/connection/connection.h"
#include "http/connection/idle.h"
#include "http/connection/server.h"

/* --- heads and bodies that come --- */

bool pacing_of_head(struct connection *connection)
{
	struct http_server *server = connection->server;
	uint64_t rate = server->options.min_receive_rate, now_ms = server->now_ms;
	uint64_t until_ms = connection->head_until_ms;
	uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0, pace_ms;

	if (rate > 0 && left_ms > 0) {
		pace_ms = pace_left_ms(&connection->pace, connection->input.used, rate, now_ms);
		if (pace_ms < left_ms)
			left_ms = pace_ms;
	}
	if (left_ms == 0)
		return false;
	deadline_resume(&server->deadlines, &connection->deadline, DEADLINE_HEAD, left_ms, now_ms);
	return true;
}

void pacing_begin_head(struct connection *connection)
{
	const struct http_server *server = connection->server;
	uint64_t until_ms = connection->deadline.at_ms;

	connection->head_until_ms = until_ms;
	connection->pace.from_ms = until_ms - server->deadlines.timeout_ms[DEADLINE_HEAD];
	if (server->options.min_receive_rate > 0 && !pacing_of_head(connection))
		/* Too slow already, where it has come from: the next sweep sees to it. */
		deadline_resume(&connection->server->deadlines, &connection->deadline, DEADLINE_HEAD, 0,
				server->now_ms);
}

bool pacing_of_body(const struct connection *connection)
{
	const struct http_server *server = connection->server;
	uint64_t rate = server->options.min_receive_rate;

	return rate == 0 || pace_left_ms(&connection->pace, connection->discarded, rate, server->now_ms) > 0;
}

/* --- responses that go --- */

/* What the client has taken of all that was ever sent. */
static uint64_t taken(const struct connection *connection)
{
	return connection->sent - (uint64_t)connection->unacknowledged;
}

static bool takes_enough(struct connection *connection)
{
	const struct http_server *server = connection->server;
	struct pace *pace = &connection->pace;
	uint64_t elapsed_ms = server->now_ms - pace->from_ms;

	if (elapsed_ms < server->options.write_timeout_ms)
		return true;
	if (!pace_is_kept(taken(connection) - pace->octets, elapsed_ms, server->options.min_send_rate))
		return false;
	*pace = (struct pace){server->now_ms, taken(connection)};
	return true;
}

void pacing_begin_response(struct connection *connection)
{
	connection->unacknowledged = stream_unacknowledged(&connection->stream);
	connection->pace = (struct pace){connection->server->now_ms, taken(connection)};
}

bool pacing_of_response(struct connection *connection)
{
	connection->unacknowledged = stream_unacknowledged(&connection->stream);
	return takes_enough(connection);
}

/* The socket can be written to again only when a third of its buffer is free, which a slow client
 * may not bring about in time. So it counts what the client has taken of it. */
bool pacing_of_stalled(struct connection *connection)
{
	int before = connection->unacknowledged;

	connection->unacknowledged = stream_unacknowledged(&connection->stream);
	return connection->unacknowledged < before && takes_enough(connection);
}

/* --- the time that it has --- */

void pacing_set_deadline(struct connection *connection, enum deadline_kind kind)
{
	struct http_server *server = connection->server;

	if (deadline_set(&server->deadlines, &connection->deadline, kind, server->now_ms) &&
	    connection_is_idle(connection))
		idle_renew(connection);
	if (kind == DEADLINE_HEAD)
		pacing_begin_head(connection);
}

void pacing_set_first_deadline(struct connection *connection)
{
	pacing_set_deadline(connection, connection_awaits_proxy(connection) ? DEADLINE_PROXY
					: connection_awaits_tls(connection) ? DEADLINE_HANDSHAKE
									    : DEADLINE_FIRST);
}
