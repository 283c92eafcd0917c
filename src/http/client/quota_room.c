/* SPDX-License-Identifier: MIT
 *
 * Room for those who wait (quota_table.h): each worker shows how many idle connections it has, how many
 * of its clients wait, and how many idle ones others have asked it to close. Workers. */
#include "http/client/quota_table.h"

#include <stddef.h>

enum { SEEN_MS = 1000 /* one that has not been seen for longer does nothing for others */ };

static struct quota_room *room_of(struct quota *quota, unsigned worker)
{
	return &quota->shared->rooms[worker];
}

static uint32_t load32(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void quota_show_idle(struct quota *quota, unsigned worker, uint32_t idle, uint64_t since_ms, uint64_t now_ms)
{
	struct quota_room *room = room_of(quota, worker);

	quota_use_number(quota, worker);
	__atomic_store_n(&room->since_ms, since_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&room->seen_ms, now_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&room->idle, idle, __ATOMIC_SEQ_CST);
}

void quota_begin_wait(struct quota *quota, unsigned worker)
{
	quota_use_number(quota, worker);
	__atomic_add_fetch(&room_of(quota, worker)->waiting, 1, __ATOMIC_SEQ_CST);
}

void quota_end_wait(struct quota *quota, unsigned worker)
{
	__atomic_sub_fetch(&room_of(quota, worker)->waiting, 1, __ATOMIC_SEQ_CST);
}

static uint32_t workers_of(const struct quota *quota)
{
	uint32_t workers = load32(&quota->shared->workers);

	return workers < QUOTA_WORKERS_MAX ? workers : QUOTA_WORKERS_MAX;
}

static uint64_t waiting(const struct quota *quota)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < workers_of(quota); i++)
		sum += load32(&quota->shared->rooms[i].waiting);
	return sum;
}

static bool is_seen(const struct quota_room *room, uint64_t now_ms)
{
	uint64_t seen_ms = quota_load(&room->seen_ms);

	return (seen_ms > now_ms ? seen_ms - now_ms : now_ms - seen_ms) <= SEEN_MS;
}

/* Of those that will do something about it. */
static uint64_t asked_of_all(const struct quota *quota, uint64_t now_ms)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < workers_of(quota); i++)
		if (is_seen(&quota->shared->rooms[i], now_ms))
			sum += load32(&quota->shared->rooms[i].asked);
	return sum;
}

static uint32_t left_of(const struct quota_room *room)
{
	uint32_t idle = load32(&room->idle), asked = load32(&room->asked);

	return idle > asked ? idle - asked : 0;
}

/* The worker with the connection that is idle longest; NULL: there is none. */
static struct quota_room *longest(struct quota *quota, uint64_t now_ms)
{
	struct quota_room *found = NULL;

	for (uint32_t i = 0; i < workers_of(quota); i++) {
		struct quota_room *room = &quota->shared->rooms[i];

		if (left_of(room) > 0 && is_seen(room, now_ms) &&
		    (!found || quota_load(&room->since_ms) < quota_load(&found->since_ms)))
			found = room;
	}
	return found;
}

bool quota_has_longer(struct quota *quota, unsigned worker, uint64_t since_ms, uint64_t now_ms)
{
	const struct quota_room *room = longest(quota, now_ms);

	return room && room != room_of(quota, worker) && quota_load(&room->since_ms) < since_ms;
}

bool quota_lacks_room(const struct quota *quota, uint32_t limit)
{
	return quota_total(quota) + waiting(quota) > limit;
}

bool quota_ask_for_room(struct quota *quota, uint32_t limit, uint64_t now_ms)
{
	int64_t missing =
		(int64_t)(quota_total(quota) + waiting(quota)) - (int64_t)limit - (int64_t)asked_of_all(quota, now_ms);

	for (unsigned i = 0; i < QUOTA_TRIES && missing > 0; i++) {
		struct quota_room *room = longest(quota, now_ms);
		uint32_t count = room ? left_of(room) : 0;

		if (count == 0)
			return false;
		if (count > missing)
			count = (uint32_t)missing;
		__atomic_add_fetch(&room->asked, count, __ATOMIC_SEQ_CST);
		missing -= count;
	}
	return missing <= 0;
}

uint32_t quota_take_asked(struct quota *quota, unsigned worker)
{
	struct quota_room *room = room_of(quota, worker);

	if (load32(&room->asked) == 0)
		return 0;
	return __atomic_exchange_n(&room->asked, 0, __ATOMIC_SEQ_CST);
}
