/* SPDX-License-Identifier: MIT
 *
 * Requests in, answers out. */
#include "http/connection/exchange.h"

#include "base/clock.h"
#include "http/files/response.h"
#include "http/connection/server.h"
#include "http/site/site.h"
#include "http/files/static.h"
#include "http/tls/tls.h"

#include <stdlib.h>

static bool is_secure(const struct connection *connection)
{
	return connection->stream.io != &stream_plain;
}

static bool logs(const struct connection *connection)
{
	return connection->server->events.log && !connection->probe;
}

void exchange_begin(struct connection *connection)
{
	if (logs(connection))
		connection->start_us = clock_now_us();
}

static void log_item(struct connection *connection, const struct outbox_item *item)
{
	const struct record *record = item->record;
	uint64_t now_us = clock_now_us();
	struct tls_facts facts;
	struct http_log_record out = {
		.site = record->site,
		.client = &record->client.any,
		.peer = peer_address(&connection->peer, connection->stream.fd),
		.https = record->https || is_secure(connection),
		.tls = tls_facts(&connection->stream, &facts) ? &facts : NULL,
		.time = record->time,
		.request_line = record->request_line,
		.host = record->host,
		.referer = record->referer,
		.user_agent = record->user_agent,
		.status = record->status,
		.reason = record->reason,
		.body_bytes = outbox_item_body_sent(item),
		.request_id = {record->request_id, record->request_id_size},
		.first_us = (record->first_us ? record->first_us : now_us) - record->start_us,
		.duration_us = now_us - record->start_us,
	};

	connection->server->events.log(connection->server->events.context, &out);
}

static void finish_item(struct connection *connection, struct outbox_item *item)
{
	if (item->record)
		log_item(connection, item);
	if (item->file)
		file_release(item->file);
}

/* The same for one whose record is its own. */
static void finish_own_item(struct connection *connection, struct outbox_item *item)
{
	finish_item(connection, item);
	free(item->record);
}

void exchange_abandon(struct connection *connection)
{
	struct outbox_item *item;

	if (!connection->outbox)
		return;
	while ((item = outbox_take(connection->outbox)))
		finish_own_item(connection, item);
	outbox_free(connection->outbox);
	connection->outbox = NULL;
}

/* One that goes out whole is done at the time when it begins. */
static void note_begun(const struct outbox *outbox)
{
	struct record *record = outbox_record_begun(outbox);

	if (record && record->first_us == 0)
		record->first_us = clock_now_us();
}

static enum outbox_result write_own(struct connection *connection)
{
	struct outbox *outbox = connection->outbox;
	uint64_t before = outbox->written;
	enum outbox_result result = outbox_write(outbox, &connection->stream);
	struct outbox_item *item;

	connection->sent += outbox->written - before;
	note_begun(outbox);
	while ((item = outbox_take_written(outbox)))
		finish_own_item(connection, item);
	if (result == OUTBOX_EMPTY) {
		outbox_free(outbox);
		connection->outbox = NULL;
	}
	return result;
}

/* Writes what has been staged; what does not go out now is the connection's own from here on. */
static enum outbox_result write_staged(struct connection *connection)
{
	struct outbox *staging = connection->server->staging;
	uint64_t before = staging->written;
	enum outbox_result result = outbox_write(staging, &connection->stream);
	struct outbox_item *item;

	connection->sent += staging->written - before;
	note_begun(staging);
	while ((item = outbox_take_written(staging)))
		finish_item(connection, item);
	if (result == OUTBOX_BLOCKED || result == OUTBOX_YIELDED) {
		connection->outbox = outbox_detach(staging);
		if (!connection->outbox)
			result = OUTBOX_BROKEN;
	}
	while ((item = outbox_take(staging)))
		finish_item(connection, item);
	outbox_reset(staging);
	return result;
}

/* Whoever wants to know who has made the request finds out by this. */
static void identify(struct connection *connection)
{
	struct http_server *server = connection->server;

	client_begin(&server->client, &connection->peer, connection->stream.fd, &server->request);
	server->request.client = &server->client;
}

/* What is left of a connection in a process that retires: nothing, or what cannot leave. */
static bool retires(const struct connection *connection)
{
	const struct http_server *server = connection->server;

	return server->retiring || connection->stays || (server->moving && !connection->stream.io->moves);
}

/* `more`: there are octets behind this request. */
static void stage(struct connection *connection, const struct response *response, bool more)
{
	static const struct slice ends[] = {
		{"\r\n", 2},
		{"Connection: keep-alive\r\n\r\n", 26}, /* both sides must say so in HTTP/1.0 */
		{"Connection: close\r\n\r\n", 21},
	};
	struct http_server *server = connection->server;
	const struct request *request = &server->request;
	unsigned end = request->minor_version == 0;
	struct outbox_item *item;

	/* A retiring server says goodbye on the last answer to what it has read, so that requests
	 * sent before anybody could know are not lost. */
	if (response->close || connection->last || (retires(connection) && !more) ||
	    connection->answered >= connection->stream.io->requests_max)
		connection->end = END_STAGED;
	else if (!request->keep_alive)
		connection->end = END_PLAIN;
	if (connection->end != END_OPEN)
		end = 2;
	item = outbox_add(server->staging, response, ends[end], request->method != METHOD_HEAD);
	connection->answered++;
	if (!connection->probe)
		server->requests++;
	if (logs(connection) && !response->unlogged) {
		item->record = &server->records[item - server->staging->items];
		record_fill(item->record, request, response->status, connection->start_us);
		item->record->reason = response->reason;
		record_name(item->record, server->name);
		item->record->site = response->location ? response->location->site : NULL;
	}
}

/* Puts the line that tells the request's name, "X-Request-Id: NAME", before the answer's own fields. */
static void name_request(struct connection *connection, struct response *response)
{
	static const struct slice start = {"X-Request-Id: ", 14};
	struct http_server *server = connection->server;
	char room[REQUEST_ID_UUID_SIZE], *line = server->fields, *at = line + start.len;
	struct slice name;

	server->name = (struct slice){NULL, 0};
	if (!server->options.request_ids || connection->probe)
		return;
	name = request_id_get(&server->ids, &server->request, room);
	memcpy(line, start.ptr, start.len);
	memcpy(at, name.ptr, name.len);
	memcpy(at + name.len, "\r\n", 2);
	server->name = (struct slice){at, name.len};
	at += name.len + 2;
	if (response->fields.len > 0)
		memcpy(at, response->fields.ptr, response->fields.len);
	response->fields = (struct slice){line, (size_t)(at - line) + response->fields.len};
}

/* RFC 6797 section 7.2: over TLS only. Heads that are made once and kept do for both. */
static void demand_https(struct connection *connection, struct response *response)
{
	struct slice hsts = response->location ? response->location->hsts : SLICE("");
	char *lines = connection->server->fields;
	size_t length = response->fields.len;

	if (hsts.len == 0 || !is_secure(connection))
		return;
	if (length == 0) {
		response->fields = hsts;
		return;
	}
	if (response->fields.ptr != lines)
		memcpy(lines, response->fields.ptr, length);
	memcpy(lines + length, hsts.ptr, hsts.len);
	response->fields = (struct slice){lines, length + hsts.len};
}

/* An answer to what is not a request, or not one that we take. Nothing behind it can be trusted. */
static void stage_refusal(struct connection *connection, enum refusal refusal)
{
	struct http_server *server = connection->server;
	struct response response = {.file_fd = -1};

	identify(connection);
	if (refusal_advice(refusal))
		response_explained(server->maker, &response, refusal_status(refusal), refusal_advice(refusal));
	else
		response_simple(server->maker, &response, refusal_status(refusal), SLICE(""));
	response.reason = refusal_text(refusal);
	name_request(connection, &response);
	response.close = true;
	stage(connection, &response, false);
}

/* A site that wants certificates of its clients is not to be had without TLS, where none can be shown. */
static bool is_let_in(struct connection *connection, struct response *response)
{
	struct http_server *server = connection->server;

	if (is_secure(connection) || !server->options.tls || !tls_demands(server->options.tls, server->request.host))
		return true;
	response_explained(server->maker, response, 403,
			   "This site wants a certificate of its clients, and they can show one "
			   "over TLS only.");
	response->reason = "plain HTTP where a client's certificate is wanted";
	return false;
}

static void stage_answer(struct connection *connection, bool more)
{
	struct http_server *server = connection->server;
	struct response response = {.file_fd = -1};

	identify(connection);
	if (!health_answer(&server->health, &server->request, server->maker, &response) &&
	    (!server->admission.requests || admission_of_request(connection, &response)) &&
	    is_let_in(connection, &response))
		static_answer(server->site, &server->request, server->maker, &response);
	name_request(connection, &response);
	demand_https(connection, &response);
	/* A body is not read: no resource here wants one. No 100 (Continue) is sent either. */
	response.close = response.close || server->request.has_body;
	stage(connection, &response, more);
	if (server->request.has_body)
		connection->end = END_BODY;
}

void exchange_refuse(struct connection *connection, struct input *input, enum refusal refusal)
{
	parser_read_refused(&connection->guard, input->data + input->at, input->size - input->at,
			    &connection->server->request);
	stage_refusal(connection, refusal);
	input->at = input->size;
}

/* RFC 9110 section 7.4: whoever asks for https must not be answered as if this were it, unless a
 * trusted proxy asks; nor who has seen the certificate of one host as if it were another's, or has
 * shown none where that one's site wants one. */
static enum refusal check_origin(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct slice host = server->request.host, name;
	bool allowed;

	if (is_secure(connection)) {
		name = slice_of(tls_server_name(&connection->stream));
		allowed = name.len > 0 && host.len > 0 ? site_hosts_are_equal(name, host)
						       : tls_may_ask(&connection->stream, host);
		return allowed ? REFUSAL_NONE : REFUSAL_SERVER_NAME;
	}
	if (!server->request.https)
		return REFUSAL_NONE;
	identify(connection);
	return client_has_trusted_peer(&server->client) ? REFUSAL_NONE : REFUSAL_HTTPS;
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
		exchange_refuse(connection, input, guard->refusal);
		break;
	case GUARD_COMPLETE:
		refusal = parser_read(&server->parser, guard, data, &server->request);
		if (refusal == REFUSAL_NONE)
			refusal = check_origin(connection);
		input->at += guard->line;
		if (refusal == REFUSAL_NONE)
			stage_answer(connection, input->at < input->size);
		else
			stage_refusal(connection, refusal);
		break;
	}
	guard_reset(guard);
	return true;
}

/* Stages as many answers as fit. True: there may be more requests in the input. */
static bool stage_some(struct connection *connection, struct input *input, unsigned *budget)
{
	struct outbox *staging = connection->server->staging;

	while (connection->end == END_OPEN && input->at < input->size) {
		if (*budget == 0 || (staging->count > 0 && !outbox_ready(staging)))
			return true;
		if (!answer_next(connection, input))
			return false;
		(*budget)--;
	}
	return false;
}

enum outbox_result exchange_run(struct connection *connection, struct input *input)
{
	enum outbox_result result = OUTBOX_EMPTY;
	unsigned budget = EXCHANGE_REQUESTS_MAX;
	bool more;

	if (connection->outbox) {
		result = write_own(connection);
		if (result != OUTBOX_EMPTY)
			return result;
		/* Requests that have been held back are for the next server. */
		if (connection_leaves(connection))
			return input->at < input->size ? OUTBOX_YIELDED : OUTBOX_EMPTY;
	}
	do {
		more = stage_some(connection, input, &budget);
		if (connection->server->staging->count > 0)
			result = write_staged(connection);
	} while (result == OUTBOX_EMPTY && more && budget > 0);
	return result == OUTBOX_EMPTY && more ? OUTBOX_YIELDED : result;
}
