/* SPDX-License-Identifier: MIT
 *
 * HTTP/1 on a connection, and the way of a request: connection.c has read it (input.h); here its head is scanned
 * (guard.h) and parsed, it is answered (respond.h), its answer staged and noted for the log, and written as far as the
 * socket takes it (delivery.h), together with those of the requests behind it. Here is decided which answer is a
 * connection's last one; closing is connection.c's business. */
#ifndef BROOD_HTTP_CONNECTION_HTTP1_H
#define BROOD_HTTP_CONNECTION_HTTP1_H

#include "http/connection/connection.h"
#include "http/connection/input.h"
#include "http/message/refusal.h"
#include "http/transport/send_queue.h"

enum {
	HTTP1_REQUESTS_MAX = 64, /* answered in one turn: other connections wait */
};

/* A first octet behind idleness has been read: what requests' durations are counted from. */
void http1_begin(struct connection *connection);

/* Writes what is left from before, then answers the complete requests in `input`.
 *   SEND_QUEUE_EMPTY    all are answered, or the last one ever is (connection->end): input->at tells
 *   SEND_QUEUE_BLOCKED  to be called again when the socket can be written to
 *   SEND_QUEUE_YIELDED  to be called again in another turn
 *   SEND_QUEUE_BROKEN   the connection must be closed now */
enum send_queue_result http1_run(struct connection *connection, struct input *input);

/* Makes an error the answer to the unfinished head that `input` holds, and the connection's last
 * one; to be written by http1_run. */
void http1_refuse(struct connection *connection, struct input *input, enum refusal refusal);

#endif
