/* SPDX-License-Identifier: MIT
 *
 * The table as a whole, and connections in all (quota.h). Cells of clients are in quota_clients.c,
 * rates in quota_rate.c. Master and workers. */
#include "http/client/quota.h"

#include "http/client/quota_table.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { TELL_MS = 1000 };

struct quota *quota_new(void)
{
	struct quota *quota = calloc(1, sizeof(*quota));
	int error;

	if (!quota)
		return NULL;
	quota->shared = mmap(NULL, sizeof(*quota->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (quota->shared == MAP_FAILED ||
	    getrandom(&quota->secret, sizeof(quota->secret), 0) != sizeof(quota->secret) ||
	    getrandom(&quota->first_life, sizeof(quota->first_life), 0) != sizeof(quota->first_life)) {
		error = errno;
		quota_free(quota);
		errno = error;
		return NULL;
	}
	return quota;
}

void quota_free(struct quota *quota)
{
	if (quota && quota->shared != MAP_FAILED)
		munmap(quota->shared, sizeof(*quota->shared));
	free(quota);
}

const struct client_secret *quota_secret(const struct quota *quota)
{
	return &quota->secret;
}

/* --- gauges --- */

static uint32_t life_of(const struct quota *quota, uint64_t gauge)
{
	return (uint32_t)(gauge >> 32) + quota->first_life;
}

static uint32_t life_now(const struct quota *quota, unsigned place)
{
	return life_of(quota, quota_load(&quota->shared->gauges[place]));
}

static uint32_t count_of(uint64_t gauge)
{
	return (uint32_t)gauge;
}

/* Only its owner adds to a gauge. Returns the life that it is counted under. */
static uint32_t gauge_add(struct quota *quota, unsigned place)
{
	return life_of(quota, __atomic_add_fetch(&quota->shared->gauges[place], 1, __ATOMIC_SEQ_CST));
}

/* Owner, and who takes a connection over from it. */
static void gauge_remove(struct quota *quota, unsigned place, uint32_t life)
{
	uint64_t *gauge = &quota->shared->gauges[place];

	for (unsigned i = 0; i < QUOTA_TRIES; i++) {
		uint64_t now = quota_load(gauge);

		if (life_of(quota, now) != life || count_of(now) == 0 || quota_swap(gauge, now, now - 1))
			return;
	}
}

void quota_use_place(struct quota *quota, unsigned place)
{
	uint32_t places = __atomic_load_n(&quota->shared->places, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; i < QUOTA_TRIES && places <= place; i++)
		if (__atomic_compare_exchange_n(&quota->shared->places, &places, place + 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return;
}

uint64_t quota_total(const struct quota *quota)
{
	uint32_t places = __atomic_load_n(&quota->shared->places, __ATOMIC_SEQ_CST);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < places && i < QUOTA_PLACES_MAX; i++)
		sum += count_of(quota_load(&quota->shared->gauges[i]));
	return sum;
}

void quota_places_add(struct quota_places *places, unsigned place)
{
	places->words[place / 64] |= UINT64_C(1) << place % 64;
}

bool quota_places_have(const struct quota_places *places, unsigned place)
{
	return places->words[place / 64] & UINT64_C(1) << place % 64;
}

static void next_life(struct quota *quota, unsigned place)
{
	uint64_t *gauge = &quota->shared->gauges[place];
	uint64_t lives = quota_load(gauge) >> 32;

	__atomic_store_n(gauge, (lives + 1) << 32, __ATOMIC_SEQ_CST);
}

void quota_take_place(struct quota *quota, unsigned place)
{
	next_life(quota, place);
	quota_room_clear(quota, place);
}

/* What is left there in nobody's name. */
static void clear_place(struct quota *quota, unsigned place)
{
	quota_room_clear(quota, place);
	if (count_of(quota_load(&quota->shared->gauges[place])) != 0)
		next_life(quota, place);
}

static void clear_gauges(struct quota *quota, const struct quota_places *used)
{
	uint32_t places = __atomic_load_n(&quota->shared->places, __ATOMIC_SEQ_CST), end = 0;

	/* Also beyond those that seem to be in use: that may have been made less. */
	for (uint32_t i = 0; (i < places || i < used->end) && i < QUOTA_PLACES_MAX; i++) {
		if (quota_places_have(used, i))
			end = i + 1;
		else
			clear_place(quota, i);
	}
	if (end < places) /* each of those that are used is counted, so nobody is left out */
		__atomic_store_n(&quota->shared->places, end, __ATOMIC_SEQ_CST);
}

void quota_give_back(struct quota *quota, unsigned place, const struct quota_places *used)
{
	quota_take_place(quota, place);
	if (used)
		clear_gauges(quota, used);
	if (__atomic_load_n(&quota->shared->clients, __ATOMIC_SEQ_CST) != 0)
		quota_cells_clear(quota, place, used);
}

/* --- what connections hold --- */

/* Where the last place is wanted by several at once, each may see the others and step back; so one
 * who did looks again. Who is turned away in the end has seen the limit reached without itself. */
bool quota_hold_total(struct quota *quota, unsigned place, uint32_t limit, struct quota_hold *hold)
{
	quota_use_place(quota, place);
	for (unsigned i = 0; i < QUOTA_TRIES && quota_total(quota) < limit; i++) {
		uint32_t life = gauge_add(quota, place);

		if (quota_total(quota) <= limit) {
			hold->in_total = true;
			hold->place = (uint16_t)place;
			hold->life = life;
			return true;
		}
		gauge_remove(quota, place, life);
	}
	return false;
}

bool quota_hold_client(struct quota *quota, unsigned place, uint32_t limit, uint64_t client, struct quota_hold *hold)
{
	uint32_t life = life_now(quota, place);

	if (limit > QUOTA_CLIENT_MAX)
		limit = QUOTA_CLIENT_MAX;
	for (unsigned i = 0; i < QUOTA_TRIES && quota_of_client(quota, client) < limit; i++) {
		if (!quota_cell_add(quota, client, place, life))
			return true;
		if (quota_of_client(quota, client) <= limit) {
			hold->in_client = true;
			hold->client = client;
			hold->place = (uint16_t)place;
			hold->life = life;
			return true;
		}
		quota_cell_remove(quota, client, place, life);
	}
	return false;
}

void quota_release(struct quota *quota, struct quota_hold *hold)
{
	if (hold->in_total)
		gauge_remove(quota, hold->place, hold->life);
	if (hold->in_client)
		quota_cell_remove(quota, hold->client, hold->place, hold->life);
	*hold = (struct quota_hold){0};
}

void quota_take_over(struct quota *quota, unsigned place, bool total, uint64_t client, struct quota_hold *hold)
{
	struct quota_hold before = *hold;
	uint32_t life = life_now(quota, place);

	if (before.place >= QUOTA_PLACES_MAX) /* it came from another process */
		before = (struct quota_hold){0};
	*hold = (struct quota_hold){.place = (uint16_t)place, .life = life};
	if (total) {
		quota_use_place(quota, place);
		gauge_add(quota, place);
		hold->in_total = true;
	}
	if (client != 0 && quota_cell_add(quota, client, place, life)) {
		hold->in_client = true;
		hold->client = client;
	}
	if (life_now(quota, before.place) == before.life)
		quota_release(quota, &before);
}

/* --- telling of it --- */

uint64_t quota_refused(struct quota *quota, enum quota_kind kind, uint64_t now_ms)
{
	struct quota_told *told = &quota->shared->told[kind];
	uint64_t refused = __atomic_add_fetch(&told->refused, 1, __ATOMIC_RELAXED);
	uint64_t last_ms = quota_load(&told->told_ms);

	/* Workers' clocks are those of their turns: one may be a little behind. Further ahead is none. */
	if ((last_ms != 0 && now_ms < last_ms + TELL_MS && last_ms <= now_ms + TELL_MS) ||
	    !quota_swap(&told->told_ms, last_ms, now_ms))
		return 0;
	return refused - __atomic_exchange_n(&told->told, refused, __ATOMIC_RELAXED);
}
