/* SPDX-License-Identifier: MIT
 *
 * Who gets the connections: handing them out (mode handoff), and finding somebody to accept on the
 * sockets of a slot that is not served (mode reuseport). Master only. */
#include "cluster/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/message.h"
#include "cluster/place.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert((int)CLUSTER_LISTEN_MAX <= (int)MESSAGE_BATCH, "one message for all of a slot");

enum {
	NOBODY_MS = 20,   /* pause while no worker can take a connection */
	ORPHAN_MS = 100,  /* a slot without a worker for so long has its sockets adopted */
};

/* --- handing out --- */

static uint64_t load_of(const struct instance *instance)
{
	const struct handoff_target *target = &instance->target;
	uint64_t sent = target->given + target->outgoing_count;
	uint64_t done = target->refused + board_load64(&instance_record(instance)->closed);

	return sent > done ? sent - done : 0;
}

static bool is_alive(const struct slot *slot, uint64_t now_ms)
{
	return slot->state == SLOT_SERVING && slot->lead && !slot->lead->stopped &&
	       board_is_fresh(instance_record(slot->lead), now_ms);
}

/* When the server stops, what it has accepted goes to any worker that is there: one that stands still
 * may go on in time, and nobody else will come. */
static bool can_take(const struct master *master, const struct slot *slot, uint64_t now_ms)
{
	const struct handoff_target *target;

	if (master->state == MASTER_RUNNING)
		return is_alive(slot, now_ms) &&
		       handoff_target_has_room(&slot->lead->target, now_ms);
	if (slot->state != SLOT_SERVING || !slot->lead)
		return false;
	target = &slot->lead->target;
	return target->channel && !target->stuck &&
	       target->unanswered_count + target->outgoing_count < HANDOFF_UNANSWERED_MAX;
}

static int find_target(struct master *master, unsigned *cursor)
{
	struct place_candidate candidates[CLUSTER_SLOTS_MAX];
	unsigned most = master->options.max_connections;
	uint64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < master->slot_count; i++) {
		const struct slot *slot = master->slots[i];
		uint64_t load;

		candidates[i].eligible = can_take(master, slot, now_ms);
		if (!candidates[i].eligible)
			continue;
		load = load_of(slot->lead);
		candidates[i].load = load < UINT32_MAX ? (unsigned)load : UINT32_MAX;
		candidates[i].eligible = most == 0 || load < most;
	}
	return place_choose(master->options.policy, candidates, master->slot_count, cursor);
}

static struct handoff_target *choose(void *context)
{
	struct master *master = context;
	int slot = find_target(master, &master->place_cursor);

	return slot < 0 ? NULL : &master->slots[slot]->lead->target;
}

/* Those that could not be sent something may be tried again. */
static void unstick(struct master *master)
{
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->lead)
			master->slots[i]->lead->target.stuck = false;
}

static enum acceptor_verdict may_accept(void *context, bool after_pause, unsigned *pause_ms)
{
	struct master *master = context;
	unsigned cursor = master->place_cursor;

	if (after_pause)
		unstick(master);
	/* There is no pause at the end: what is still queued is accepted in one go. */
	if (after_pause || (master->state != MASTER_RUNNING &&
			    master->handoff.waiting_count >= MESSAGE_BATCH))
		handoff_flush(&master->handoff);
	*pause_ms = NOBODY_MS;
	/* What was accepted in this batch is not placed yet, but counted: see HANDOFF_UNANSWERED_MAX. */
	return find_target(master, &cursor) < 0 || master->handoff.waiting_count >= MESSAGE_BATCH
		       ? ACCEPTOR_PAUSE
		       : ACCEPTOR_GO_ON;
}

static void accepted(void *context, int fd, unsigned listener, bool scarce)
{
	struct master *master = context;

	(void)scarce; /* the worker that gets it is not short of descriptors */
	handoff_offer(&master->handoff, fd, listener);
}

static void settled(void *context)
{
	struct master *master = context;

	handoff_flush(&master->handoff);
}

static const struct acceptor_handlers handlers = {
	.may_accept = may_accept,
	.accepted = accepted,
	.settled = settled,
};

int spread_open(struct master *master)
{
	int error = 0;

	handoff_init(&master->handoff, choose, master);
	if (master->accept != CLUSTER_ACCEPT_HANDOFF)
		return 0;
	master->acceptor = acceptor_new(master->base, &handlers, master);
	if (!master->acceptor)
		return -ENOMEM;
	for (unsigned i = 0; i < master->listeners.count && error == 0; i++) {
		struct listener *listener = &master->listeners.all[i];

		error = acceptor_add(master->acceptor, listener->sockets[0], i, 0);
		listener->sockets[0] = -1; /* the acceptor's now */
	}
	return error;
}

void spread_close(struct master *master)
{
	acceptor_free(master->acceptor);
	master->acceptor = NULL;
	handoff_free(&master->handoff);
}

void spread_resume(struct master *master)
{
	handoff_flush(&master->handoff);
	if (master->acceptor)
		acceptor_resume(master->acceptor);
}

void spread_retry(struct master *master)
{
	unstick(master);
	handoff_flush(&master->handoff);
}

void spread_drain(struct master *master)
{
	if (!master->acceptor)
		return;
	unstick(master);
	acceptor_drain(master->acceptor);
	acceptor_free(master->acceptor);
	master->acceptor = NULL;
}

/* --- adopting --- */

static unsigned adoptions_of(const struct master *master, const struct slot *adopter)
{
	unsigned count = 0;

	for (unsigned i = 0; i < master->slot_room; i++)
		count += master->slots[i]->adopter == adopter;
	return count;
}

static struct slot *find_adopter(const struct master *master, uint64_t now_ms)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < master->slot_count; i++) {
		struct slot *slot = master->slots[i];

		if (is_alive(slot, now_ms) &&
		    (!best || adoptions_of(master, slot) < adoptions_of(master, best)))
			best = slot;
	}
	return best;
}

static void tell(struct slot *adopter, struct slot *slot, enum message_type type)
{
	struct message_sockets message = {.slot = slot->index};
	int fds[MESSAGE_BATCH];
	struct brood_frame frame = {
		.type = type, .data = &message, .size = sizeof(message), .fds = fds};

	if (!adopter->lead || !adopter->lead->channel)
		return;
	if (type == MESSAGE_ADOPT) {
		message.count = (uint32_t)listeners_only_of_slot(&slot->master->listeners, slot->index,
								 fds, message.listeners, MESSAGE_BATCH);
		frame.fd_count = message.count;
	}
	if (brood_channel_send(adopter->lead->channel, &frame) == 0)
		slot->adopter = type == MESSAGE_ADOPT ? adopter : NULL;
}

void spread_release(struct slot *slot)
{
	struct slot *adopter = slot->adopter;

	if (!adopter)
		return;
	slot->adopter = NULL;
	tell(adopter, slot, MESSAGE_RELEASE);
}

void spread_forget_adopter(struct master *master, const struct slot *adopter)
{
	for (unsigned i = 0; i < master->slot_room; i++)
		if (master->slots[i]->adopter == adopter)
			master->slots[i]->adopter = NULL;
}

void spread_adopt(struct master *master, uint64_t now_ms)
{
	if (master->accept != CLUSTER_ACCEPT_REUSEPORT)
		return;
	for (unsigned i = 0; i < master->slot_room; i++) {
		struct slot *slot = master->slots[i], *adopter;

		if (is_alive(slot, now_ms)) {
			spread_release(slot);
			continue;
		}
		if (slot->adopter && !is_alive(slot->adopter, now_ms))
			spread_release(slot); /* the adopter needs help itself */
		if (slot->adopter ||
		    (slot->state != SLOT_SERVING && now_ms - slot->unserved_since_ms < ORPHAN_MS))
			continue;
		adopter = find_adopter(master, now_ms);
		if (adopter) {
			log_debug("slot %u accepts for slot %u", adopter->index, i);
			tell(adopter, slot, MESSAGE_ADOPT);
		}
	}
}

/* --- balancing --- */

void spread_show_board(struct master *master, unsigned slot)
{
	struct message_board message = {.slot = slot};
	int fd;
	struct brood_frame frame = {.type = MESSAGE_BOARD,
				    .data = &message,
				    .size = sizeof(message),
				    .fds = &fd,
				    .fd_count = 1};

	if (master->accept != CLUSTER_ACCEPT_SHARED || list_empty(&master->instances))
		return;
	fd = board_open_readonly(&master->boards[slot]);
	if (fd < 0)
		return; /* they go on with the mean of those that they know */
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->channel && brood_channel_send(instance->channel, &frame) < 0)
			log_debug("worker %u was not told of slot %u", instance->slot, slot);
	}
	fd_close(&fd);
}
