/* SPDX-License-Identifier: MIT
 *
 * Answers on their way out of a connection: written as far as the socket takes them, told to the log when they
 * are out or over, and let go of. */
#ifndef BROOD_HTTP_CONNECTION_DELIVERY_H
#define BROOD_HTTP_CONNECTION_DELIVERY_H

#include "http/transport/send_queue.h"

struct connection;

/* Writes what is the connection's own, from before; there is some. */
enum send_queue_result delivery_write_own(struct connection *connection);

/* Writes what has been staged; what does not go out now is the connection's own from here on. */
enum send_queue_result delivery_write_staged(struct connection *connection);

/* Lets go of what has not been written. */
void delivery_abandon(struct connection *connection);

#endif
