/* SPDX-License-Identifier: MIT
 *
 * Slots: what the table in slot.c says, done to processes. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRY_HARD_MS = 1000 };

uint32_t master_random(struct master *master)
{
	master->random = master->random * 1664525u + 1013904223u;
	return master->random >> 8;
}

bool slot_is_draining(const struct slot *slot)
{
	const struct list *instances = &slot->master->instances;

	for (const struct list *at = instances->next; at != instances; at = at->next) {
		const struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->slot == slot->index && instance->phase == INSTANCE_DRAINING)
			return true;
	}
	return false;
}

/* --- actions --- */

/* A worker of this slot died, or could not even be forked: try again as backoff.c says. */
static void try_again(struct slot *slot, enum backoff_death death)
{
	unsigned delay_ms;
	enum slot_event event = backoff_next(&slot->backoff, death, master_random(slot->master), &delay_ms);
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	if (event != SLOT_DIED)
		event_add(slot->timer, &delay);
	slot_happen(slot, event);
}

static void start_lead(struct slot *slot)
{
	slot->lead = instance_start(slot->master, slot, slot->next_kind);
	if (!slot->lead)
		try_again(slot, BACKOFF_DEATH_RESOURCES);
}

static void serve(struct slot *slot)
{
	slot->unserved_since_ms = 0;
	slot->ready_once = true;
	spread_release(slot);
}

static void retire_all(struct slot *slot)
{
	struct instance *lead = slot->lead, *next = slot->next;

	slot->lead = slot->next = NULL;
	if (lead)
		instance_retire(lead);
	if (next)
		instance_retire(next);
	spread_forget_adopter(slot->master, slot);
}

static void park(struct slot *slot)
{
	log_error("slot %u is parked after %u early deaths in a row: it is tried again every %d s; "
		  "see the lines above for the reason",
		  slot->index, slot->backoff.early_deaths, BACKOFF_PARKED_MS / 1000);
	master_check_ready(slot->master);
}

void slot_happen(struct slot *slot, enum slot_event event)
{
	enum slot_state before = slot->state;
	enum slot_action action = slot_step(&slot->state, event);

	if (slot->state != SLOT_SERVING && slot->unserved_since_ms == 0)
		slot->unserved_since_ms = clock_now_ms();
	if (slot->state != before)
		log_debug("slot %u: %s -> %s", slot->index, slot_state_name(before), slot_state_name(slot->state));
	switch (action) {
	case SLOT_DO_NOTHING:
	case SLOT_DO_WAIT: /* the timer was armed with its delay */
		break;
	case SLOT_DO_START:
		start_lead(slot);
		break;
	case SLOT_DO_SERVE:
		serve(slot);
		break;
	case SLOT_DO_PARK:
		park(slot);
		break;
	case SLOT_DO_RETIRE:
		retire_all(slot);
		break;
	case SLOT_DO_CANCEL:
		event_del(slot->timer);
		if (slot->state == SLOT_SERVING)
			serve(slot);
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	slot_happen(argument, SLOT_TIMER);
}

void slot_replace(struct slot *slot, bool next_kind)
{
	if (slot->next)
		return;
	if (slot->state == SLOT_BACKOFF || slot->state == SLOT_PARKED) {
		slot->next_kind = next_kind;
		event_del(slot->timer);
		slot_happen(slot, SLOT_TIMER);
		return;
	}
	if (slot->state == SLOT_STARTING || slot->state == SLOT_SERVING)
		slot->next = instance_start(slot->master, slot, next_kind);
}

void slot_drain(struct slot *slot, bool drain)
{
	struct master *master = slot->master;
	struct roll_view view = master_roll_view(master);

	slot->drained = drain;
	log_info("slot %u: %s", slot->index, drain ? "drained" : "in service again");
	slot_happen(slot, drain ? SLOT_UNWANT : SLOT_WANT);
	/* A roll that waited for its new worker goes on without it. */
	if (drain)
		master_roll_event(master, roll_ready(&master->roll, &view, slot->index));
}

/* --- what happens to workers --- */

static void tell_progress(const struct slot *slot, const struct instance *instance)
{
	const struct roll *roll = &slot->master->roll;
	char text[100];

	if ((roll->phase != ROLL_FORWARD && roll->phase != ROLL_BACK) || roll->slot != slot->index)
		return;
	snprintf(text, sizeof(text), "slot %u: worker %d %s", slot->index, instance->pid,
		 roll->phase == ROLL_FORWARD ? "serves" : "of the configuration in force serves again");
	admin_progress(slot->master, roll->phase == ROLL_FORWARD ? slot->index + 1 : slot->index, text);
}

void slot_instance_ready(struct slot *slot, struct instance *instance)
{
	struct master *master = slot->master;
	struct roll_view view = master_roll_view(master);
	struct instance *before = NULL;

	if (instance == slot->next) {
		before = slot->lead;
		slot->lead = instance;
		slot->next = NULL;
		slot->next_kind = instance->next;
	} else if (instance != slot->lead) {
		return; /* retired meanwhile */
	}
	slot_happen(slot, SLOT_READY);
	log_debug("worker %u [%d] of generation %u serves", slot->index, instance->pid, instance->generation);
	if (before) {
		spread_forget_adopter(master, slot);
		instance_retire(before);
	}
	master_check_ready(master);
	tell_progress(slot, instance);
	if (instance->next == (master->roll.phase == ROLL_FORWARD))
		master_roll_event(master, roll_ready(&master->roll, &view, slot->index));
}

static enum backoff_death judge(const struct instance *instance, const struct brood_process_end *end)
{
	if (instance->ready_ms == 0 && end->exit_code == CLUSTER_EXIT_FATAL)
		return BACKOFF_DEATH_FATAL;
	if (end->exit_code == CLUSTER_EXIT_RESOURCES)
		return BACKOFF_DEATH_RESOURCES;
	if (instance->ready_ms != 0 && clock_now_ms() - instance->ready_ms >= BACKOFF_PROVEN_MS)
		return BACKOFF_DEATH_LATE;
	return BACKOFF_DEATH_EARLY;
}

static void lead_ended(struct slot *slot, enum backoff_death death, bool accident)
{
	struct master *master = slot->master;
	struct roll_view view = master_roll_view(master);

	spread_forget_adopter(master, slot);
	slot->lead = NULL;
	if (slot->next) { /* its successor is on the way already */
		slot->lead = slot->next;
		slot->next = NULL;
		slot->next_kind = slot->lead->next;
		slot->state = SLOT_STARTING;
		slot->unserved_since_ms = clock_now_ms();
		return;
	}
	if (death == BACKOFF_DEATH_FATAL && !master->ready_told && !slot->ready_once) {
		master_give_up(master, CLUSTER_EXIT_CRASH);
		return;
	}
	slot->restarts++;
	try_again(slot, death);
	master_roll_event(master, roll_died(&master->roll, &view, slot->index, accident));
}

void slot_instance_ended(struct slot *slot, struct instance *instance, const struct brood_process_end *end)
{
	struct master *master = slot->master;
	struct roll_view view = master_roll_view(master);
	bool accident = end->signal != 0 && !instance->killed;

	if (master->state != MASTER_RUNNING) {
		if (slot->lead == instance)
			slot->lead = NULL;
		if (slot->next == instance)
			slot->next = NULL;
	} else if (slot->lead == instance) {
		lead_ended(slot, judge(instance, end), accident);
	} else if (slot->next == instance) {
		slot->next = NULL;
		master_roll_event(master, roll_died(&master->roll, &view, slot->index, accident));
	} else if (!slot_is_draining(slot)) {
		if (slot->state == SLOT_DRAINING)
			slot_happen(slot, SLOT_DIED);
		master_roll_event(master, roll_drained(&master->roll, &view, slot->index));
		master_roll_event(master, roll_settled(&master->roll, &view));
	}
}

void slot_has_room(struct slot *slot)
{
	if (!slot->crowded || slot->state != SLOT_BACKOFF || slot->master->state != MASTER_RUNNING)
		return;
	event_del(slot->timer);
	slot_happen(slot, SLOT_TIMER);
}

bool slot_is_alive(const struct slot *slot, uint64_t now_ms)
{
	return slot->state == SLOT_SERVING && slot->lead && slot->lead->channel && !slot->lead->stopped &&
	       !slot->lead->killed && board_is_fresh(instance_record(slot->lead), now_ms);
}

bool slots_any_leads(const struct master *master)
{
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->state == SLOT_SERVING && master->slots[i]->lead &&
		    master->slots[i]->lead->channel)
			return true;
	return false;
}

void slots_try_hard(struct master *master, uint64_t now_ms)
{
	struct slot *waiting = NULL;

	for (unsigned i = 0; i < master->slot_count; i++) {
		enum slot_state state = master->slots[i]->state;

		if (state == SLOT_SERVING || state == SLOT_STARTING)
			return;
		if (!waiting && (state == SLOT_BACKOFF || state == SLOT_PARKED))
			waiting = master->slots[i];
	}
	if (!waiting || !master->ready_told || now_ms - master->tried_ms < TRY_HARD_MS)
		return;
	master->tried_ms = now_ms;
	event_del(waiting->timer);
	slot_happen(waiting, SLOT_TIMER);
}

/* --- how many --- */

/* Without records. */
static int add_slot(struct master *master)
{
	unsigned index = master->slot_room;
	struct slot **slots = realloc(master->slots, (index + 1) * sizeof(*slots));
	struct board *boards;
	struct slot *slot;

	if (!slots)
		return -ENOMEM;
	master->slots = slots;
	boards = realloc(master->boards, (index + 1) * sizeof(*boards));
	if (!boards)
		return -ENOMEM;
	master->boards = boards;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = (struct slot){.master = master, .index = index};
	slot->timer = evtimer_new(master->base, on_timer, slot);
	if (!slot->timer) {
		free(slot);
		return -ENOMEM;
	}
	board_init(&boards[index]);
	slots[index] = slot;
	master->slot_room++;
	return 0;
}

int slot_restore(struct master *master, unsigned timer_ms)
{
	struct timeval delay = {timer_ms / 1000, (timer_ms % 1000) * 1000};
	int error = add_slot(master);

	if (!error && timer_ms > 0)
		event_add(master->slots[master->slot_room - 1]->timer, &delay);
	return error;
}

int slots_make_room(struct master *master, unsigned count)
{
	while (master->slot_room < count) {
		struct board board;
		int error = board_create(&board);

		if (error == 0 && (error = add_slot(master)) < 0)
			board_close(&board);
		if (error) {
			log_error("cannot make a slot more than %u: %s", master->slot_room, strerror(-error));
			return error;
		}
		master->boards[master->slot_room - 1] = board;
		for (int i = 0; i < BOARD_RECORDS_KEPT; i++)
			spread_show_board(master, master->slot_room - 1, i);
	}
	return 0;
}

/* Is there, or will there be with the roll that runs, a socket for each slot? */
static bool slots_have_sockets(const struct master *master)
{
	return master->options.accept == CLUSTER_ACCEPT_REUSEPORT ||
	       (master->prepared && master->next_options.accept == CLUSTER_ACCEPT_REUSEPORT);
}

int slots_resize(struct master *master, unsigned count)
{
	struct roll_view view = master_roll_view(master);
	char reason[REPORT_REASON_MAX];
	int error = slots_make_room(master, count);

	if (error)
		return error;
	if (slots_have_sockets(master)) {
		error = listeners_grow(&master->listeners, count, reason, sizeof(reason));
		if (error) {
			log_error("%s", reason);
			return error;
		}
	}
	master->slot_count = count;
	for (unsigned i = 0; i < master->slot_room; i++)
		slot_happen(master->slots[i], i < count && !master->slots[i]->drained ? SLOT_WANT : SLOT_UNWANT);
	/* A roll that was about to replace a slot that is no more goes on without it. */
	view.slots = count;
	if (master->roll.slot >= count)
		master_roll_event(master, roll_died(&master->roll, &view, master->roll.slot, false));
	spread_adopt(master, clock_now_ms());
	return 0;
}

void slots_free(struct master *master)
{
	for (unsigned i = 0; i < master->slot_room; i++) {
		event_free(master->slots[i]->timer);
		board_close(&master->boards[i]);
		free(master->slots[i]);
	}
	free(master->slots);
	free(master->boards);
}
