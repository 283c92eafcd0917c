/* SPDX-License-Identifier: MIT
 *
 * See room.h. Workers. */
#include "http/connection/room.h"

#include "http/connection/connection.h"
#include "http/connection/evict.h"
#include "http/connection/idle.h"
#include "http/connection/pacing.h"
#include "http/connection/server.h"
#include "http/connection/turn.h"

enum {
	ABOUT_MS = 1000,     /* one of ours, which can be closed at once, may be so much younger */
	TRIES_MAX = 64,      /* for one that comes */
	PER_TICK_MAX = 1024, /* others have their turn, too */
};

static const char setting[] = "connections_max_total";

static bool take(struct connection *connection)
{
	const struct admission *admission = &connection->server->admission;

	return quota_hold_total(admission->quota, admission->worker, admission->total_max, &connection->hold);
}

/* Our own are idle as long as anybody's. */
static bool ours_are_longest(const struct http_server *server)
{
	const struct admission *admission = &server->admission;
	uint64_t since_ms;

	if (idle_count(server, &since_ms) == 0)
		return false;
	since_ms = since_ms > ABOUT_MS ? since_ms - ABOUT_MS : 0;
	return !quota_has_longer(admission->quota, admission->worker, since_ms, server->now_ms);
}

/* Those who wait already come first. */
bool room_is_free(struct connection *connection)
{
	const struct admission *admission = &connection->server->admission;

	return !quota_lacks_room(admission->quota, admission->total_max - 1) && take(connection);
}

/* Where there is no memory for it the next tick is soon enough. */
static void look_again_soon(struct http_server *server)
{
	unsigned ms = server->admission.look_ms;
	struct timeval delay = {ms / 1000, (ms % 1000) * 1000};

	if (!evtimer_pending(&server->look, NULL))
		(void)!event_add(&server->look, &delay);
}

static void wait_outside(struct connection *connection)
{
	struct http_server *server = connection->server;

	connection_wait_outside(connection);
	list_append(&server->outside, &connection->rest);
	deadline_resume(&server->deadlines, &connection->deadline, connection->deadline.kind, ROOM_WAIT_MS,
			server->now_ms);
	look_again_soon(server);
}

enum room_verdict room_make(struct connection *connection)
{
	struct http_server *server = connection->server;
	const struct admission *admission = &server->admission;

	for (unsigned i = 0; i < TRIES_MAX && ours_are_longest(server); i++) {
		evict_longest(server, setting);
		if (take(connection))
			return ROOM_TAKEN;
	}
	quota_begin_wait(admission->quota, admission->worker);
	if (!quota_ask_for_room(admission->quota, admission->total_max, server->now_ms)) {
		quota_end_wait(admission->quota, admission->worker);
		return ROOM_NONE;
	}
	wait_outside(connection);
	return ROOM_LATER;
}

static void make_room_for_others(struct http_server *server)
{
	const struct admission *admission = &server->admission;
	uint32_t asked = quota_take_asked(admission->quota, admission->worker);

	if (asked > PER_TICK_MAX)
		asked = PER_TICK_MAX; /* they ask again */
	for (; asked > 0 && quota_lacks_room(admission->quota, admission->total_max); asked--)
		if (!evict_longest(server, setting))
			return;
}

void room_tick(struct http_server *server)
{
	const struct admission *admission = &server->admission;
	struct connection *first;

	if (admission->total_max == 0)
		return;
	make_room_for_others(server);
	while (!list_empty(&server->outside)) {
		first = LIST_ENTRY(server->outside.next, struct connection, rest);
		if (!take(first))
			break;
		pacing_set_first_deadline(first);
		connection_begin(first, true);
	}
	idle_show(server);
	if (!list_empty(&server->outside))
		(void)!quota_ask_for_room(admission->quota, admission->total_max, server->now_ms);
	if (quota_lacks_room(admission->quota, admission->total_max - 1))
		look_again_soon(server);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;

	(void)fd, (void)what;
	turn_begin(server);
	room_tick(server);
}

int room_init(struct http_server *server)
{
	return evtimer_assign(&server->look, server->base, on_look, server);
}

void room_end(struct http_server *server)
{
	event_del(&server->look);
}
