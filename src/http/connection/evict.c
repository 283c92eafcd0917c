/* SPDX-License-Identifier: MIT
 *
 * See evict.h. Workers. */
#include "http/connection/evict.h"

#include "base/log.h"
#include "http/connection/closing.h"
#include "http/connection/connection.h"
#include "http/connection/idle.h"
#include "http/connection/pool.h"
#include "http/connection/server.h"

#include <inttypes.h>
#include <poll.h>

enum { TELL_MS = 60000 };

static void tell(struct http_server *server, const char *setting)
{
	struct evicted *evicted = &server->evicted;

	if (evicted->count == evicted->told || (evicted->told_ms != 0 && server->now_ms - evicted->told_ms < TELL_MS))
		return;
	log_warn("%s is reached: idle connections are closed for new ones (%" PRIu64 " since this was told last)",
		 setting, evicted->count - evicted->told);
	evicted->told = evicted->count;
	evicted->told_ms = server->now_ms;
}

static unsigned parting_max(const struct http_server *server)
{
	unsigned share = server->connections / 8 + EVICT_PARTING_MIN;

	return share < EVICT_PARTING_MAX ? share : EVICT_PARTING_MAX;
}

bool evict_first_parting(struct http_server *server)
{
	struct list *parting = &server->evicted.parting;

	if (list_empty(parting))
		return false;
	connection_close(LIST_ENTRY(parting->next, struct connection, rest));
	return true;
}

/* It counts no more. */
static void begin_parting(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct evicted *evicted = &server->evicted;

	while (evicted->parting_count >= parting_max(server) && evict_first_parting(server))
		;
	connection->counted = COUNTED_PARTING;
	list_append(&evicted->parting, &connection->rest);
	evicted->parting_count++;
	evicted->count++;
	if (server->admission.connections)
		admission_end(connection);
	if (server->events.parting)
		server->events.parting(server->events.context);
}

static bool something_has_come(const struct connection *connection)
{
	struct pollfd one = {.fd = connection->stream.fd, .events = POLLIN};

	return connection->stream.buffered || poll(&one, 1, 0) != 0;
}

/* If something has come by now it is answered, and that answer is its last. Else it counts no more, to its owner or in
 * limits, and is closed in stages: RFC 9112 section 9.6, since a request may be on its way. Either way it is not idle
 * any more, and may be gone. */
static void give_way(struct connection *connection)
{
	struct http_server *server = connection->server;

	pool_forget_idle(connection);
	if (something_has_come(connection)) {
		connection->last = true;
		connection_read(connection);
	} else if (stream_holds_part(&connection->stream)) {
		/* The rest may take as long as that of a first request, at most. */
		closing_hurry(connection, DEADLINE_FIRST, server->deadlines.timeout_ms[DEADLINE_FIRST]);
	} else {
		begin_parting(connection);
		connection_part(connection, END_STAGED);
	}
}

bool evict_longest(struct http_server *server, const char *setting)
{
	struct connection *longest = idle_longest(server);

	if (!longest)
		return false;
	give_way(longest);
	tell(server, setting);
	return true;
}

void evict_some(struct http_server *server, const char *setting)
{
	for (unsigned i = 0; i < EVICT_PARTING_MIN + server->connections / 32; i++)
		if (server->evicted.parting_count >= parting_max(server) || !evict_longest(server, setting))
			return;
}
