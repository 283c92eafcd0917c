/* SPDX-License-Identifier: MIT
 *
 * A worker's half of the server (server.h): what the cluster asks for, done with http. Worker only. */
#include "brood/server.h"

#include "base/fd.h"
#include "base/log.h"
#include "brood/log/access_log.h"
#include "brood/limits.h"
#include "brood/probe.h"
#include "brood/serving_tls.h"
#include "cluster/ipc/log_outlet.h"
#include "http/http.h"
#include "http/client/quota.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CRASH_AFTER_MS = 200 };

struct serving {
	struct server *server;
	struct worker *worker;
	struct event_base *base;
	struct http_server *http;
	struct tls *tls; /* NULL: no listener speaks it */
	struct access_log access_log;
	/* By which listener each connection came, by descriptor: http need not know, and the next worker
	 * must be told. */
	unsigned *listeners;
	size_t listener_room;
	struct limits_expected expected;
};

static void note_listener(struct serving *serving, int fd, unsigned listener)
{
	size_t room = serving->listener_room > 0 ? serving->listener_room : 64;
	unsigned *listeners;

	while (room <= (size_t)fd)
		room *= 2;
	if (room != serving->listener_room) {
		listeners = realloc(serving->listeners, room * sizeof(*listeners));
		if (!listeners)
			return; /* it goes on as one that came by no listener in particular */
		memset(listeners + serving->listener_room, 0, (room - serving->listener_room) * sizeof(*listeners));
		serving->listeners = listeners;
		serving->listener_room = room;
	}
	serving->listeners[fd] = listener;
}

static unsigned listener_of(const struct serving *serving, int fd)
{
	return (size_t)fd < serving->listener_room ? serving->listeners[fd] : 0;
}

/* --- failures on purpose (debug_fault) --- */

static bool has_fault(const struct serving *serving, enum fault_kind kind)
{
	const struct config_fault *fault = &serving->server->chosen->config->debug_fault;

	return fault->kind == kind && (fault->slot < 0 || (unsigned)fault->slot == worker_slot(serving->worker));
}

static void crash(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
	log_error("debug_fault: crashing");
	raise(SIGSEGV);
}

static void crash_soon(struct serving *serving)
{
	struct timeval delay = {0, CRASH_AFTER_MS * 1000};

	if (has_fault(serving, FAULT_CRASH))
		event_base_once(serving->base, -1, EV_TIMEOUT, crash, NULL, &delay);
}

/* --- the self-test --- */

static void on_probed(void *context, int status)
{
	struct serving *serving = context;
	const char *probe = serving->server->chosen->config->probe;

	if (has_fault(serving, FAULT_PROBE_FAIL)) {
		log_error("debug_fault: the self-test fails");
		status = 500;
	}
	/* Without a root it is what every worker would answer, and what it may well have been started for. */
	if ((status >= 100 && status < 500) || (status == 503 && !http_server_has_root(serving->http))) {
		worker_ready(serving->worker);
		crash_soon(serving);
		return;
	}
	if (status < 0)
		log_error("self-test: GET %s: %s", probe, strerror(-status));
	else
		log_error("self-test: GET %s was answered with %d", probe, status);
	worker_fail(serving->worker, CLUSTER_EXIT_CRASH);
}

/* --- set-up --- */

static void on_closed(void *context)
{
	struct serving *serving = context;

	worker_connection_closed(serving->worker);
}

static void on_parting(void *context)
{
	struct serving *serving = context;

	worker_connection_parting(serving->worker);
}

static void on_parted(void *context)
{
	struct serving *serving = context;

	worker_connection_parted(serving->worker);
}

static void on_idle(void *context, unsigned count)
{
	struct serving *serving = context;

	worker_report_idle(serving->worker, count);
}

static void on_moved(void *context, int fd, const void *state, size_t size)
{
	struct serving *serving = context;

	worker_give(serving->worker, fd, listener_of(serving, fd), state, size);
}

static void on_log(void *context, const struct http_log_entry *entry)
{
	struct serving *serving = context;

	const struct setup *setup = serving->server->chosen;
	/* What was refused before its site was known is the default site's. */
	size_t site = entry->site ? (size_t)(entry->site - setup->sites.http.list) : 0;
	unsigned log = site_logs_find(&setup->access_logs, site);

	if (log != 0)
		access_log_add(&serving->access_log, log, entry);
}

static struct http_server *make_http(struct serving *serving)
{
	const struct setup *setup = serving->server->chosen;
	const struct config *config = setup->config;
	char tag[64];
	struct http_options options = {
		.head_timeout_ms = (unsigned)config->head_timeout_ms,
		.body_timeout_ms = (unsigned)config->body_timeout_ms,
		.write_timeout_ms = (unsigned)config->write_timeout_ms,
		.keepalive_timeout_ms = (unsigned)config->keepalive_timeout_ms,
		.trusted = &config->trusted,
		.proxy_trusted = &config->proxy_trusted,
		.proxy_timeout_ms = (unsigned)config->proxy_timeout_ms,
		.forwarded = config->forwarded,
		.health_allow = &config->health_allow,
		.health_logged = config->health_log,
		.request_ids = config->request_id,
		.origin = worker_generation(serving->worker) + 1, /* generations count from 0 */
		.min_receive_rate = (unsigned)config->min_receive_rate,
		.min_send_rate = (unsigned)config->min_send_rate,
		.limits = limits_of(serving->server, serving->worker),
		.sites = &setup->sites.http,
		.mime = setup->mime,
		.epochs = serving->server->epochs,
		.tls = serving->tls,
		.handshake_timeout_ms = (unsigned)config->tls_handshake_timeout_ms,
		.worker_tag = config->debug_headers ? tag : NULL,
	};
	struct http_events events = {
		.context = serving,
		.closed = on_closed,
		.parting = on_parting,
		.parted = on_parted,
		.idle = on_idle,
		.moved = on_moved,
		.log = worker_log(serving->worker)->queue.page && site_logs_exist(&setup->access_logs) ? on_log : NULL,
	};

	snprintf(tag, sizeof(tag), "%u-%u-%d", worker_slot(serving->worker), worker_generation(serving->worker),
		 getpid());
	return http_server_new(serving->base, &options, &events);
}

static int start(void *context, struct worker *worker, struct event_base *base)
{
	struct server *server = context;
	struct serving *serving = calloc(1, sizeof(*serving));
	int error;

	if (!serving)
		return CLUSTER_EXIT_RESOURCES;
	*serving = (struct serving){.server = server, .worker = worker, .base = base};
	server->serving = serving;
	server_in_child(server, server->chosen);
	if (has_fault(serving, FAULT_START_EXIT)) {
		log_error("debug_fault: leaving instead of starting");
		return CLUSTER_EXIT_CRASH;
	}
	if (has_fault(serving, FAULT_START_FATAL)) {
		log_error("debug_fault: a set-up that cannot succeed");
		return CLUSTER_EXIT_FATAL;
	}
	error = serving_tls_open(server->chosen, &server->ticket_keys, &serving->tls);
	if (error)
		return error;
	quota_take_number(server->quota, worker_number(worker));
	access_log_init(&serving->access_log, worker_log(worker), server->chosen->config->access_log_format);
	serving->http = make_http(serving);
	if (!serving->http) {
		log_error("cannot set up the HTTP side: %m");
		return CLUSTER_EXIT_RESOURCES;
	}
	if (has_fault(serving, FAULT_START_HANG)) {
		log_warn("debug_fault: never getting ready");
		return 0;
	}
	error = probe_start(base, serving->http, server->chosen->config->probe, on_probed, serving);
	if (error) {
		log_error("cannot start the self-test: %s", strerror(-error));
		http_server_free(serving->http);
		return CLUSTER_EXIT_RESOURCES;
	}
	return 0;
}

/* --- what the cluster asks for --- */

static struct http_server *http_of(void *context)
{
	return ((struct server *)context)->serving->http;
}

static void on_connection(void *context, int fd, unsigned listener, unsigned arrival)
{
	unsigned flags = HTTP_TAKE_WAITING, tag;
	struct server *server = context;

	note_listener(server->serving, fd, listener);
	tag = worker_listener_tag(server->serving->worker, listener);
	if (arrival & CLUSTER_SCARCE)
		flags |= HTTP_TAKE_CLOSE;
	if (arrival & CLUSTER_GIVEN)
		flags |= HTTP_TAKE_GIVEN;
	if (tag & LISTENER_PROXY)
		flags |= HTTP_TAKE_PROXY;
	if (tag & LISTENER_TLS)
		flags |= HTTP_TAKE_TLS;
	http_server_take(server->serving->http, fd, flags);
}

static int take_moved(void *context, int fd, unsigned listener, const void *state, size_t size)
{
	struct server *server = context;

	int rc;

	note_listener(server->serving, fd, listener);
	rc = http_server_take_moved(server->serving->http, fd, state, size);
	limits_come(&server->serving->expected, server->quota);
	return rc;
}

static void on_expect(void *context, const void *state, size_t size)
{
	struct server *server = context;

	limits_expect(&server->serving->expected, server->quota, worker_number(server->serving->worker), state, size);
}

static bool on_understands(void *context, const void *state, size_t size)
{
	return http_server_admits(http_of(context), state, size);
}

static void on_drain(void *context)
{
	http_server_move_away(http_of(context));
}

static void on_returned(void *context, int fd, unsigned listener, const void *state, size_t size)
{
	struct server *server = context;

	note_listener(server->serving, fd, listener);
	if (http_server_take_back(server->serving->http, fd, state, size) < 0) {
		log_error("a connection that nobody could take had to be closed");
		fd_close(&fd);
		worker_connection_closed(server->serving->worker);
	}
}

static unsigned on_evictable(void *context)
{
	struct server *server = context;
	struct http_stats stats;

	http_server_get_stats(server->serving->http, &stats);
	return stats.evictable;
}

static bool on_make_room(void *context)
{
	return http_server_make_room(http_of(context));
}

static bool on_free_descriptor(void *context)
{
	return http_server_free_descriptor(http_of(context));
}

static unsigned on_movable(void *context)
{
	struct server *server = context;
	struct http_stats stats;

	http_server_get_stats(server->serving->http, &stats);
	return stats.movable;
}

static void on_leaving(void *context)
{
	http_server_announce_stop(http_of(context));
}

static void on_stop(void *context)
{
	http_server_stop(http_of(context));
}

static void on_close_idle(void *context)
{
	http_server_drain(http_of(context));
}

static unsigned on_abort(void *context)
{
	return http_server_abort(http_of(context));
}

static void on_tick(void *context)
{
	struct server *server = context;
	struct serving *serving = server->serving;
	struct http_stats stats;

	http_server_tick(serving->http);
	http_server_get_stats(serving->http, &stats);
	worker_report(serving->worker, stats.requests);
}

static bool on_broadcast(void *context, uint32_t kind, const void *data, size_t size, int *fds, size_t fd_count)
{
	struct server *server = context;

	return serving_tls_broadcast(server->chosen, server->serving->tls, kind, data, size, fds, fd_count);
}

const struct cluster_worker_callbacks serving_callbacks = {
	.start = start,
	.tick = on_tick,
	.connection = on_connection,
	.understands = on_understands,
	.expect = on_expect,
	.moved = take_moved,
	.returned = on_returned,
	.movable = on_movable,
	.evictable = on_evictable,
	.make_room = on_make_room,
	.free_descriptor = on_free_descriptor,
	.broadcast = on_broadcast,
	.leaving = on_leaving,
	.drain = on_drain,
	.close_idle = on_close_idle,
	.stop = on_stop,
	.abort = on_abort,
};
