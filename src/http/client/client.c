/* SPDX-License-Identifier: MIT
 *
 * See client.h. */
#include "http/client/client.h"

#include "base/network.h"
#include "http/client/forwarded.h"
#include "http/message/request.h"

void client_begin(struct client *client, struct peer *peer, int fd, const struct request *request)
{
	client->peer = peer;
	client->fd = fd;
	client->request = request;
	client->known = false;
}

bool client_has_trusted_peer(struct client *client)
{
	return client->trusted && networks_contain(client->trusted, peer_address(client->peer, client->fd));
}

/* Several lines of one field are one list (RFC 9110 section 5.3). Yields the value of the last line
 * that is left. */
struct lines {
	const struct request *request;
	enum field_id id;
	unsigned left; /* fields in front of this one are still to be looked at */
	struct slice value;
};

static bool previous_line(struct lines *lines)
{
	while (lines->left > 0) {
		const struct request_field *field = &lines->request->fields[--lines->left];

		if (field->id == lines->id) {
			lines->value = field->value;
			return true;
		}
	}
	return false;
}

static struct lines lines_of(const struct request *request, enum field_id id)
{
	struct lines lines = {request, id, 0, {NULL, 0}};

	if (request_has(request, id))
		lines.left = request->field_count;
	return lines;
}

static void take_hop(struct lines *lines, enum forwarded_syntax syntax, struct forwarded_hop *out)
{
	forwarded_take_last(syntax, &lines->value, out);
	while (out->node == FORWARDED_END && previous_line(lines))
		forwarded_take_last(syntax, &lines->value, out);
}

/* X-Forwarded-Proto: each proxy on the way has added a word, or the nearest one has replaced all.
 */
static bool words_say_https(const struct request *request, unsigned hops)
{
	struct lines lines = lines_of(request, FIELD_X_FORWARDED_PROTO);
	struct slice word, last = {NULL, 0};

	for (unsigned i = 0; i < (hops > 0 ? hops : 1); i++) {
		word = forwarded_take_last_word(&lines.value);
		while (word.len == 0 && previous_line(&lines))
			word = forwarded_take_last_word(&lines.value);
		if (word.len == 0)
			break;
		last = word;
	}
	return slice_equal_nocase(last, SLICE("https"));
}

/* From the nearest hop to the first one that is not trusted. The scheme is that of the connection
 * which the last trusted one tells of. Returns how many hops have told. */
static unsigned walk(struct client *client, enum field_id id, enum forwarded_syntax syntax)
{
	struct lines lines = lines_of(client->request, id);
	struct forwarded_hop hop;
	unsigned hops = 0;

	while (hops < CLIENT_HOPS_MAX && networks_contain(client->trusted, &client->address.any)) {
		take_hop(&lines, syntax, &hop);
		if (hop.node == FORWARDED_END || hop.node == FORWARDED_GARBAGE)
			break;
		hops++;
		client->https = slice_equal_nocase(hop.proto, SLICE("https"));
		if (hop.node == FORWARDED_NO_ADDRESS)
			break;
		client->address = hop.address;
		client->told = true;
	}
	return hops;
}

static void find_out(struct client *client)
{
	const struct request *request = client->request;
	enum http_forwarded mode = client->forwarded;
	unsigned hops;

	client->known = true;
	client->told = client->https = false;
	(void)peer_address(client->peer, client->fd);
	client->address = client->peer->address;
	if (mode == HTTP_FORWARDED_OFF || !client_has_trusted_peer(client))
		return;
	if (mode == HTTP_FORWARDED_AUTO)
		mode = !request_has(request, FIELD_X_FORWARDED_FOR) && request_has(request, FIELD_FORWARDED)
			       ? HTTP_FORWARDED_RFC7239
			       : HTTP_FORWARDED_X_FOR;
	if (mode == HTTP_FORWARDED_RFC7239) {
		walk(client, FIELD_FORWARDED, FORWARDED_RFC7239);
	} else {
		hops = walk(client, FIELD_X_FORWARDED_FOR, FORWARDED_X_FOR);
		client->https = words_say_https(request, hops);
	}
}

const struct sockaddr *client_address(struct client *client)
{
	if (!client->known)
		find_out(client);
	return &client->address.any;
}

bool client_came_by_https(struct client *client)
{
	client_address(client);
	return client->https;
}
