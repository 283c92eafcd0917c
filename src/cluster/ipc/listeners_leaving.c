/* SPDX-License-Identifier: MIT
 *
 * Listeners that go (listeners.h). A client is connected, as it sees it, before the kernel passes it on, and closing a
 * listening socket resets all who have come so far. So such a socket lets new clients pass it by first, to whoever else
 * listens for them; those whose handshake has begun come in; and only then is it closed. Master only. */
#include "cluster/ipc/listeners.h"

#include "base/socket.h"

/* A handshake takes a round trip or two, and of who says nothing the kernel knows only after a second
 * (TCP_DEFER_ACCEPT). To a Unix socket a client is connected at once, or not at all. */
enum { LEAVING_MS = 1250, LEAVING_UNIX_MS = 100 };

/* Where it cannot let them pass by, it drops their attempts, which are repeated after a second. */
static void turn_away(const struct listener *listener)
{
	for (unsigned i = 0; i < listener->count; i++)
		if (socket_step_aside(listener->sockets[i]) < 0)
			(void)!socket_close_door(listener->sockets[i]);
}

void listener_step_aside(struct listener *listener, uint64_t now_ms)
{
	listener->due_ms = now_ms + (address_is_unix(&listener->address) ? LEAVING_UNIX_MS : LEAVING_MS);
	if (listener->origin == LISTENER_BOUND) /* one that was inherited lives on with whoever bound it */
		turn_away(listener);
	listener_remove_file(listener);
}

bool listener_is_due(const struct listener *listener, uint64_t now_ms)
{
	return listener->leaving && listener->due_ms != 0 && listener->due_ms <= now_ms;
}

unsigned listeners_leaving(const struct listeners *listeners)
{
	unsigned count = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		count += listeners->all[i].leaving;
	return count;
}

void listeners_part(struct listeners *listeners, uint64_t now_ms)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (listener_is_due(&listeners->all[i], now_ms))
			listeners->all[i].leaving = false;
	listeners_sweep(listeners);
}
