/* SPDX-License-Identifier: MIT
 *
 * See idle.h. Workers. */
#include "http/connection/idle.h"

#include "http/connection/connection.h"
#include "http/connection/server.h"

enum {
	TIES_MAX = 64,    /* looked at for the exact order within one step of the wheel */
	PLACES_MAX = 128, /* looked at for the place of one that has come from elsewhere */
};

static struct connection *of_link(const struct list *link)
{
	return LIST_ENTRY(link, struct connection, rest);
}

void idle_init(struct idle_lists *lists)
{
	list_init(&lists->kept.list);
	list_init(&lists->mute.list);
	lists->kept.count = lists->mute.count = 0;
}

/* Others want to know: another worker may be in need of room. */
static void tell(const struct http_server *server)
{
	if (server->events.idle)
		server->events.idle(server->events.context, server->idle);
	if (server->admission.total_max > 0)
		idle_show(server);
}

static struct idle_list *list_of(struct connection *connection)
{
	struct idle_lists *lists = &connection->server->idle_lists;

	return connection->counted == COUNTED_KEPT ? &lists->kept : &lists->mute;
}

static void leave(struct connection *connection)
{
	list_remove(&connection->rest);
	list_of(connection)->count--;
}

/* Puts it behind `link`. */
static void join(struct connection *connection, struct list *link)
{
	list_append(link->next, &connection->rest);
	list_of(connection)->count++;
}

static void choose_list(struct connection *connection)
{
	connection->counted = connection->deadline.kind == DEADLINE_IDLE ? COUNTED_KEPT : COUNTED_MUTE;
}

void idle_begin(struct connection *connection)
{
	connection->server->idle++;
	choose_list(connection);
	join(connection, list_of(connection)->list.prev);
	tell(connection->server);
}

void idle_end(struct connection *connection)
{
	leave(connection);
	connection->counted = COUNTED_BUSY;
	connection->server->idle--;
	tell(connection->server);
}

void idle_renew(struct connection *connection)
{
	enum connection_count before = connection->counted;

	leave(connection);
	choose_list(connection);
	join(connection, list_of(connection)->list.prev);
	if (connection->counted != before)
		tell(connection->server);
}

/* All of a list have the same time, so the deadlines tell. */
void idle_place(struct connection *connection)
{
	uint64_t at_ms = connection->deadline.at_ms;
	struct list *list, *at;
	unsigned count;

	leave(connection);
	choose_list(connection);
	list = &list_of(connection)->list;
	at = list->next;
	for (count = 0; count < PLACES_MAX && at != list && of_link(at)->deadline.at_ms <= at_ms; count++)
		at = at->next;
	if (count == PLACES_MAX) {
		at = list;
		for (count = 0; count < PLACES_MAX && of_link(at->prev)->deadline.at_ms > at_ms; count++)
			at = at->prev;
	}
	join(connection, at->prev);
	tell(connection->server);
}

/* Negative: before the clock's zero. One that has just been made has no deadline yet. */
static int64_t since_ms_of(const struct connection *connection)
{
	const struct deadline *deadline = &connection->deadline;

	if (deadline->at_ms == UINT64_MAX)
		return INT64_MAX;
	return (int64_t)(deadline->at_ms - connection->server->deadlines.timeout_ms[deadline->kind]);
}

/* NULL: the list is empty. */
static struct connection *first_of(const struct idle_list *idle)
{
	return list_empty(&idle->list) ? NULL : of_link(idle->list.next);
}

static struct connection *longest_of(const struct idle_list *idle)
{
	struct connection *first = first_of(idle), *longest = first;
	const struct list *at = idle->list.next;

	for (unsigned i = 0; i < TIES_MAX && at != &idle->list; i++, at = at->next) {
		struct connection *other = of_link(at);

		if (since_ms_of(other) - DEADLINE_STEP_MS >= since_ms_of(first))
			break;
		if (since_ms_of(other) < since_ms_of(longest))
			longest = other;
	}
	return longest;
}

/* One that has been answered may still be among the mute, where both deadlines belong to the same step. */
static bool may_give_way(const struct connection *mute)
{
	return mute && (mute->deadline.kind == DEADLINE_IDLE ||
			since_ms_of(mute) <= (int64_t)mute->server->now_ms - IDLE_MUTE_MS);
}

static struct connection *longer(struct connection *kept, struct connection *mute)
{
	if (!may_give_way(mute))
		return kept;
	return !kept || since_ms_of(mute) < since_ms_of(kept) ? mute : kept;
}

struct connection *idle_longest(const struct http_server *server)
{
	const struct idle_lists *lists = &server->idle_lists;

	return longer(longest_of(&lists->kept), longest_of(&lists->mute));
}

/* Asked often: to a step of the wheel the first ones tell. */
unsigned idle_count(const struct http_server *server, uint64_t *since_ms)
{
	const struct idle_lists *lists = &server->idle_lists;
	struct connection *mute = first_of(&lists->mute);
	const struct connection *longest = longer(first_of(&lists->kept), mute);
	int64_t since;

	if (!longest)
		return 0;
	since = since_ms_of(longest);
	*since_ms = since > 0 ? (uint64_t)since : 0;
	return lists->kept.count + (may_give_way(mute) ? lists->mute.count : 0);
}

void idle_show(const struct http_server *server)
{
	const struct admission *admission = &server->admission;
	uint64_t since_ms = 0;
	unsigned count = idle_count(server, &since_ms);

	quota_show_idle(admission->quota, admission->worker, count, since_ms, server->now_ms);
}
