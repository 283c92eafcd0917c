/* SPDX-License-Identifier: MIT
 *
 * Saving and restoring connections. */
#include "http/connection/migration.h"

#include "base/clock.h"
#include "http/connection/pacing.h"
#include "http/connection/server.h"
#include "http/tls/tls.h"

#include <errno.h>

_Static_assert((int)STREAM_STATE_MAX == (int)MIGRATION_SESSION_MAX, "what a stream saves travels");

bool migration_is_due(const struct connection *connection)
{
	return connection->server->moving && connection->kind == KIND_CLIENT && connection->stream.io->moves &&
	       !connection_awaits_tls(connection) && !connection->queue && connection->end == END_OPEN &&
	       connection->input.used <= MIGRATION_INPUT_MAX;
}

static const enum deadline_kind kinds[] = {
	[MIGRATION_WAIT_FIRST] = DEADLINE_FIRST,
	[MIGRATION_WAIT_HEAD] = DEADLINE_HEAD,
	[MIGRATION_WAIT_IDLE] = DEADLINE_IDLE,
};

static enum migration_wait wait_of(const struct connection *connection)
{
	if (connection->input.used > 0)
		return MIGRATION_WAIT_HEAD;
	return connection_awaits_proxy(connection) || connection->deadline.kind == DEADLINE_FIRST ? MIGRATION_WAIT_FIRST
												  : MIGRATION_WAIT_IDLE;
}

/* What the time is for. */
static enum deadline_kind kind_of(enum migration_wait wait, bool awaits_proxy)
{
	return awaits_proxy ? DEADLINE_PROXY : kinds[wait];
}

/* What is left of the time for that; all of it when so far the time for an answer ran out. */
static uint64_t left_ms_of(const struct connection *connection, enum migration_wait wait)
{
	const struct http_server *server = connection->server;

	enum deadline_kind kind = kind_of(wait, connection_awaits_proxy(connection));

	if (connection->deadline.kind != kind)
		return server->deadlines.timeout_ms[kind];
	if (kind == DEADLINE_HEAD) /* it may be one to look how fast it comes */
		return connection->head_until_ms > server->now_ms ? connection->head_until_ms - server->now_ms : 0;
	return deadline_left_ms(&connection->deadline, server->now_ms);
}

size_t migration_save(const struct connection *connection, char *out)
{
	enum migration_wait wait = wait_of(connection);
	char session[STREAM_STATE_MAX];
	struct migration_state state = {
		.answered = connection->answered,
		.wait = wait,
		.left_ms = (uint32_t)left_ms_of(connection, wait),
		.last = connection->last,
		.awaits_proxy = connection_awaits_proxy(connection),
		.empty_lines = connection->guard.empty_lines,
		.origin = connection->origin,
		.hold = connection->hold,
		.session = {session, stream_save(&connection->stream, session)},
		.input = {connection->input.data, connection->input.used},
	};

	if (connection->peer.source == PEER_TOLD)
		state.peer = connection->peer;
	if (wait == MIGRATION_WAIT_HEAD && connection->start_us != 0)
		state.age_us = clock_now_us() - connection->start_us;
	return migration_encode(&state, out);
}

int migration_restore(struct connection *connection, const struct migration_state *state)
{
	struct http_server *server = connection->server;
	uint64_t now_us = clock_now_us();

	connection->stream.moved = connection->stream.unsure = true;
	connection->answered = state->answered;
	connection->last = state->last;
	connection->origin = state->origin;
	connection->prelude = state->awaits_proxy ? PRELUDE_PROXY : PRELUDE_NONE;
	connection->peer = state->peer;
	connection->guard.empty_lines = state->empty_lines;
	if (connection->guard.empty_lines > GUARD_EMPTY_LINES_MAX)
		connection->guard.empty_lines = GUARD_EMPTY_LINES_MAX;
	connection->start_us = state->age_us < now_us ? now_us - state->age_us : now_us;
	if (state->session.len > 0 &&
	    tls_resume(server->options.tls, &connection->stream, state->session.ptr, state->session.len) < 0)
		return -ENOMEM;
	deadline_resume(&server->deadlines, &connection->deadline, kind_of(state->wait, state->awaits_proxy),
			state->left_ms, server->now_ms);
	if (state->input.len == 0)
		return 0;
	if (buffer_append(&connection->input, state->input.ptr, state->input.len) < 0)
		return -ENOMEM;
	if (connection->deadline.kind == DEADLINE_HEAD)
		pacing_begin_head(connection);
	return 0;
}
