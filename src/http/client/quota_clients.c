/* SPDX-License-Identifier: MIT
 *
 * Connections of each client (quota_table.h): for each worker that holds some of a client's there is
 * a cell, and all cells of a client are in one set. Master and workers. */
#include "http/client/quota_table.h"

#include <stddef.h>

enum {
	COUNT_BITS = 16,
	OWNER_BITS = 16, /* worker 13, life 3 */
	LIFE_BITS = 3,
};

_Static_assert(QUOTA_WORKERS_MAX <= 1 << (OWNER_BITS - LIFE_BITS), "numbers fit");
_Static_assert(QUOTA_CLIENT_MAX < 1 << COUNT_BITS, "connections fit");

static uint64_t *set_of(struct quota *quota, uint64_t client)
{
	return quota->shared->cells[client % QUOTA_CELL_SETS];
}

/* Never 0, so that no cell in use is. */
static uint32_t tag_of(uint64_t client)
{
	return (uint32_t)(client >> 32) | 1u;
}

static uint32_t cell_tag(uint64_t cell)
{
	return (uint32_t)(cell >> (OWNER_BITS + COUNT_BITS));
}

static uint32_t cell_owner(uint64_t cell)
{
	return (uint32_t)(cell >> COUNT_BITS) & ((1u << OWNER_BITS) - 1);
}

static uint32_t cell_count(uint64_t cell)
{
	return (uint32_t)cell & ((1u << COUNT_BITS) - 1);
}

static uint32_t owner_of(unsigned worker, uint32_t life)
{
	return worker << LIFE_BITS | (life & ((1u << LIFE_BITS) - 1));
}

static uint64_t make_cell(uint32_t tag, uint32_t owner, uint32_t count)
{
	return (uint64_t)tag << (OWNER_BITS + COUNT_BITS) | (uint64_t)owner << COUNT_BITS | count;
}

uint64_t quota_of_client(const struct quota *quota, uint64_t client)
{
	const uint64_t *set = quota->shared->cells[client % QUOTA_CELL_SETS];
	uint32_t tag = tag_of(client);
	uint64_t sum = 0;

	for (unsigned i = 0; i < QUOTA_CELLS; i++) {
		uint64_t cell = quota_load(&set[i]);

		if (cell_tag(cell) == tag)
			sum += cell_count(cell);
	}
	return sum;
}

/* The owner's cell for that client, or else a free one, or NULL; *out is what was in it. */
static uint64_t *find(uint64_t *set, uint32_t tag, uint32_t owner, uint64_t *out)
{
	uint64_t *free_cell = NULL;

	*out = 0;
	for (unsigned i = 0; i < QUOTA_CELLS; i++) {
		uint64_t cell = quota_load(&set[i]);

		if (cell_tag(cell) == tag && cell_owner(cell) == owner) {
			*out = cell;
			return &set[i];
		}
		if (cell == 0 && !free_cell)
			free_cell = &set[i];
	}
	return free_cell;
}

bool quota_cell_add(struct quota *quota, uint64_t client, unsigned worker, uint32_t life)
{
	uint32_t tag = tag_of(client), owner = owner_of(worker, life);
	uint64_t *set = set_of(quota, client), *at, cell;

	if (__atomic_load_n(&quota->shared->clients, __ATOMIC_SEQ_CST) == 0)
		__atomic_store_n(&quota->shared->clients, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < QUOTA_TRIES; i++) {
		at = find(set, tag, owner, &cell);
		if (!at || cell_count(cell) == QUOTA_CLIENT_MAX)
			return false;
		if (quota_swap(at, cell, make_cell(tag, owner, cell_count(cell) + 1)))
			return true;
	}
	return false;
}

void quota_cell_remove(struct quota *quota, uint64_t client, unsigned worker, uint32_t life)
{
	uint32_t tag = tag_of(client), owner = owner_of(worker, life), count;
	uint64_t *set = set_of(quota, client), *at, cell;

	for (unsigned i = 0; i < QUOTA_TRIES; i++) {
		at = find(set, tag, owner, &cell);
		if (!at || cell == 0)
			return;
		count = cell_count(cell);
		if (quota_swap(at, cell, count > 1 ? make_cell(tag, owner, count - 1) : 0))
			return;
	}
}

static bool is_nobodys(uint64_t cell, unsigned worker, const struct quota_workers *used)
{
	unsigned owner = cell_owner(cell) >> LIFE_BITS;

	return cell != 0 && (owner == worker || (used && !quota_workers_have(used, owner)));
}

/* Of a process that is gone: all that may still change such a cell is somebody who takes one of its
 * connections over, which makes it smaller. */
void quota_cells_clear(struct quota *quota, unsigned worker, const struct quota_workers *used)
{
	uint64_t *cells = &quota->shared->cells[0][0];

	for (unsigned i = 0; i < QUOTA_CELL_SETS * QUOTA_CELLS; i++) {
		uint64_t cell = quota_load(&cells[i]);

		for (unsigned try = 0; try < QUOTA_TRIES && is_nobodys(cell, worker, used); try++) {
			if (quota_swap(&cells[i], cell, 0))
				break;
			cell = quota_load(&cells[i]);
		}
	}
}
