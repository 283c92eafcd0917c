/* SPDX-License-Identifier: MIT
 *
 * The HTTP side of a worker, as its owner sees it (http.h). */
#include "http/connection/server.h"

#include "base/clock.h"
#include "http/connection/arrival.h"
#include "http/connection/closing.h"
#include "http/connection/connection.h"
#include "http/connection/migration_state.h"
#include "http/connection/pool.h"
#include "http/connection/room.h"
#include "http/connection/turn.h"
#include "http/files/response.h"
#include "http/files/static.h"
#include "http/tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { MOVES_PER_TURN = 128 /* others have their turn in between */ };

/* The next one of a walk over all, which goes on well whatever happens to this one or to others. */
static struct connection *visit_next(struct http_server *server)
{
	struct list *link = server->unvisited.next;

	list_remove(link);
	list_append(&server->open, link);
	return connection_of_link(link);
}

/* Where there is no memory for it the next tick tries again. */
static void move_later(struct http_server *server)
{
	if (server->moving && !list_empty(&server->unvisited))
		(void)!turn_schedule(server);
}

static void move_some(struct http_server *server)
{
	for (unsigned i = 0; i < MOVES_PER_TURN && server->moving; i++) {
		if (list_empty(&server->unvisited))
			return;
		connection_leave(visit_next(server));
	}
	move_later(server);
}

static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;

	(void)fd, (void)what;
	turn_begin(server);
	/* Those that are put on the list from now on come in the turn after this one. */
	list_append_all(&server->due, &server->turns);
	while (!list_empty(&server->due))
		connection_take_turn(connection_of_link(server->due.next));
	move_some(server);
}

static void look_at_deadlines(struct http_server *server)
{
	for (unsigned count = 0; count < SERVER_SWEEP_MAX; count++) {
		struct deadline *deadline = deadlines_passed(&server->deadlines, server->now_ms);

		if (!deadline)
			break;
		connection_expire(connection_of_deadline(deadline));
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;

	(void)fd, (void)what;
	turn_begin(server);
	look_at_deadlines(server);
	if (server->connections > 0)
		turn_hurry(server);
}

static unsigned milliseconds(unsigned given, unsigned standard_s)
{
	return given != 0 ? given : standard_s * 1000;
}

static size_t size(size_t given, size_t otherwise, size_t limit)
{
	if (given == 0)
		given = otherwise;
	return given < limit ? given : limit;
}

static void set_options(struct http_server *server, const struct http_options *given)
{
	struct http_options *options = &server->options;
	uint64_t *timeout_ms = server->deadlines.timeout_ms;

	*options = *given;
	options->head_timeout_ms = milliseconds(given->head_timeout_ms, HTTP_HEAD_TIMEOUT_S);
	options->body_timeout_ms = milliseconds(given->body_timeout_ms, HTTP_BODY_TIMEOUT_S);
	options->write_timeout_ms = milliseconds(given->write_timeout_ms, HTTP_WRITE_TIMEOUT_S);
	options->keepalive_timeout_ms = milliseconds(given->keepalive_timeout_ms, HTTP_KEEPALIVE_TIMEOUT_S);
	options->head_size_max = size(given->head_size_max, 32768, GUARD_HEAD_SIZE_LIMIT);
	options->target_size_max = size(given->target_size_max, HTTP_TARGET_SIZE_MAX, GUARD_HEAD_SIZE_LIMIT);
	options->head_fields_max = size(given->head_fields_max, 100, REQUEST_FIELDS_MAX);
	options->discard_max = size(given->discard_max, 16 << 20, SIZE_MAX);

	server->health.allow = given->health_allow;
	server->health.logged = given->health_logged;
	server->client.trusted = given->trusted;
	server->client.forwarded = given->forwarded;
	server->limits = (struct guard_limits){
		.head_size_max = (uint32_t)options->head_size_max,
		.target_size_max = (uint32_t)options->target_size_max,
		.fields_max = (uint32_t)options->head_fields_max,
	};
	timeout_ms[DEADLINE_PROXY] = milliseconds(given->proxy_timeout_ms, HTTP_PROXY_TIMEOUT_S);
	admission_init(&server->admission, &given->limits);
	timeout_ms[DEADLINE_HANDSHAKE] = milliseconds(given->handshake_timeout_ms, HTTP_HANDSHAKE_TIMEOUT_S);
	timeout_ms[DEADLINE_FIRST] = options->head_timeout_ms;
	timeout_ms[DEADLINE_HEAD] = options->head_timeout_ms;
	timeout_ms[DEADLINE_IDLE] = options->keepalive_timeout_ms;
	timeout_ms[DEADLINE_WRITE] = options->write_timeout_ms;
	timeout_ms[DEADLINE_LINGER] = CONNECTION_LINGER_MS;
}

static void free_parts(struct http_server *server)
{
	static_site_free(server->site);
	response_builder_free(server->builder);
	send_queue_free(server->staging);
	free(server->state);
	free(server->receive);
	free(server);
}

struct http_server *http_server_new(struct event_base *base, const struct http_options *options,
				    const struct http_events *events)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->base = base;
	server->clock_ms = clock_now_ms;
	if (events)
		server->events = *events;
	list_init(&server->open);
	list_init(&server->unvisited);
	list_init(&server->turns);
	list_init(&server->due);
	list_init(&server->outside);
	list_init(&server->evicted.parting);
	idle_init(&server->idle_lists);
	deadlines_init(&server->deadlines);
	set_options(server, options);
	parser_init(&server->parser);

	server->receive = malloc(SERVER_RECEIVE_SIZE);
	server->state = malloc(HTTP_STATE_MAX);
	server->staging = send_queue_new();
	server->builder = response_builder_new(options->worker_tag);
	server->site = server->health.site = static_site_new(&server->options, server->builder);
	if (!server->receive || !server->state || !server->staging || !server->builder || !server->site ||
	    evtimer_assign(&server->next_turn, base, on_next_turn, server) < 0 ||
	    evtimer_assign(&server->sweep, base, on_sweep, server) < 0 || room_init(server) < 0)
		goto fail;
	return server;
fail:
	free_parts(server);
	return NULL;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	http_server_abort(server);
	event_del(&server->next_turn);
	event_del(&server->sweep);
	room_end(server);
	free_parts(server);
}

void http_server_take(struct http_server *server, int fd, unsigned flags)
{
	turn_begin(server);
	arrival_take(server, fd, flags);
}

void http_server_tick(struct http_server *server)
{
	turn_begin(server);
	room_tick(server);
	look_at_deadlines(server);
	move_later(server);
	static_site_tick(server->site, server->now_ms);
}

void http_server_move_away(struct http_server *server)
{
	assert(server->events.moved);
	if (server->stopping)
		return;
	server->draining = server->health.leaving;
	server->moving = true;
	list_append_all(&server->unvisited, &server->open);
	move_later(server);
}

static bool admits(const struct http_server *server, const struct migration_state *state)
{
	return state->session.len == 0 || tls_admits(server->options.tls, state->session.ptr, state->session.len);
}

bool http_server_admits(const struct http_server *server, const void *data, size_t size)
{
	struct migration_state state;

	return migration_decode(&state, data, size) == 0 && admits(server, &state);
}

static int take(struct http_server *server, int fd, const void *data, size_t size, enum connection_kind kind)
{
	struct migration_state state;
	int rc = migration_decode(&state, data, size);

	if (rc < 0)
		return rc;
	if (kind == KIND_CLIENT && !admits(server, &state))
		return -EINVAL;
	turn_begin(server);
	return arrival_take_moved(server, fd, &state, kind);
}

int http_server_take_moved(struct http_server *server, int fd, const void *data, size_t size)
{
	return take(server, fd, data, size, KIND_CLIENT);
}

int http_server_take_back(struct http_server *server, int fd, const void *data, size_t size)
{
	return take(server, fd, data, size, KIND_RETURNED);
}

bool http_server_has_root(struct http_server *server)
{
	return static_site_has_root(server->site);
}

void http_server_announce_stop(struct http_server *server)
{
	if (server->health.leaving)
		return;
	turn_begin(server);
	server->health.leaving = server->draining = true;
	server->leaving_ms = server->now_ms;
}

void http_server_stop(struct http_server *server)
{
	http_server_announce_stop(server);
	http_server_drain(server);
}

void http_server_drain(struct http_server *server)
{
	if (server->stopping)
		return;
	turn_begin(server);
	if (!server->health.leaving)
		server->leaving_ms = server->now_ms;
	server->moving = false;
	server->draining = server->stopping = true;
	list_append_all(&server->unvisited, &server->open);
	while (!list_empty(&server->unvisited))
		closing_of_stop(visit_next(server));
}

/* NULL: there is none. */
static struct connection *any(struct http_server *server)
{
	struct list *lists[] = {&server->open, &server->unvisited, &server->turns, &server->due};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!list_empty(lists[i]))
			return connection_of_link(lists[i]->next);
	return NULL;
}

unsigned http_server_abort(struct http_server *server)
{
	struct connection *connection;
	unsigned cut = 0;

	turn_begin(server);
	server->moving = false;
	server->draining = server->stopping = true;
	while ((connection = any(server)))
		cut += connection_abort(connection);
	return cut;
}

void http_server_get_stats(const struct http_server *server, struct http_stats *out)
{
	uint64_t since_ms = 0;

	*out = (struct http_stats){
		.connections = server->connections,
		.idle = server->idle,
		.movable = server->moving ? server->movable : 0,
		.requests = server->requests,
		.refused = server->admission.refused,
		.evictable = idle_count(server, &since_ms),
		.evicted = server->evicted.count,
	};
}

bool http_server_make_room(struct http_server *server)
{
	turn_begin(server);
	return evict_longest(server, "max_connections");
}

bool http_server_free_descriptor(struct http_server *server)
{
	turn_begin(server);
	if (evict_first_parting(server))
		return true;
	evict_some(server, "the limit of open files");
	return false;
}
