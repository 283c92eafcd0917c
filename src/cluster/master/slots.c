/* SPDX-License-Identifier: MIT
 *
 * Slots: what the table in slot.c says, done to processes. Master only. */
#include "cluster/master/slots.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/master/common.h"
#include "cluster/master/worker_process.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum { TRY_HARD_MS = 1000 };

bool slot_is_draining(const struct slot *slot)
{
	for (const struct worker_process *worker = first_worker(slot->master); worker; worker = next_worker(worker))
		if (worker->slot == slot->index && worker->phase == WORKER_DRAINING)
			return true;
	return false;
}

/* --- actions --- */

static void serve(struct slot *slot)
{
	slot->unserved_since_ms = 0;
	slot->ready_once = true;
}

static void drain_all(struct slot *slot)
{
	struct worker_process *current = slot->current, *successor = slot->successor;

	slot->current = slot->successor = NULL;
	if (current)
		worker_process_drain(current);
	if (successor)
		worker_process_drain(successor);
}

static void park(struct slot *slot)
{
	log_error("slot %u is parked after %u early deaths in a row: it is tried again every %d s; "
		  "see the lines above for the reason",
		  slot->index, slot->backoff.early_deaths, BACKOFF_PARKED_MS / 1000);
}

static void happen(struct slot *slot, enum slot_event event)
{
	enum slot_state before = slot->state;
	enum slot_action action = slot_step(&slot->state, event);

	if (slot->state != SLOT_SERVING && slot->unserved_since_ms == 0)
		slot->unserved_since_ms = clock_now_ms();
	if (slot->state != before)
		log_debug("slot %u: %s -> %s", slot->index, slot_state_name(before), slot_state_name(slot->state));
	switch (action) {
	case SLOT_DO_NOTHING:
	case SLOT_DO_START: /* slots_start does, when all that comes first is done */
	case SLOT_DO_WAIT:  /* the timer was armed with its delay */
		break;
	case SLOT_DO_SERVE:
		serve(slot);
		break;
	case SLOT_DO_PARK:
		park(slot);
		break;
	case SLOT_DO_DRAIN:
		drain_all(slot);
		break;
	case SLOT_DO_CANCEL:
		event_del(slot->timer);
		if (slot->state == SLOT_SERVING)
			serve(slot);
		break;
	}
}

/* A worker of this slot died, or could not even be forked: try again as backoff.c says. */
static void try_again(struct slot *slot, enum backoff_death death)
{
	unsigned delay_ms;
	enum slot_event event = backoff_next(&slot->backoff, death, master_random(slot->master), &delay_ms);
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	if (event != SLOT_DIED)
		event_add(slot->timer, &delay);
	happen(slot, event);
}

static bool start_current(struct slot *slot)
{
	slot->current = worker_process_start(slot->master, slot, slot->next_kind, &slot->failure);
	if (!slot->current)
		try_again(slot, BACKOFF_DEATH_RESOURCES);
	return slot->current != NULL;
}

void slots_start(struct master *master)
{
	for (unsigned i = 0; i < master->slot_room && master->state == MASTER_RUNNING; i++)
		if (master->slots[i]->state == SLOT_STARTING && !master->slots[i]->current)
			start_current(master->slots[i]);
}

/* It need not wait for its next try any longer. */
static void hurry(struct slot *slot)
{
	event_del(slot->timer);
	happen(slot, SLOT_TIMER);
	slots_start(slot->master);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	hurry(argument);
}

void slot_replace(struct slot *slot, bool next_kind)
{
	if (slot->successor)
		return;
	if (slot->state == SLOT_BACKOFF || slot->state == SLOT_PARKED) {
		slot->next_kind = next_kind;
		hurry(slot);
	} else if (slot->state == SLOT_STARTING || slot->state == SLOT_SERVING) {
		slot->successor = worker_process_start(slot->master, slot, next_kind, &slot->failure);
	}
}

void slot_drop_successor(struct slot *slot)
{
	worker_process_kill(slot->successor, KILL_REPLACED);
	slot->successor = NULL;
}

void slot_disable(struct slot *slot, bool disable)
{
	slot->disabled = disable;
	log_info("slot %u: %s", slot->index, disable ? "drained" : "in service again");
	happen(slot, disable ? SLOT_UNWANT : SLOT_WANT);
}

/* --- what happens to workers --- */

bool slot_worker_ready(struct slot *slot, struct worker_process *worker)
{
	struct worker_process *before = NULL;

	if (worker == slot->successor) {
		before = slot->current;
		slot->current = worker;
		slot->successor = NULL;
		slot->next_kind = worker->next_kind;
	} else if (worker != slot->current) {
		return false; /* it was told to leave meanwhile */
	}
	happen(slot, SLOT_READY);
	log_debug("worker %u [%d] of generation %u serves", slot->index, worker->pid, worker->generation);
	if (before)
		worker_process_drain(before);
	return true;
}

static enum backoff_death judge(const struct worker_process *worker, const struct brood_process_end *end)
{
	if (worker->ready_ms == 0 && end->exit_code == CLUSTER_EXIT_FATAL)
		return BACKOFF_DEATH_FATAL;
	if (end->exit_code == CLUSTER_EXIT_RESOURCES)
		return BACKOFF_DEATH_RESOURCES;
	if (worker->ready_ms != 0 && clock_now_ms() - worker->ready_ms >= BACKOFF_PROVEN_MS)
		return BACKOFF_DEATH_LATE;
	return BACKOFF_DEATH_EARLY;
}

static enum slot_loss lose_current(struct slot *slot, enum backoff_death death)
{
	slot->failure.what = NULL;
	slot->current = slot->successor;
	slot->successor = NULL;
	if (slot->current) {
		slot->next_kind = slot->current->next_kind;
		slot->unserved_since_ms = clock_now_ms();
		happen(slot, SLOT_SUCCEEDED);
		return SLOT_LOST_NOTHING;
	}
	if (death == BACKOFF_DEATH_FATAL && !slot->master->ready_told && !slot->ready_once)
		return SLOT_LOST_FOR_GOOD;
	slot->restarts++;
	try_again(slot, death);
	return SLOT_LOST_CURRENT;
}

enum slot_loss slot_worker_ended(struct slot *slot, struct worker_process *worker, const struct brood_process_end *end)
{
	bool led = slot->current == worker, followed = slot->successor == worker;

	if (slot->master->state != MASTER_RUNNING) {
		slot->current = led ? NULL : slot->current;
		slot->successor = followed ? NULL : slot->successor;
		return SLOT_LOST_NOTHING;
	}
	if (led)
		return lose_current(slot, judge(worker, end));
	if (followed) {
		slot->successor = NULL;
		return SLOT_LOST_SUCCESSOR;
	}
	if (slot_is_draining(slot))
		return SLOT_LOST_NOTHING;
	if (slot->state == SLOT_DRAINING)
		happen(slot, SLOT_DIED);
	return SLOT_LOST_LAST_DRAINING;
}

void slot_has_room(struct slot *slot)
{
	if (slot->failure.what && slot->failure.error == EBUSY && slot->state == SLOT_BACKOFF &&
	    slot->master->state == MASTER_RUNNING)
		hurry(slot);
}

bool slot_is_alive(const struct slot *slot, uint64_t now_ms)
{
	return slot->state == SLOT_SERVING && slot->current && slot->current->channel &&
	       slot->current->life == WORKER_RUNS && slot->current->killed == KILL_NOT &&
	       board_is_fresh(worker_process_record(slot->current), now_ms);
}

bool slots_any_serves(const struct master *master)
{
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->state == SLOT_SERVING && master->slots[i]->current &&
		    master->slots[i]->current->channel)
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
	hurry(waiting);
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
			worker_processes_show_board(master, master->slot_room - 1, i);
	}
	return 0;
}

/* Is there, or will there be with the roll that runs, a socket for each slot? */
static bool slots_have_sockets(const struct master *master)
{
	return master->options.accept == CLUSTER_ACCEPT_REUSEPORT ||
	       (master->prepared == PREPARED_ALL && master->next_options.accept == CLUSTER_ACCEPT_REUSEPORT);
}

int slots_resize(struct master *master, unsigned count)
{
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
		happen(master->slots[i], i < count && !master->slots[i]->disabled ? SLOT_WANT : SLOT_UNWANT);
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
