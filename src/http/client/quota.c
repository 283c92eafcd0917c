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

static uint32_t life_now(const struct quota *quota, unsigned worker)
{
	return life_of(quota, quota_load(&quota->shared->gauges[worker]));
}

static uint32_t count_of(uint64_t gauge)
{
	return (uint32_t)gauge;
}

/* Only its owner adds to a gauge. Returns the life that it is counted under. */
static uint32_t gauge_add(struct quota *quota, unsigned worker)
{
	return life_of(quota, __atomic_add_fetch(&quota->shared->gauges[worker], 1, __ATOMIC_SEQ_CST));
}

/* Owner, and who takes a connection over from it. */
static void gauge_remove(struct quota *quota, unsigned worker, uint32_t life)
{
	uint64_t *gauge = &quota->shared->gauges[worker];

	for (unsigned i = 0; i < QUOTA_TRIES; i++) {
		uint64_t now = quota_load(gauge);

		if (life_of(quota, now) != life || count_of(now) == 0 || quota_swap(gauge, now, now - 1))
			return;
	}
}

void quota_use_number(struct quota *quota, unsigned worker)
{
	uint32_t workers = __atomic_load_n(&quota->shared->workers, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; i < QUOTA_TRIES && workers <= worker; i++)
		if (__atomic_compare_exchange_n(&quota->shared->workers, &workers, worker + 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return;
}

uint64_t quota_total(const struct quota *quota)
{
	uint32_t workers = __atomic_load_n(&quota->shared->workers, __ATOMIC_SEQ_CST);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < workers && i < QUOTA_WORKERS_MAX; i++)
		sum += count_of(quota_load(&quota->shared->gauges[i]));
	return sum;
}

void quota_workers_add(struct quota_workers *workers, unsigned worker)
{
	workers->words[worker / 64] |= UINT64_C(1) << worker % 64;
}

static void next_life(struct quota *quota, unsigned worker)
{
	uint64_t *gauge = &quota->shared->gauges[worker];
	uint64_t lives = quota_load(gauge) >> 32;

	__atomic_store_n(gauge, (lives + 1) << 32, __ATOMIC_SEQ_CST);
}

static void clear_room(struct quota *quota, unsigned worker)
{
	struct quota_room *room = &quota->shared->rooms[worker];

	__atomic_store_n(&room->idle, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&room->waiting, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&room->asked, 0, __ATOMIC_SEQ_CST);
}

void quota_take_number(struct quota *quota, unsigned worker)
{
	next_life(quota, worker);
	clear_room(quota, worker);
}

/* What is left there in nobody's name. */
static void clear_number(struct quota *quota, unsigned worker)
{
	clear_room(quota, worker);
	if (count_of(quota_load(&quota->shared->gauges[worker])) != 0)
		next_life(quota, worker);
}

static void clear_gauges(struct quota *quota, const struct quota_workers *used)
{
	uint32_t workers = __atomic_load_n(&quota->shared->workers, __ATOMIC_SEQ_CST), end = 0;

	/* Also beyond those that seem to be in use: that may have been made less. */
	for (uint32_t i = 0; (i < workers || i < used->end) && i < QUOTA_WORKERS_MAX; i++) {
		if (quota_workers_have(used, i))
			end = i + 1;
		else
			clear_number(quota, i);
	}
	if (end < workers) /* each of those that are used is counted, so nobody is left out */
		__atomic_store_n(&quota->shared->workers, end, __ATOMIC_SEQ_CST);
}

void quota_give_back(struct quota *quota, unsigned worker, const struct quota_workers *used)
{
	quota_take_number(quota, worker);
	if (used)
		clear_gauges(quota, used);
	if (__atomic_load_n(&quota->shared->clients, __ATOMIC_SEQ_CST) != 0)
		quota_cells_clear(quota, worker, used);
}

/* --- what connections hold --- */

/* Where the last one that may be let in is wanted by several at once, each may see the others and step back; so one
 * who did looks again. Who is turned away in the end has seen the limit reached without itself. */
bool quota_hold_total(struct quota *quota, unsigned worker, uint32_t limit, struct quota_hold *hold)
{
	quota_use_number(quota, worker);
	for (unsigned i = 0; i < QUOTA_TRIES && quota_total(quota) < limit; i++) {
		uint32_t life = gauge_add(quota, worker);

		if (quota_total(quota) <= limit) {
			hold->in_total = true;
			hold->worker = (uint16_t)worker;
			hold->life = life;
			return true;
		}
		gauge_remove(quota, worker, life);
	}
	return false;
}

bool quota_hold_client(struct quota *quota, unsigned worker, uint32_t limit, uint64_t client, struct quota_hold *hold)
{
	uint32_t life = life_now(quota, worker);

	if (limit > QUOTA_CLIENT_MAX)
		limit = QUOTA_CLIENT_MAX;
	for (unsigned i = 0; i < QUOTA_TRIES && quota_of_client(quota, client) < limit; i++) {
		if (!quota_cell_add(quota, client, worker, life))
			return true;
		if (quota_of_client(quota, client) <= limit) {
			hold->in_client = true;
			hold->client = client;
			hold->worker = (uint16_t)worker;
			hold->life = life;
			return true;
		}
		quota_cell_remove(quota, client, worker, life);
	}
	return false;
}

void quota_release(struct quota *quota, struct quota_hold *hold)
{
	if (hold->in_total)
		gauge_remove(quota, hold->worker, hold->life);
	if (hold->in_client)
		quota_cell_remove(quota, hold->client, hold->worker, hold->life);
	*hold = (struct quota_hold){0};
}

void quota_take_over(struct quota *quota, unsigned worker, bool total, uint64_t client, struct quota_hold *hold)
{
	struct quota_hold before = *hold;
	uint32_t life = life_now(quota, worker);

	if (before.worker >= QUOTA_WORKERS_MAX) /* it came from another process */
		before = (struct quota_hold){0};
	*hold = (struct quota_hold){.worker = (uint16_t)worker, .life = life};
	if (total) {
		quota_use_number(quota, worker);
		gauge_add(quota, worker);
		hold->in_total = true;
	}
	if (client != 0 && quota_cell_add(quota, client, worker, life)) {
		hold->in_client = true;
		hold->client = client;
	}
	if (life_now(quota, before.worker) == before.life)
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
