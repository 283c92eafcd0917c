/* SPDX-License-Identifier: MIT
 *
 * What a connection has read and not used yet. As a rule a request is used up in the buffer that all
 * connections share; what is left of it then becomes the connection's own. */
#ifndef BROOD_HTTP_CONNECTION_INPUT_H
#define BROOD_HTTP_CONNECTION_INPUT_H

#include <stddef.h>
#include <sys/types.h>

struct connection;

/* Octets to be parsed; those before `at` are used up. */
struct input {
	char *data;
	size_t size, at;
};

enum { INPUT_MORE = 4096 /* octets of room to read the rest of a head into */ };

/* Reads once, behind what is left of the last time. Returns the number of octets, 0 when the
 * connection is over, -EAGAIN, or -EPROTO: plain HTTP where TLS is spoken. */
ssize_t input_receive(struct connection *connection, struct input *input);

/* Keeps what has not been used of what was read. 0 or -ENOMEM. */
int input_keep_rest(struct connection *connection, const struct input *input) __attribute__((warn_unused_result));

#endif
