/* SPDX-License-Identifier: MIT
 *
 * Reload and rolling restart: roll.c says in which order, this does it. Master only. */
#include "cluster/master.h"

#include "base/log.h"

static bool draining(void *context, unsigned slot)
{
	struct master *master = context;

	return slot_is_draining(master->slots[slot]);
}

struct roll_view master_roll_view(struct master *master)
{
	return (struct roll_view){
		.slots = master->slot_count, .draining = draining, .context = master};
}

/* Gives the slot a worker of the new generation, if it has none yet. */
static enum roll_action start(struct master *master, struct slot *slot)
{
	struct roll_view view = master_roll_view(master);

	if (slot->next && slot->next->generation != master->generation) {
		instance_kill(slot->next, "replaced before it was ready");
		slot->next = NULL;
	}
	if (!slot->next && (!slot->lead || slot->lead->generation != master->generation))
		slot_replace(slot);
	if (slot->state == SLOT_SERVING && slot->lead->generation == master->generation)
		return roll_ready(&master->roll, &view, slot->index);
	if (slot->next || slot->state == SLOT_STARTING)
		return ROLL_NOTHING; /* its readiness or its death comes back here */
	return roll_died(&master->roll, &view, slot->index);
}

static void over(struct master *master)
{
	if (roll_wanted_again(&master->roll) && master->state == MASTER_RUNNING)
		master_reload(master);
}

void master_roll_event(struct master *master, enum roll_action action)
{
	while (action == ROLL_START)
		action = start(master, master->slots[master->roll.slot]);
	switch (action) {
	case ROLL_DONE:
		log_info("rolling restart done: %u workers of generation %u", master->slot_count,
			 master->generation);
		over(master);
		break;
	case ROLL_FAILED:
		log_error("rolling restart stopped at slot %u: no new worker became ready in %d tries; "
			  "workers that were not replaced go on",
			  master->roll.slot, ROLL_TRIES);
		over(master);
		break;
	case ROLL_WAIT:
		log_info("rolling restart waits for the old worker of slot %u", master->roll.slot);
		break;
	default:
		break;
	}
}

void master_reload(struct master *master)
{
	struct roll_view view = master_roll_view(master);

	if (master->state != MASTER_RUNNING)
		return;
	if (master->roll.running) {
		log_info("a rolling restart is running; another one follows it");
		master_roll_event(master, roll_begin(&master->roll, &view));
		return;
	}
	if (master->program->reload(master->program->context, &master->options) < 0)
		return;
	master->generation++;
	log_info("rolling restart: generation %u", master->generation);
	for (unsigned i = 0; i < master->slot_room; i++)
		backoff_reset(&master->slots[i]->backoff);
	/* A number of workers that was set by TTIN or TTOU stays, unless the file says something new. */
	if (master->options.workers != master->configured_workers) {
		master->configured_workers = master->options.workers;
		if (slots_resize(master, master->options.workers) < 0)
			log_warn("going on with %u workers", master->slot_count);
		view = master_roll_view(master);
	}
	master_roll_event(master, roll_begin(&master->roll, &view));
}
