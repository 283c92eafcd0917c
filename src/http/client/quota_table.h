/* SPDX-License-Identifier: MIT
 *
 * How the shared table is laid out. Private to quota*.c.
 *
 *     gauge   life 32 bits, connections 32                  one for each worker
 *     cell    tag 32, worker 13, life 3, connections 16     one for each client and worker
 *     room    four numbers, two times                       one for each worker
 *     bucket  tag 24, time 40 (microseconds, wraps)         one for each client
 *
 * A tag is some of the bits of a client's key; others choose the set of cells or buckets where it
 * must be, so that looking for it is going through a few lines of memory. A word of 0 is free. */
#ifndef BROOD_HTTP_CLIENT_QUOTA_TABLE_H
#define BROOD_HTTP_CLIENT_QUOTA_TABLE_H

#include "http/client/quota.h"

enum {
	QUOTA_CELL_SETS = 4096,
	QUOTA_CELLS = 64, /* of one set */
	QUOTA_BUCKET_SETS = 65536,
	QUOTA_BUCKETS = 8, /* of one set: a line of memory */
	QUOTA_TRIES = 64,  /* others being quicker so often is not to be expected */
};

struct quota_told {
	uint64_t refused, told, told_ms;
};

/* What others may know of a worker's connections when there are too many. */
struct quota_room {
	uint32_t idle;    /* could be closed */
	uint32_t waiting; /* not let in yet, and in no gauge */
	uint32_t asked;   /* idle ones, to be closed for others */
	uint32_t unused;
	uint64_t since_ms; /* the longest is idle */
	uint64_t seen_ms;  /* when this was written last */
};

/* Any worker can write anything here, so what is read has a bounded effect, and what is counted for
 * nobody goes when the next process ends. */
struct quota_shared {
	uint32_t workers; /* those below it may be in use */
	uint32_t clients; /* not 0: cells have been used */
	struct quota_told told[QUOTA_KINDS];
	uint64_t gauges[QUOTA_WORKERS_MAX] __attribute__((aligned(64)));
	struct quota_room rooms[QUOTA_WORKERS_MAX] __attribute__((aligned(64)));
	uint64_t cells[QUOTA_CELL_SETS][QUOTA_CELLS] __attribute__((aligned(64)));
	uint64_t buckets[QUOTA_BUCKET_SETS][QUOTA_BUCKETS] __attribute__((aligned(64)));
};

/* Each process's own, from its birth. */
struct quota {
	struct quota_shared *shared;
	struct client_secret secret;
	uint32_t first_life; /* of all numbers: random, so that another table's holds mean nothing */
};

static inline uint64_t quota_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* False: it was no longer `expected`. */
static inline bool quota_swap(uint64_t *word, uint64_t expected, uint64_t wanted)
{
	return __atomic_compare_exchange_n(word, &expected, wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Makes the sums reach up to there. */
void quota_use_number(struct quota *quota, unsigned worker);

/* --- quota_clients.c --- */

/* One connection more; false: no room. */
bool quota_cell_add(struct quota *quota, uint64_t client, unsigned worker, uint32_t life);
/* One less, where there is one. */
void quota_cell_remove(struct quota *quota, uint64_t client, unsigned worker, uint32_t life);
/* All of this worker and, unless `used` is NULL, of those that are not among `used`. */
void quota_cells_clear(struct quota *quota, unsigned worker, const struct quota_workers *used);

#endif
