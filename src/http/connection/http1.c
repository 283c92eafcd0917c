/* SPDX-License-Identifier: MIT
 *
 * See http1.h. Workers. */
#include "http/connection/http1.h"

#include "base/clock.h"
#include "http/connection/delivery.h"
#include "http/connection/migration.h"
#include "http/connection/respond.h"
#include "http/connection/server.h"

static bool logs(const struct connection *connection)
{
	return connection->server->events.log && connection->kind != KIND_PROBE;
}

void http1_begin(struct connection *connection)
{
	if (logs(connection))
		connection->start_us = clock_now_us();
}

/* What is left of a connection in a process that drains: nothing, or what cannot leave. */
static bool drains(const struct connection *connection)
{
	const struct http_server *server = connection->server;

	return server->draining || connection->kind == KIND_RETURNED ||
	       (server->moving && !connection->stream.io->moves);
}

/* What follows this answer. A draining server says goodbye on the last answer to what it has read, so that requests
 * sent before anybody could know are not lost. */
static enum connection_end end_after(const struct connection *connection, const struct response *response,
				     enum refusal refusal, bool more)
{
	const struct request *request = &connection->server->request;

	if (request->has_body && refusal == REFUSAL_NONE)
		return END_BODY;
	if (response->close || connection->last || (drains(connection) && !more) ||
	    connection->answered >= connection->stream.io->requests_max)
		return END_STAGED;
	return request->keep_alive ? END_OPEN : END_PLAIN;
}

/* Makes the answer and puts it behind those that are staged. `more`: there are octets behind this request. */
static void stage(struct connection *connection, enum refusal refusal, bool more)
{
	static const struct slice ends[] = {
		{"\r\n", 2},
		{"Connection: keep-alive\r\n\r\n", 26}, /* both sides must say so in HTTP/1.0 */
		{"Connection: close\r\n\r\n", 21},
	};
	struct http_server *server = connection->server;
	const struct request *request = &server->request;
	unsigned end = request->minor_version == 0;
	struct response response;
	struct send_queue_item *item;

	refusal = respond(connection, refusal, &response);
	connection->end = end_after(connection, &response, refusal, more);
	if (connection->end != END_OPEN)
		end = 2;
	item = send_queue_add(server->staging, &response, ends[end], request->method != METHOD_HEAD);
	connection->answered++;
	if (connection->kind != KIND_PROBE)
		server->requests++;
	if (logs(connection) && !response.unlogged) {
		item->entry = &server->entries[item - server->staging->items];
		access_entry_fill(item->entry, request, server->name, connection->start_us);
		item->entry->status = response.status;
		item->entry->reason = response.reason;
		item->entry->site = response.location ? response.location->site : NULL;
	}
}

void http1_refuse(struct connection *connection, struct input *input, enum refusal refusal)
{
	parser_read_refused(&connection->guard, input->data + input->at, input->size - input->at,
			    &connection->server->request);
	stage(connection, refusal, false);
	input->at = input->size;
}

/* Takes one request out of the input and stages its answer. False: there is no whole one. */
static bool answer_next(struct connection *connection, struct input *input)
{
	struct http_server *server = connection->server;
	struct guard *guard = &connection->guard;
	const char *data = input->data + input->at;
	enum refusal refusal;

	switch (guard_scan(guard, &server->limits, data, input->size - input->at)) {
	case GUARD_MORE:
		input->at += guard->start;
		guard_rebase(guard);
		return false;
	case GUARD_REFUSED:
		http1_refuse(connection, input, guard->refusal);
		break;
	case GUARD_COMPLETE:
		refusal = parser_read(&server->parser, guard, data, &server->request);
		input->at += guard->line;
		stage(connection, refusal, input->at < input->size);
		break;
	}
	guard_reset(guard);
	return true;
}

/* Stages as many answers as fit. True: there may be more requests in the input. */
static bool stage_some(struct connection *connection, struct input *input, unsigned *budget)
{
	struct send_queue *staging = connection->server->staging;

	while (connection->end == END_OPEN && input->at < input->size) {
		if (*budget == 0 || (staging->count > 0 && !send_queue_ready(staging)))
			return true;
		if (!answer_next(connection, input))
			return false;
		(*budget)--;
	}
	return false;
}

enum send_queue_result http1_run(struct connection *connection, struct input *input)
{
	enum send_queue_result result = SEND_QUEUE_EMPTY;
	unsigned budget = HTTP1_REQUESTS_MAX;
	bool more;

	if (connection->queue) {
		result = delivery_write_own(connection);
		if (result != SEND_QUEUE_EMPTY)
			return result;
		/* Requests that have been held back are for the next server. */
		if (migration_is_due(connection))
			return input->at < input->size ? SEND_QUEUE_YIELDED : SEND_QUEUE_EMPTY;
	}
	do {
		more = stage_some(connection, input, &budget);
		if (connection->server->staging->count > 0)
			result = delivery_write_staged(connection);
	} while (result == SEND_QUEUE_EMPTY && more && budget > 0);
	return result == SEND_QUEUE_EMPTY && more ? SEND_QUEUE_YIELDED : result;
}
