/* SPDX-License-Identifier: MIT
 *
 * See evict.h. Workers. */
#include "http/connection/evict.h"

#include "base/log.h"
#include "http/connection/connection.h"
#include "http/connection/ending.h"
#include "http/connection/idle.h"
#include "http/connection/server.h"

#include <inttypes.h>

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

bool evict_longest(struct http_server *server, const char *setting)
{
	struct connection *longest = idle_longest(server);

	if (!longest)
		return false;
	ending_by_yielding(longest);
	tell(server, setting);
	return true;
}

static unsigned parting_max(const struct http_server *server)
{
	unsigned share = server->connections / 8 + EVICT_PARTING_MIN;

	return share < EVICT_PARTING_MAX ? share : EVICT_PARTING_MAX;
}

void evict_some(struct http_server *server, const char *setting)
{
	for (unsigned i = 0; i < EVICT_PARTING_MIN + server->connections / 32; i++)
		if (server->evicted.parting_count >= parting_max(server) || !evict_longest(server, setting))
			return;
}

bool evict_first_parting(struct http_server *server)
{
	struct list *parting = &server->evicted.parting;

	if (list_empty(parting))
		return false;
	connection_close(LIST_ENTRY(parting->next, struct connection, rest));
	return true;
}

void evict_begin_parting(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct evicted *evicted = &server->evicted;

	while (evicted->parting_count >= parting_max(server) && evict_first_parting(server))
		;
	connection->parting = true;
	list_append(&evicted->parting, &connection->rest);
	evicted->parting_count++;
	evicted->count++;
	if (server->admission.connections)
		admission_end(connection);
	if (server->events.parting)
		server->events.parting(server->events.context);
}

void evict_end_parting(struct connection *connection)
{
	list_remove(&connection->rest);
	connection->server->evicted.parting_count--;
}
