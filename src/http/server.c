/* SPDX-License-Identifier: MIT
 *
 * The HTTP side of a worker, as its owner sees it (http.h). */
#include "http/server.h"

#include "base/clock.h"
#include "http/connection.h"
#include "http/response.h"
#include "http/static.h"

#include <stdlib.h>

void server_turn(struct http_server *server)
{
	uint64_t now_ms = server->clock_ms();

	if (now_ms == server->now_ms)
		return;
	server->now_ms = now_ms;
	response_maker_tick(server->maker);
}

static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	struct list due;

	(void)fd, (void)what;
	server_turn(server);
	/* Those that are put on the list from now on come in the turn after this one. */
	list_init(&due);
	while (!list_empty(&server->turns)) {
		struct list *link = server->turns.next;

		list_remove(link);
		list_append(&due, link);
	}
	while (!list_empty(&due))
		connection_take_turn(connection_of_turn(due.next));
}

static unsigned milliseconds(unsigned given, unsigned otherwise)
{
	return given != 0 ? given : otherwise;
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
	options->head_timeout_ms = milliseconds(given->head_timeout_ms, 10000);
	options->body_timeout_ms = milliseconds(given->body_timeout_ms, 30000);
	options->write_timeout_ms = milliseconds(given->write_timeout_ms, 60000);
	options->keepalive_timeout_ms = milliseconds(given->keepalive_timeout_ms, 75000);
	options->head_size_max = size(given->head_size_max, 32768, GUARD_HEAD_SIZE_LIMIT);
	options->target_size_max = size(given->target_size_max, 8192, GUARD_HEAD_SIZE_LIMIT);
	options->head_fields_max = size(given->head_fields_max, 100, REQUEST_FIELDS_MAX);
	options->discard_max = size(given->discard_max, 262144, SIZE_MAX);

	server->limits = (struct guard_limits){
		.head_size_max = (uint32_t)options->head_size_max,
		.target_size_max = (uint32_t)options->target_size_max,
		.fields_max = (uint32_t)options->head_fields_max,
	};
	timeout_ms[DEADLINE_FIRST] = options->head_timeout_ms;
	timeout_ms[DEADLINE_HEAD] = options->head_timeout_ms;
	timeout_ms[DEADLINE_IDLE] = options->keepalive_timeout_ms;
	timeout_ms[DEADLINE_WRITE] = options->write_timeout_ms;
	timeout_ms[DEADLINE_LINGER] = CONNECTION_LINGER_MS;
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
	list_init(&server->turns);
	list_init(&server->spare);
	deadlines_init(&server->deadlines);
	set_options(server, options);
	parser_init(&server->parser);

	server->receive = malloc(SERVER_RECEIVE_SIZE);
	server->staging = outbox_new();
	server->maker = response_maker_new(options->worker_tag);
	server->site = static_site_new(&server->options);
	if (!server->receive || !server->staging || !server->maker || !server->site ||
	    evtimer_assign(&server->next_turn, base, on_next_turn, server) < 0)
		goto fail;
	return server;
fail:
	static_site_free(server->site);
	response_maker_free(server->maker);
	outbox_free(server->staging);
	free(server->receive);
	free(server);
	return NULL;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	http_server_abort(server);
	event_del(&server->next_turn);
	connection_free_spare(server);
	static_site_free(server->site);
	response_maker_free(server->maker);
	outbox_free(server->staging);
	free(server->receive);
	free(server);
}

void http_server_take(struct http_server *server, int fd, unsigned flags)
{
	server_turn(server);
	connection_open(server, fd, flags);
}

void http_server_tick(struct http_server *server)
{
	struct deadline *deadline;

	server_turn(server);
	for (unsigned count = 0; count < SERVER_SWEEP_MAX; count++) {
		deadline = deadlines_passed(&server->deadlines, server->now_ms);
		if (!deadline)
			break;
		connection_expire(connection_of_deadline(deadline));
	}
	static_site_tick(server->site, server->now_ms);
}

void http_server_retire(struct http_server *server)
{
	server->retiring = true;
}

/* Each connection on the list once, also if it stays on it, and whatever happens to the others. */
static void stop_idle(struct list *list)
{
	size_t count = 0;

	for (struct list *link = list->next; link != list; link = link->next)
		count++;
	for (; count > 0 && !list_empty(list); count--) {
		struct deadline *deadline = LIST_ENTRY(list->next, struct deadline, link);

		list_remove(&deadline->link);
		list_append(list, &deadline->link);
		connection_stop(connection_of_deadline(deadline));
	}
}

void http_server_stop(struct http_server *server)
{
	server_turn(server);
	server->retiring = server->stopping = true;
	stop_idle(&server->deadlines.lists[DEADLINE_FIRST]);
	stop_idle(&server->deadlines.lists[DEADLINE_IDLE]);
}

void http_server_abort(struct http_server *server)
{
	struct deadline *deadline;

	while ((deadline = deadlines_any(&server->deadlines)))
		connection_close(connection_of_deadline(deadline));
}

void http_server_get_stats(const struct http_server *server, struct http_stats *out)
{
	*out = (struct http_stats){
		.connections = server->connections,
		.idle = server->idle,
		.requests = server->requests,
	};
}
