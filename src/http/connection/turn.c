/* SPDX-License-Identifier: MIT
 *
 * See turn.h. Workers. */
#include "http/connection/turn.h"

#include "http/connection/server.h"

#include <errno.h>

enum { SWEEP_MS = 20 /* between two looks at deadlines, at a stop */ };

void turn_begin(struct http_server *server)
{
	uint64_t now_ms = server->clock_ms();

	if (now_ms == server->now_ms)
		return;
	server->now_ms = now_ms;
	response_builder_tick(server->builder);
}

int turn_schedule(struct http_server *server)
{
	static const struct timeval at_once = {0, 0};

	/* A timer: an event made active here would run before the loop looks at the others. */
	if (evtimer_pending(&server->next_turn, NULL))
		return 0;
	return event_add(&server->next_turn, &at_once) < 0 ? -ENOMEM : 0;
}

void turn_hurry(struct http_server *server)
{
	static const struct timeval soon = {0, SWEEP_MS * 1000};

	if (!evtimer_pending(&server->sweep, NULL))
		(void)!event_add(&server->sweep, &soon); /* else it will be at the next tick */
}
