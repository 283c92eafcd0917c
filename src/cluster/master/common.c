/* SPDX-License-Identifier: MIT
 *
 * What all parts of the master ask or use, and what needs none of them. Master only. */
#include "cluster/master/common.h"

bool master_is_leaving(const struct master *master)
{
	return master->stop.phase != STOP_NOT || master->state != MASTER_RUNNING;
}

void master_discard(struct master *master, int fd)
{
	closer_put(&master->closer, fd);
}

uint32_t master_random(struct master *master)
{
	master->random = master->random * 1664525u + 1013904223u;
	return master->random >> 8;
}

static struct worker_process *worker_at(const struct master *master, const struct list *at)
{
	return at != &master->workers ? LIST_ENTRY(at, struct worker_process, link) : NULL;
}

struct worker_process *first_worker(const struct master *master)
{
	return worker_at(master, master->workers.next);
}

struct worker_process *next_worker(const struct worker_process *worker)
{
	return worker_at(worker->master, worker->link.next);
}

size_t master_keep_boards(const struct master *master, int *fds)
{
	size_t count = 0;

	for (unsigned slot = 0; slot < master->slot_room; slot++)
		for (int i = 0; i < BOARD_RECORDS; i++)
			if (master->boards[slot].fds[i] >= 0)
				fds[count++] = master->boards[slot].fds[i];
	return count;
}

unsigned cluster_numbers(const struct master *master)
{
	return master->slot_room * BOARD_RECORDS;
}

bool cluster_number_is_used(const struct master *master, unsigned number)
{
	unsigned slot = number / BOARD_RECORDS;

	return slot < master->slot_room && master->boards[slot].in_use & 1u << number % BOARD_RECORDS;
}
