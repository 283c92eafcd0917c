/* SPDX-License-Identifier: MIT
 *
 * From octets read to answers written: takes one request after another out of what a connection has
 * read, has each answered, and writes the answers, as far as the socket takes them. It decides
 * which answer is a connection's last one; closing is connection.c's business. */
#ifndef BROOD_HTTP_CONNECTION_EXCHANGE_H
#define BROOD_HTTP_CONNECTION_EXCHANGE_H

#include "http/connection/connection.h"
#include "http/connection/input.h"
#include "http/message/refusal.h"
#include "http/transport/outbox.h"

enum {
	EXCHANGE_REQUESTS_MAX = 64, /* answered in one turn: other connections wait */
};

/* A first octet behind idleness has been read: what requests' durations are counted from. */
void exchange_begin(struct connection *connection);

/* Writes what is left from before, then answers the complete requests in `input`.
 *   OUTBOX_EMPTY    all are answered, or the last one ever is (connection->end): input->at tells
 *   OUTBOX_BLOCKED  to be called again when the socket can be written to
 *   OUTBOX_YIELDED  to be called again in another turn
 *   OUTBOX_BROKEN   the connection must be closed now */
enum outbox_result exchange_run(struct connection *connection, struct input *input);

/* Makes an error the answer to the unfinished head that `input` holds, and the connection's last
 * one; to be written by exchange_run. */
void exchange_refuse(struct connection *connection, struct input *input, enum refusal refusal);

#endif
