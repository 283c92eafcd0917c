/* SPDX-License-Identifier: MIT
 *
 * See respond.h. Workers. */
#include "http/connection/respond.h"

#include "http/connection/connection.h"
#include "http/connection/server.h"
#include "http/files/static.h"
#include "http/tls/tls.h"

/* Whoever wants to know who has made the request finds out by this. */
static void identify(struct connection *connection)
{
	struct http_server *server = connection->server;

	client_begin(&server->client, &connection->peer, connection->stream.fd, &server->request);
	server->request.client = &server->client;
}

/* RFC 9110 section 7.4: whoever asks for https must not be answered as if this were it, unless a
 * trusted proxy asks; nor who has seen the certificate of one host as if it were another's, or has
 * shown none where that one's site wants one. */
static enum refusal check_origin(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct slice host = server->request.host, name;
	bool allowed;

	if (!stream_is_plain(&connection->stream)) {
		name = slice_of(tls_server_name(&connection->stream));
		allowed = name.len > 0 && host.len > 0 ? site_hosts_are_equal(name, host)
						       : tls_may_ask(&connection->stream, host);
		return allowed ? REFUSAL_NONE : REFUSAL_SERVER_NAME;
	}
	return server->request.https && !client_has_trusted_peer(&server->client) ? REFUSAL_HTTPS : REFUSAL_NONE;
}

static void explain_refusal(struct http_server *server, enum refusal refusal, struct response *response)
{
	if (refusal_advice(refusal))
		response_explained(server->builder, response, refusal_status(refusal), refusal_advice(refusal));
	else
		response_simple(server->builder, response, NULL, refusal_status(refusal), SLICE(""));
	response->reason = refusal_text(refusal);
	response->close = true;
}

/* A site that wants certificates of its clients is not to be had without TLS, where none can be shown. */
static bool is_let_in(struct connection *connection, struct response *response)
{
	struct http_server *server = connection->server;

	if (!stream_is_plain(&connection->stream) || !server->options.tls ||
	    !tls_demands(server->options.tls, server->request.host))
		return true;
	response_explained(server->builder, response, 403,
			   "This site wants a certificate of its clients, and they can show one "
			   "over TLS only.");
	response->reason = "plain HTTP where a client's certificate is wanted";
	return false;
}

/* Puts the line that tells the request's name, "X-Request-Id: NAME", before the answer's own fields. */
static void name_request(struct connection *connection, struct response *response)
{
	static const struct slice start = {"X-Request-Id: ", 14};
	struct http_server *server = connection->server;
	char room[REQUEST_ID_UUID_SIZE], *line = server->fields, *at = line + start.len;
	struct slice name;

	server->name = (struct slice){NULL, 0};
	if (!server->options.request_ids || connection->kind == KIND_PROBE)
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

	if (hsts.len == 0 || stream_is_plain(&connection->stream))
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

enum refusal respond(struct connection *connection, enum refusal refusal, struct response *response)
{
	struct http_server *server = connection->server;

	*response = (struct response){.file_fd = -1};
	identify(connection);
	if (refusal == REFUSAL_NONE)
		refusal = check_origin(connection);
	if (refusal != REFUSAL_NONE)
		explain_refusal(server, refusal, response);
	else if (!health_answer(&server->health, &server->request, server->builder, response) &&
		 (!server->admission.requests || admission_of_request(connection, response)) &&
		 is_let_in(connection, response))
		static_answer(server->site, &server->request, response);
	name_request(connection, response);
	demand_https(connection, response);
	/* A body is not read: no resource here wants one. No 100 (Continue) is sent either. */
	response->close |= server->request.has_body;
	return refusal;
}
