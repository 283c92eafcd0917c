/* SPDX-License-Identifier: MIT
 *
 * See input.h. */
#include "http/connection/input.h"

#include "http/connection/connection.h"
#include "http/connection/prelude.h"
#include "http/connection/server.h"

#include <errno.h>

ssize_t input_receive(struct connection *connection, struct input *input)
{
	struct http_server *server = connection->server;
	struct buffer *own = &connection->input;
	size_t room = SERVER_RECEIVE_SIZE;
	ssize_t size;

	*input = (struct input){.data = server->receive};
	if (own->used > 0) {
		if (buffer_reserve(own, INPUT_MORE) < 0)
			return 0;
		*input = (struct input){.data = own->data, .size = own->used};
		room = own->room - own->used;
	}
	size = connection_awaits_proxy(connection)
		       ? prelude_receive(connection, input, room)
		       : stream_receive(&connection->stream, input->data + input->size, room);
	if (size < 0)
		return size == -EAGAIN || size == -EPROTO || size == -ECONNABORTED ? size : 0;
	if (connection->stream.phase == STREAM_FRESH)
		connection->stream.phase = STREAM_OPEN;
	connection->emptied = (size_t)size < room && own->used == 0;
	input->size += (size_t)size;
	if (own->used > 0)
		own->used += (size_t)size;
	return size;
}

int input_keep_rest(struct connection *connection, const struct input *input)
{
	size_t rest = input->size - input->at;

	if (connection->end != END_OPEN && rest > 0) {
		connection->emptied = false;
		rest = 0;
	}
	if (rest == 0) {
		buffer_free(&connection->input);
		return 0;
	}
	if (input->data != connection->input.data)
		return buffer_append(&connection->input, input->data + input->at, rest);
	buffer_consume(&connection->input, input->at);
	return 0;
}
