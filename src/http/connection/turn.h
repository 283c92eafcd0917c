/* SPDX-License-Identifier: MIT
 *
 * Turns of the event loop, as a server takes part in them: its clock, which stands still during one, and the
 * timers that bring the next. */
#ifndef BROOD_HTTP_CONNECTION_TURN_H
#define BROOD_HTTP_CONNECTION_TURN_H

struct http_server;

/* Reads the clock; at the start of all that is done on behalf of the loop or the owner. */
void turn_begin(struct http_server *server);

/* Has server->turns looked at in the next turn of the loop. 0 or -ENOMEM. */
int turn_schedule(struct http_server *server) __attribute__((warn_unused_result));

/* At a stop: looks at deadlines more often than the owner's ticks would have it. */
void turn_hurry(struct http_server *server);

#endif
