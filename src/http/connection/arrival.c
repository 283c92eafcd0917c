/* SPDX-License-Identifier: MIT
 *
 * See arrival.h. Workers. */
#include "http/connection/arrival.h"

#include "base/fd.h"
#include "http/connection/closing.h"
#include "http/connection/idle.h"
#include "http/connection/input.h"
#include "http/connection/migration.h"
#include "http/connection/pacing.h"
#include "http/connection/pool.h"
#include "http/connection/prelude.h"
#include "http/connection/room.h"
#include "http/connection/server.h"

#include <errno.h>

/* Among all, and, once it is known whose it is, among those of its client (both at once where nobody tells of another
 * peer). False: it was turned away, and may be gone, or it waits for room. */
static bool let_in(struct connection *connection)
{
	const struct admission *admission = &connection->server->admission;
	bool has_room = admission->total_max == 0 || room_is_free(connection);
	/* Before anybody is asked: nobody gives way to a client that has too many itself. */
	enum quota_kind refused = admission_of_client(connection);

	if (refused == QUOTA_NONE && !has_room) {
		switch (room_make(connection)) {
		case ROOM_TAKEN:
			break;
		case ROOM_LATER:
			return false;
		case ROOM_NONE:
			refused = QUOTA_TOTAL;
			break;
		}
	}
	if (refused != QUOTA_NONE)
		connection_turn_away(connection, refused);
	return refused == QUOTA_NONE;
}

void arrival_take(struct http_server *server, int fd, unsigned flags)
{
	bool probe = (flags & HTTP_TAKE_PROBE) != 0, tls = (flags & HTTP_TAKE_TLS) != 0;
	bool proxy = (flags & HTTP_TAKE_PROXY) != 0;
	struct connection *connection =
		pool_new(server, fd, probe ? KIND_PROBE : KIND_CLIENT, proxy ? CONNECTION_PROXY : CONNECTION_WAITING);

	if (!connection) {
		fd_close(&fd);
		if (!probe && server->events.closed)
			server->events.closed(server->events.context);
		return;
	}
	connection->last = (flags & HTTP_TAKE_CLOSE) != 0;
	connection->stream.unsure = (flags & HTTP_TAKE_GIVEN) != 0;
	connection->origin = server->options.origin;
	connection->prelude = proxy ? (tls ? PRELUDE_PROXY_TLS : PRELUDE_PROXY) : tls ? PRELUDE_TLS : PRELUDE_NONE;
	pacing_set_first_deadline(connection);
	if (server->stopping)
		closing_of_stop(connection);
	if (proxy && !prelude_may_begin(connection)) {
		connection_close(connection);
		return;
	}
	if (server->admission.connections && !probe && !let_in(connection))
		return;
	connection_begin(connection, (flags & HTTP_TAKE_WAITING) != 0);
}

int arrival_take_moved(struct http_server *server, int fd, const struct migration_state *state,
		       enum connection_kind kind)
{
	bool head = state->wait == MIGRATION_WAIT_HEAD;
	enum connection_state begin = state->awaits_proxy ? CONNECTION_PROXY
				      : head              ? CONNECTION_HEAD
							  : CONNECTION_WAITING;
	struct connection *connection = pool_new(server, fd, kind, begin);

	if (!connection)
		return -ENOMEM;
	/* Room to read into is made here, where it may fail. */
	if (migration_restore(connection, state) < 0 || (head && buffer_reserve(&connection->input, INPUT_MORE) < 0) ||
	    (migration_is_due(connection) && connection_put_off(connection) < 0)) {
		pool_delete(connection);
		return -ENOMEM;
	}
	if (connection_is_idle(connection))
		idle_place(connection);
	if (server->admission.connections)
		admission_take_over(connection, &state->hold);
	if (connection->state == CONNECTION_TURN)
		return 0;
	if (server->stopping)
		closing_of_stop(connection);
	connection_resume(connection);
	return 0;
}
