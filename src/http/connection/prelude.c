/* SPDX-License-Identifier: MIT
 *
 * See prelude.h. */
#include "http/connection/prelude.h"

#include "base/address.h"
#include "base/log.h"
#include "base/network.h"
#include "http/client/proxy_protocol.h"
#include "http/connection/connection.h"
#include "http/connection/input.h"
#include "http/connection/server.h"

enum {
	COMPLAINT_MS = 60000 /* one line in that time: whoever is refused may come again at once */
};

static void complain(struct connection *connection, const char *why)
{
	struct http_server *server = connection->server;
	struct prelude_complaints *complaints = &server->complaints;
	char host[INET6_ADDRSTRLEN];

	if (complaints->told_ms != 0 && server->now_ms - complaints->told_ms < COMPLAINT_MS) {
		complaints->untold++;
		return;
	}
	address_host(peer_address(&connection->peer, connection->stream.fd), host, sizeof(host));
	if (complaints->untold > 0)
		log_warn("PROXY protocol: a connection from %s was closed: %s (and %u others since "
			 "the last such line)",
			 host, why, complaints->untold);
	else
		log_warn("PROXY protocol: a connection from %s was closed: %s", host, why);
	*complaints = (struct prelude_complaints){.told_ms = server->now_ms};
}

bool prelude_may_begin(struct connection *connection)
{
	const struct networks *trusted = connection->server->options.proxy_trusted;

	if (trusted && networks_contain(trusted, peer_address(&connection->peer, connection->stream.fd)))
		return true;
	complain(connection, "it is not one of those that are trusted");
	return false;
}

/* As long as more is wanted, all that is there is the header's. */
ssize_t prelude_receive(struct connection *connection, const struct input *input, size_t room)
{
	struct stream *stream = &connection->stream;
	char *place = input->data + input->size;
	struct proxy_header header;
	ssize_t size;

	if (!connection_awaits_tls(connection))
		return stream_receive(stream, place, room);
	size = stream_peek(stream, place, room);
	if (size <= 0)
		return size;
	if (proxy_protocol_read(input->data, input->size + (size_t)size, &header) == PROXY_PROTOCOL_COMPLETE)
		size = (ssize_t)(header.size - input->size);
	return stream_receive(stream, place, (size_t)size);
}

enum prelude_verdict prelude_take(struct connection *connection, struct input *input)
{
	struct proxy_header header;

	if (input->at == input->size) /* nothing has come: there may not even be room for it */
		return PRELUDE_MORE;
	switch (proxy_protocol_read(input->data + input->at, input->size - input->at, &header)) {
	case PROXY_PROTOCOL_MORE:
		return PRELUDE_MORE;
	case PROXY_PROTOCOL_COMPLETE:
		break;
	case PROXY_PROTOCOL_REFUSED:
		complain(connection, header.why);
		return PRELUDE_REFUSED;
	}
	input->at += header.size;
	if (header.told)
		connection->peer = (struct peer){.address = header.source, .source = PEER_TOLD};
	return PRELUDE_DONE;
}
