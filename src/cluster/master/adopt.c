/* SPDX-License-Identifier: MIT
 *
 * Finding somebody to accept on the sockets of a slot that is not served (mode reuseport). Master only. */
#include "cluster/master/adopt.h"

#include "base/clock.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"

_Static_assert((int)CLUSTER_LISTEN_MAX <= (int)MESSAGE_BATCH, "one message for all of a slot");

enum { ORPHAN_MS = 100 }; /* a slot without a worker for so long has its sockets adopted */

static unsigned adoptions_of(const struct master *master, const struct slot *adopter)
{
	unsigned count = 0;

	for (unsigned i = 0; i < master->slot_room; i++)
		count += master->slots[i]->adopter == adopter->current->serial;
	return count;
}

static struct slot *find_adopter(const struct master *master, uint64_t now_ms)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < master->slot_count; i++) {
		struct slot *slot = master->slots[i];

		if (slot_is_alive(slot, now_ms) && (!best || adoptions_of(master, slot) < adoptions_of(master, best)))
			best = slot;
	}
	return best;
}

/* One that is not the current one of its slot any more accepts nothing. */
struct slot *adopt_adopter(const struct slot *slot)
{
	struct worker_process *adopter = slot->adopter ? worker_process_find(slot->master, slot->adopter) : NULL;
	struct slot *its = adopter ? slot->master->slots[adopter->slot] : NULL;

	return its && its->current == adopter ? its : NULL;
}

static void tell(struct slot *adopter, struct slot *slot, enum message_type type)
{
	struct message_sockets message = {.slot = slot->index};
	int fds[MESSAGE_BATCH];
	struct brood_frame frame = {.type = type, .data = &message, .size = sizeof(message), .fds = fds};

	if (!adopter->current->channel)
		return;
	if (type == MESSAGE_ADOPT) {
		message.count = (uint32_t)listeners_of_group(&slot->master->listeners, slot->index, fds,
							     message.listeners, MESSAGE_BATCH);
		frame.fd_count = message.count;
	}
	if (brood_channel_send(adopter->current->channel, &frame) == 0)
		slot->adopter = type == MESSAGE_ADOPT ? adopter->current->serial : 0;
}

void adopt_release(struct slot *slot)
{
	struct slot *adopter = adopt_adopter(slot);

	slot->adopter = 0;
	if (adopter)
		tell(adopter, slot, MESSAGE_RELEASE);
}

/* Does this slot's worker accept on the sockets with that number, since its birth? */
static bool covers(const struct slot *slot, unsigned socket)
{
	if (slot->current->accept == CLUSTER_ACCEPT_REUSEPORT)
		return slot->index == socket;
	return slot->current->accept == CLUSTER_ACCEPT_SHARED && slot->current->sockets > socket;
}

static bool is_covered(const struct master *master, unsigned socket, uint64_t now_ms)
{
	for (unsigned i = 0; i < master->slot_count; i++)
		if (slot_is_alive(master->slots[i], now_ms) && covers(master->slots[i], socket))
			return true;
	return false;
}

/* Is its next worker likely to be there in a moment? */
static bool is_awaited(const struct master *master, const struct slot *slot)
{
	return slot->index < master->slot_count && !slot->disabled && slot->state != SLOT_SERVING;
}

void adopt_follow(struct master *master, uint64_t now_ms)
{
	unsigned sockets = listeners_sockets(&master->listeners);

	if (master->acceptor || sockets < 2)
		return; /* the master accepts on all of them; or there is only one, which all have */
	for (unsigned i = 0; i < sockets && i < master->slot_room; i++) {
		struct slot *slot = master->slots[i], *adopter;

		if (is_covered(master, i, now_ms)) {
			adopt_release(slot);
			continue;
		}
		adopter = adopt_adopter(slot);
		if (adopter && !slot_is_alive(adopter, now_ms)) {
			adopt_release(slot); /* it needs help itself */
			adopter = NULL;
		}
		if (adopter || (is_awaited(master, slot) && now_ms - slot->unserved_since_ms < ORPHAN_MS))
			continue;
		adopter = find_adopter(master, now_ms);
		if (adopter) {
			log_debug("slot %u accepts for slot %u", adopter->index, i);
			tell(adopter, slot, MESSAGE_ADOPT);
		}
	}
}

void adopt_anew(struct master *master)
{
	for (unsigned i = 0; i < master->slot_room; i++)
		adopt_release(master->slots[i]);
	adopt_follow(master, clock_now_ms());
}
