/* SPDX-License-Identifier: MIT
 *
 * Who gets the connections that the master hands out: new ones (mode handoff), and those that move. Master
 * only. */
#include "cluster/master/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/master/slots.h"
#include "cluster/master/suspects.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/choose_worker.h"
#include "cluster/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	NOBODY_MS = 20,        /* pause while no worker can take a connection */
	NOBODY_CAN_MS = 1000,  /* nobody took it for so long: back to the worker that gave it */
	NOBODY_EVER_MS = 5000, /* that one is gone, and those that are there refuse it: given up */
	ANOTHER_MS = 250,      /* a connection that moves waits no longer for a worker that has fewer */
	UNEVEN_MAX = 16,       /* connections more than another one has, which may be given more in a moment */
};

/* --- handing out --- */

/* What it holds, and what is on its way to it. The worker counts what it takes on the board before it
 * says so, so that nothing counts twice or not at all; and no lie makes more be on its way than is. */
static uint64_t load_of(const struct worker_process *worker)
{
	const struct board_record *record = worker_process_record(worker);
	const struct handoff_target *target = &worker->target;
	uint64_t sent = target->given + target->outgoing_count;
	uint64_t settled = target->refused + board_load64(&record->taken);

	uint64_t coming = sent > settled ? sent - settled : 0;
	uint64_t most = target->unanswered_count + target->outgoing_count;

	return board_connections(record) + (coming < most ? coming : most);
}

/* When the server stops, what it has accepted goes to any worker that is there: one that stands still
 * may go on in time, and nobody else will come. */
static bool can_take(const struct master *master, const struct slot *slot, uint64_t now_ms)
{
	const struct handoff_target *target;

	if (master->state == MASTER_RUNNING)
		return slot_is_alive(slot, now_ms) && handoff_target_has_room(&slot->current->target, now_ms);
	if (slot->state != SLOT_SERVING || !slot->current || slot->current->killed != KILL_NOT)
		return false;
	target = &slot->current->target;
	return target->channel && !target->stuck &&
	       target->unanswered_count + target->outgoing_count < HANDOFF_UNANSWERED_MAX;
}

static bool is_below_most(const struct master *master, const struct worker_process *current)
{
	unsigned most = master->options.max_connections;

	return most == 0 || load_of(current) < most;
}

/* It is full, and has idle connections, one of which would give way: as the worker itself decides. */
static bool gives_way(const struct master *master, const struct slot *slot, uint64_t now_ms)
{
	return can_take(master, slot, now_ms) &&
	       load_of(slot->current) < (uint64_t)master->options.max_connections +
						board_figures(worker_process_record(slot->current)).idle;
}

static bool is_eligible(const struct master *master, const struct slot *slot, uint64_t now_ms)
{
	return can_take(master, slot, now_ms) && is_below_most(master, slot->current);
}

/* Is it only for having been sent so much in this moment that it cannot be given more? */
static bool is_just_busy(const struct master *master, const struct slot *slot, uint64_t now_ms)
{
	return master->state == MASTER_RUNNING && slot_is_alive(slot, now_ms) &&
	       handoff_target_is_full(&slot->current->target, now_ms) && is_below_most(master, slot->current);
}

/* A connection that has moved once should not have to move again in the same roll, so it goes to a
 * worker of the kind that the roll leads to, if there is one already. On the way back it goes to any:
 * there may be only one left of the old kind, which must not get them all. */
static bool some_are_final(const struct master *master, uint64_t now_ms)
{
	for (unsigned i = 0; i < master->slot_count && master->roll.phase == ROLL_FORWARD; i++)
		if (is_eligible(master, master->slots[i], now_ms) && master->slots[i]->current->next_kind)
			return true;
	return false;
}

/* Many connections at once fill what may be on its way to the one that has the fewest: then the others
 * must not get all the rest. Better wait for its answers, which come within its turn of the loop. */
static bool wait_for_another(const struct master *master, bool choosy, unsigned load, uint64_t now_ms)
{
	for (unsigned i = 0; i < master->slot_count; i++) {
		const struct slot *slot = master->slots[i];

		if (is_just_busy(master, slot, now_ms) && (!choosy || slot->current->next_kind) &&
		    load_of(slot->current) + UNEVEN_MAX < load)
			return true;
	}
	return false;
}

/* For a new connection while all are full: the one with the fewest that are busy. */
static int find_giving_way(const struct master *master, unsigned *cursor)
{
	struct worker_candidate candidates[CLUSTER_SLOTS_MAX];
	uint64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < master->slot_count; i++) {
		const struct slot *slot = master->slots[i];
		uint64_t load, idle;

		candidates[i].eligible = gives_way(master, slot, now_ms);
		if (!candidates[i].eligible)
			continue;
		load = load_of(slot->current);
		idle = board_figures(worker_process_record(slot->current)).idle;
		candidates[i].load = load > idle ? (unsigned)(load - idle) : 0;
	}
	return choose_worker(CLUSTER_LEAST_CONNECTIONS, candidates, master->slot_count, cursor);
}

static int find_target(struct master *master, bool has_moved, bool patient, unsigned *cursor)
{
	struct worker_candidate candidates[CLUSTER_SLOTS_MAX];
	uint64_t now_ms = clock_now_ms();
	bool choosy = has_moved && some_are_final(master, now_ms);
	int slot_found;

	for (unsigned i = 0; i < master->slot_count; i++) {
		const struct slot *slot = master->slots[i];
		uint64_t load;

		candidates[i].eligible = is_eligible(master, slot, now_ms) && (!choosy || slot->current->next_kind);
		if (!candidates[i].eligible)
			continue;
		load = load_of(slot->current);
		candidates[i].load = load < UINT32_MAX ? (unsigned)load : UINT32_MAX;
	}
	slot_found = choose_worker(has_moved ? CLUSTER_LEAST_CONNECTIONS : master->options.policy, candidates,
				   master->slot_count, cursor);
	if (!has_moved && slot_found < 0)
		return find_giving_way(master, cursor);
	if (patient && slot_found >= 0 && wait_for_another(master, choosy, candidates[slot_found].load, now_ms))
		return -1;
	return slot_found;
}

static struct handoff_target *choose(void *context, const struct transfer *transfer)
{
	struct master *master = context;
	bool has_moved = transfer->state != NULL;
	bool patient = has_moved && clock_now_ms() - transfer->offered_ms < ANOTHER_MS;
	int slot = find_target(master, has_moved, patient, &master->choose_cursor);
	struct worker_process *current;

	if (slot < 0)
		return NULL;
	current = master->slots[slot]->current;
	current->target.id = current->serial;
	if (transfer->giver)
		suspects_note(current, transfer->giver);
	if (transfer->refuser)
		suspects_note(current, transfer->refuser);
	return &current->target;
}

/* Tells the worker that gave a connection, if it still lives, what became of it. */
static bool tell_giver(struct master *master, const struct transfer *transfer, enum message_type type)
{
	struct worker_process *giver = transfer->giver ? worker_process_find(master, transfer->giver) : NULL;
	struct handoff_item item = {.id = transfer->giver_id};

	return giver && giver->channel && handoff_reply(giver->channel, type, &item, 1) == 0;
}

void dispatch_count_given(struct master *master, const struct transfer *transfer, int by)
{
	struct worker_process *giver = transfer->giver ? worker_process_find(master, transfer->giver) : NULL;

	if (giver)
		giver->given_away += (unsigned)by;
}

static void on_taken(void *context, const struct transfer *transfer)
{
	dispatch_count_given(context, transfer, -1);
	if (transfer->giver && !tell_giver(context, transfer, MESSAGE_TAKEN))
		log_debug("a worker that gave a connection has gone meanwhile");
}

/* Back to who gave it; a new one has nobody else. */
static void on_unsendable(void *context, struct transfer *transfer, int error)
{
	struct master *master = context;

	log_warn("a connection cannot be passed on: %s; it %s", strerror(-error),
		 transfer->giver ? "goes back" : "is closed");
	dispatch_count_given(master, transfer, -1);
	if (transfer->giver && !tell_giver(master, transfer, MESSAGE_REFUSED))
		log_debug("the worker that gave it has gone meanwhile");
}

static void discard(void *context, int fd)
{
	master_discard(context, fd);
}

static const struct handoff_rules rules = {
	.choose = choose, .taken = on_taken, .unsendable = on_unsendable, .discard = discard};

/* Those that could not be sent something may be tried again. */
static void unstick(struct master *master)
{
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->current)
			master->slots[i]->current->target.stuck = false;
}

static enum acceptor_verdict may_accept(void *context, bool after_pause, unsigned *pause_ms)
{
	struct master *master = context;
	unsigned cursor = master->choose_cursor;

	if (after_pause) {
		unstick(master);
		handoff_flush(&master->handoff, MESSAGE_CONNECTIONS);
	}
	*pause_ms = NOBODY_MS;
	/* What was accepted in this batch is not placed yet, but counted: see HANDOFF_UNANSWERED_MAX. */
	return find_target(master, false, false, &cursor) < 0 || master->handoff.waiting_count >= MESSAGE_BATCH ||
			       closer_is_crowded(&master->closer)
		       ? ACCEPTOR_PAUSE
		       : ACCEPTOR_GO_ON;
}

static void accepted(void *context, int fd, unsigned listener, bool scarce)
{
	struct master *master = context;

	(void)scarce; /* the worker that gets it is not short of descriptors */
	if (!handoff_offer(&master->handoff, fd, listener, NULL, 0))
		master_discard(master, fd); /* costs this connection, as an accept without memory would */
}

static void settled(void *context)
{
	struct master *master = context;

	handoff_flush(&master->handoff, MESSAGE_CONNECTIONS);
}

static const struct acceptor_handlers handlers = {
	.may_accept = may_accept,
	.accepted = accepted,
	.settled = settled,
	.discard = discard,
};

struct acceptor *dispatch_new_acceptor(struct master *master)
{
	return acceptor_new(master->base, &handlers, master);
}

int dispatch_open(struct master *master)
{
	return handoff_init(&master->handoff, &rules, master);
}

void dispatch_close(struct master *master)
{
	acceptor_free(master->acceptor);
	acceptor_free(master->leaving_acceptor);
	master->acceptor = master->leaving_acceptor = NULL;
	handoff_free(&master->handoff);
}

/* The acceptor gets copies of its own; the sockets stay with their listeners. */
static void listen_on(struct master *master, bool next)
{
	int fds[WORKER_SOCKETS_MAX];
	unsigned ids[WORKER_SOCKETS_MAX];
	size_t count =
		listeners_of_worker(&master->listeners, next, CLUSTER_ACCEPT_HANDOFF, 0, fds, ids, WORKER_SOCKETS_MAX);

	for (size_t i = 0; i < count; i++) {
		int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (copy < 0 || acceptor_add(master->acceptor, copy, ids[i], ids[i]) < 0)
			log_error("cannot accept on a listener: %s", strerror(errno));
	}
}

void dispatch_follow_mode(struct master *master)
{
	bool now = master->options.accept == CLUSTER_ACCEPT_HANDOFF;
	bool next = master->roll.phase == ROLL_FORWARD || master->prepared == PREPARED_ALL
			    ? master->next_options.accept == CLUSTER_ACCEPT_HANDOFF
			    : now;

	acceptor_free(master->acceptor);
	master->acceptor = NULL;
	if (!now && !next)
		return;
	master->acceptor = dispatch_new_acceptor(master);
	if (!master->acceptor) {
		log_error("no memory to accept connections; the next reload tries again");
		return;
	}
	listen_on(master, master->prepared >= PREPARED_SOCKETS);
}

void dispatch_resume(struct master *master)
{
	handoff_flush(&master->handoff, MESSAGE_CONNECTIONS);
	if (master->acceptor)
		acceptor_resume(master->acceptor);
	if (master->leaving_acceptor)
		acceptor_resume(master->leaving_acceptor);
}

/* What a worker must not do that gives connections, or KILL_NOT. */
static enum kill_reason find_wrong(const struct worker_process *giver, const struct brood_frame *frame,
				   const struct handoff_item *items, int count)
{
	if (count < 0)
		return KILL_WRONG_GIFT;
	/* Each keeps a descriptor and memory of ours in use until somebody has taken it. */
	if (giver->given_away + (unsigned)count > HANDOFF_UNANSWERED_MAX)
		return KILL_TOO_MANY_GIFTS;
	if (frame->fd_count != (size_t)count && !frame->fds_lost)
		return KILL_GIFT_WITHOUT_FD;
	/* Whoever takes one without a state takes it for a new one, that nobody had before. */
	for (int i = 0; i < count; i++)
		if (!items[i].state)
			return KILL_GIFT_WITHOUT_STATE;
	return KILL_NOT;
}

enum kill_reason dispatch_given(struct worker_process *giver, struct brood_frame *frame)
{
	struct master *master = giver->master;
	struct handoff_item items[MESSAGE_BATCH];
	int count = handoff_read(frame, items);
	enum kill_reason wrong = find_wrong(giver, frame, items, count);

	if (wrong != KILL_NOT)
		return wrong;
	for (int i = 0; i < count; i++) {
		struct transfer *transfer = NULL;

		if ((size_t)i < frame->fd_count && master->state == MASTER_RUNNING)
			transfer = handoff_offer(&master->handoff, frame->fds[i], items[i].listener, items[i].state,
						 items[i].state_size);
		if (!transfer) { /* no descriptor, no memory, or no future: the giver keeps it */
			if (handoff_reply(giver->channel, MESSAGE_REFUSED, &items[i], 1) < 0)
				log_debug("a worker that gave a connection does not listen");
			continue;
		}
		frame->fds[i] = -1;
		transfer->giver = giver->serial;
		transfer->giver_id = items[i].id;
		giver->given_away++;
	}
	handoff_flush(&master->handoff, MESSAGE_CONNECTIONS);
	return KILL_NOT;
}

static bool is_hopeless(const struct transfer *transfer, uint64_t now_ms)
{
	return transfer->giver && transfer->refused && now_ms - transfer->offered_ms >= NOBODY_EVER_MS;
}

void dispatch_tick(struct master *master, uint64_t now_ms)
{
	struct list kept;
	struct transfer *transfer;

	list_init(&kept);
	/* First of all, since one that is refused whenever it is sent does not wait after a flush. */
	while ((transfer = handoff_take_stale(&master->handoff, now_ms - NOBODY_CAN_MS))) {
		if (tell_giver(master, transfer, MESSAGE_REFUSED)) {
			dispatch_count_given(master, transfer, -1);
			handoff_discard(&master->handoff, transfer);
		} else if (is_hopeless(transfer, now_ms)) {
			log_warn("a connection is closed: its worker is gone, and no other understands it");
			handoff_discard(&master->handoff, transfer);
		} else {
			list_append(&kept, &transfer->link); /* nobody else has it: it waits on */
		}
	}
	while (!list_empty(&kept)) {
		transfer = LIST_ENTRY(kept.next, struct transfer, link);
		handoff_wait(&master->handoff, transfer);
	}
	unstick(master);
	handoff_flush(&master->handoff, MESSAGE_CONNECTIONS);
}

void dispatch_drain(struct master *master)
{
	unstick(master);
	if (master->leaving_acceptor)
		acceptor_take_queued(master->leaving_acceptor);
	if (!master->acceptor)
		return;
	acceptor_take_queued(master->acceptor);
	acceptor_free(master->acceptor);
	master->acceptor = NULL;
}
