/* SPDX-License-Identifier: MIT
 *
 * Replacing workers that have done enough (recycle.c says which): the successor first, and one slot
 * at a time. Master only. */
#include "cluster/master/recycling.h"

#include "base/log.h"
#include "cluster/master/common.h"
#include "cluster/master/memory.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"

enum {
	MEMORY_INTERVAL_MS = 1000, /* between two looks at a worker's memory */
	RETRY_MS = 30000,          /* after a successor that did not become ready */
};

/* A roll or a successor on its way, or an old worker that has not handed over: one slot is out. */
static bool is_busy(const struct master *master)
{
	if (master->roll.phase != ROLL_IDLE || !master->ready_told)
		return true;
	for (unsigned i = 0; i < master->slot_room; i++)
		if (master->slots[i]->successor)
			return true;
	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->phase == WORKER_DRAINING && !worker->handed_over)
			return true;
	return false;
}

/* Did the last successor fail? Then the worker that it was to follow goes on. */
static bool has_failed(const struct master *master)
{
	const struct recycling *recycling = &master->recycling;

	if (recycling->serial == 0 || recycling->slot >= master->slot_room)
		return false;
	return master->slots[recycling->slot]->current &&
	       master->slots[recycling->slot]->current->serial == recycling->serial;
}

/* Whose memory is to be looked at now: one worker's at a time, in turn. False: nobody's. */
static bool next_for_memory(struct master *master, uint64_t now_ms, unsigned *slot)
{
	struct recycling *recycling = &master->recycling;

	if (master->options.recycle.memory_bytes == 0 || now_ms - recycling->memory_ms < MEMORY_INTERVAL_MS)
		return false;
	recycling->memory_ms = now_ms;
	recycling->memory_slot = (recycling->memory_slot + 1) % master->slot_count;
	*slot = recycling->memory_slot;
	return true;
}

static bool check(struct master *master, struct slot *slot, bool memory_too, uint64_t now_ms)
{
	struct worker_process *current = slot->current;
	const struct board_record *record = worker_process_record(current);
	uint64_t requests = board_load64(&record->requests), age_ms = now_ms - current->started_ms;
	uint64_t memory = memory_too ? memory_of_process(current->pid) : 0;
	enum recycle_reason reason = recycle_judge(&current->limits, requests, memory, age_ms);
	char why[80];

	if (reason == RECYCLE_NOT)
		return false;
	recycle_describe(reason, requests, memory, age_ms, why, sizeof(why));
	log_info("worker %u [%d] is replaced after %s", slot->index, current->pid, why);
	master->recycling.slot = slot->index;
	master->recycling.serial = current->serial;
	slot_replace(slot, current->next_kind);
	return true;
}

void recycling_tick(struct master *master, uint64_t now_ms)
{
	struct recycling *recycling = &master->recycling;
	unsigned memory_slot;
	bool memory_due;

	if (is_busy(master) || now_ms < recycling->not_before_ms)
		return;
	if (has_failed(master)) {
		log_warn("worker %u could not be replaced: it goes on", recycling->slot);
		recycling->serial = 0;
		recycling->not_before_ms = now_ms + RETRY_MS;
		return;
	}
	recycling->serial = 0;
	memory_due = next_for_memory(master, now_ms, &memory_slot);
	/* From where it was last, so that no slot keeps others from their turn. */
	for (unsigned i = 1; i <= master->slot_count; i++) {
		struct slot *slot = master->slots[(recycling->slot + i) % master->slot_count];

		/* Nor one that is silent: asking for its memory may mean waiting for it. */
		if (slot->state != SLOT_SERVING || !slot->current || slot_is_draining(slot) ||
		    !board_is_fresh(worker_process_record(slot->current), now_ms))
			continue;
		if (check(master, slot, memory_due && slot->index == memory_slot, now_ms))
			return;
	}
}
