/* SPDX-License-Identifier: MIT
 *
 * A request in, a response out: who asks, whether that is allowed, what the answer is, and what goes with each answer.
 * What is to be answered is server->request; one at a time serves all connections. */
#ifndef BROOD_HTTP_CONNECTION_RESPOND_H
#define BROOD_HTTP_CONNECTION_RESPOND_H

#include "http/message/refusal.h"

struct connection;
struct response;

/* Makes the response to the request, or to what is refused as one for the reason that is given. Returns why it was
 * refused in the end: then nothing behind it can be trusted. */
enum refusal respond(struct connection *connection, enum refusal refusal, struct response *response);

#endif
