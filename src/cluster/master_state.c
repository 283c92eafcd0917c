/* SPDX-License-Identifier: MIT
 *
 * What one version of the master leaves to another: everything that lives on across the exec, which
 * happens while no roll runs. Descriptors keep their numbers. Master only. */
#include "cluster/master.h"

#include "base/fd.h"
#include "brood/channel.h"
#include "cluster/state_record.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

/* Members are only ever added, at the end: see state_record.h. */
struct saved_self {
	uint32_t accept, slot_count, configured_workers;
	uint32_t generation, next_generation, last_listener;
	uint64_t last_serial, last_transfer, started_ms;
	uint32_t place_cursor, unused;
};

struct saved_listener {
	uint32_t id, backlog, unix_mode;
	uint8_t growable, unlink_path, now, unused;
	struct address wish, address;
};

/* Of the listener in front of it. */
struct saved_socket {
	int32_t fd;
};

struct saved_slot {
	uint32_t index, state, early_deaths, restarts;
	int32_t page;
	uint32_t timer_ms, adopter; /* adopter: its index + 1 */
	uint8_t ready_once, drained, unused[2];
	uint64_t unserved_since_ms, lead, next; /* these: serials */
};

struct saved_instance {
	uint64_t serial, started_ms, ready_ms, given, refused;
	uint32_t slot, generation, accept, sockets, phase, timer_ms;
	int32_t pid, record, channel;
	uint8_t killed, stopped, handed_over, unused;
};

struct saved_transfer {
	uint64_t id, since_ms, giver, giver_id, taker; /* taker: a serial; 0: it waits */
	int32_t fd;
	uint32_t listener, state_size, unused;
};

/* --- saving --- */

static uint32_t left_ms(struct event *timer)
{
	struct timeval due, now, left;

	if (!event_pending(timer, EV_TIMEOUT, &due))
		return 0;
	evutil_gettimeofday(&now, NULL);
	if (evutil_timercmp(&due, &now, <))
		return 1;
	evutil_timersub(&due, &now, &left);
	return (uint32_t)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
}

static void save_listener(const struct listener *listener, struct state_writer *writer)
{
	struct saved_listener saved;

	memset(&saved, 0, sizeof(saved));
	saved.id = listener->id;
	saved.backlog = (uint32_t)listener->backlog;
	saved.unix_mode = listener->unix_mode;
	saved.growable = listener->growable;
	saved.unlink_path = listener->unlink_path;
	saved.now = listener->now;
	saved.wish = listener->wish;
	saved.address = listener->address;
	state_put(writer, STATE_LISTENER, &saved, sizeof(saved));
	for (unsigned i = 0; i < listener->count; i++) {
		struct saved_socket one = {.fd = state_keep_fd(writer, listener->sockets[i])};

		state_put(writer, STATE_SOCKET, &one, sizeof(one));
	}
}

static void save_slot(const struct master *master, const struct slot *slot, struct state_writer *writer)
{
	struct saved_slot saved = {
		.index = slot->index,
		.state = slot->state,
		.early_deaths = slot->backoff.early_deaths,
		.restarts = slot->restarts,
		.page = state_keep_fd(writer, master->boards[slot->index].fd),
		.timer_ms = left_ms(slot->timer),
		.adopter = slot->adopter ? slot->adopter->index + 1 : 0,
		.ready_once = slot->ready_once,
		.drained = slot->drained,
		.unserved_since_ms = slot->unserved_since_ms,
		.lead = slot->lead ? slot->lead->serial : 0,
		.next = slot->next ? slot->next->serial : 0,
	};

	state_put(writer, STATE_SLOT, &saved, sizeof(saved));
}

static void save_transfers(const struct list *transfers, uint64_t taker, struct state_writer *writer)
{
	for (const struct list *at = transfers->next; at != transfers; at = at->next) {
		const struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);
		struct saved_transfer saved = {
			.id = transfer->id,
			.since_ms = transfer->since_ms,
			.giver = transfer->giver,
			.giver_id = transfer->giver_id,
			.taker = taker,
			.fd = state_keep_fd(writer, transfer->fd),
			.listener = transfer->listener,
			.state_size = transfer->state_size,
		};

		state_put(writer, STATE_TRANSFER, &saved, sizeof(saved));
		state_put(writer, STATE_TRANSFER, transfer->state, transfer->state_size);
	}
}

static void save_instance(const struct instance *instance, struct state_writer *writer)
{
	struct saved_instance saved = {
		.serial = instance->serial,
		.started_ms = instance->started_ms,
		.ready_ms = instance->ready_ms,
		.given = instance->target.given,
		.refused = instance->target.refused,
		.slot = instance->slot,
		.generation = instance->generation,
		.accept = instance->accept,
		.sockets = instance->sockets,
		.phase = instance->phase,
		.timer_ms = left_ms(instance->timer),
		.pid = instance->pid,
		.record = instance->record,
		.channel = instance->channel
				   ? state_keep_fd(writer, brood_channel_fd(instance->channel)) : -1,
		.killed = instance->killed != NULL,
		.stopped = instance->stopped,
		.handed_over = instance->handed_over,
	};

	state_put(writer, STATE_INSTANCE, &saved, sizeof(saved));
}

void master_save(const struct master *master, struct state_writer *writer)
{
	const struct saved_self self = {
		.accept = master->options.accept,
		.slot_count = master->slot_count,
		.configured_workers = master->configured_workers,
		.generation = master->generation,
		.next_generation = master->next_generation,
		.last_listener = master->listeners.last_id,
		.last_serial = master->last_serial,
		.last_transfer = master->handoff.last_id,
		.started_ms = master->started_ms,
		.place_cursor = master->place_cursor,
	};

	state_put(writer, STATE_SELF, &self, sizeof(self));
	for (unsigned i = 0; i < master->listeners.count; i++)
		save_listener(&master->listeners.all[i], writer);
	for (unsigned i = 0; i < master->slot_room; i++)
		save_slot(master, master->slots[i], writer);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		save_instance(LIST_ENTRY(at, struct instance, link), writer);
	save_transfers(&master->handoff.waiting, 0, writer);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		const struct instance *instance = LIST_ENTRY(at, struct instance, link);

		save_transfers(&instance->target.unanswered, instance->serial, writer);
	}
	admin_save(master, writer);
}

/* --- restoring: nothing is undone, since a failure ends this image --- */

static int restore_self(struct master *master, const struct state_record *record)
{
	struct saved_self saved;

	state_get(record, &saved, sizeof(saved));
	if (saved.accept > CLUSTER_ACCEPT_REUSEPORT || saved.slot_count > CLUSTER_SLOTS_MAX)
		return -EBADMSG;
	master->options.accept = (enum cluster_accept)saved.accept;
	master->slot_count = saved.slot_count;
	master->configured_workers = saved.configured_workers;
	master->generation = saved.generation;
	master->next_generation = saved.next_generation;
	master->listeners.last_id = saved.last_listener;
	master->last_serial = saved.last_serial;
	master->handoff.last_id = saved.last_transfer;
	master->started_ms = saved.started_ms;
	master->place_cursor = saved.place_cursor;
	master->ready_told = true;
	return 0;
}

static int restore_listener(struct listeners *listeners, const struct state_record *record)
{
	struct listener *all = realloc(listeners->all, (listeners->count + 1) * sizeof(*all));
	struct saved_listener saved;

	if (!all)
		return -ENOMEM;
	listeners->all = all;
	state_get(record, &saved, sizeof(saved));
	all[listeners->count++] = (struct listener){
		.id = saved.id,
		.wish = saved.wish,
		.address = saved.address,
		.backlog = (int)saved.backlog,
		.next_backlog = (int)saved.backlog,
		.unix_mode = saved.unix_mode,
		.growable = saved.growable,
		.unlink_path = saved.unlink_path,
		.now = saved.now,
	};
	return 0;
}

static int restore_socket(struct listeners *listeners, const struct state_record *record)
{
	struct saved_socket saved;
	struct listener *listener;
	int *sockets;

	if (listeners->count == 0)
		return -EBADMSG;
	listener = &listeners->all[listeners->count - 1];
	sockets = realloc(listener->sockets, (listener->count + 1) * sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	state_get(record, &saved, sizeof(saved));
	listener->sockets = sockets;
	sockets[listener->count++] = saved.fd;
	return 0;
}

static int restore_slot(struct master *master, const struct state_record *record)
{
	struct saved_slot saved;
	struct slot *slot;
	int error;

	state_get(record, &saved, sizeof(saved));
	if (saved.index != master->slot_room || saved.state >= SLOT_STATES ||
	    saved.index >= CLUSTER_SLOTS_MAX)
		return -EBADMSG;
	error = slot_restore(master, saved.page, saved.timer_ms);
	if (error)
		return error;
	slot = master->slots[saved.index];
	slot->state = (enum slot_state)saved.state;
	slot->backoff.early_deaths = saved.early_deaths;
	slot->restarts = saved.restarts;
	slot->ready_once = saved.ready_once;
	slot->drained = saved.drained;
	slot->unserved_since_ms = saved.unserved_since_ms;
	return 0;
}

static int restore_instance(struct master *master, const struct state_record *record)
{
	struct saved_instance saved;
	struct instance like = {.next = false};

	state_get(record, &saved, sizeof(saved));
	if (saved.slot >= master->slot_room || saved.phase >= INSTANCE_PHASES || saved.pid <= 0 ||
	    saved.record < 0 || saved.record >= BOARD_RECORDS ||
	    saved.accept > CLUSTER_ACCEPT_REUSEPORT)
		return -EBADMSG;
	like.serial = saved.serial;
	like.slot = saved.slot;
	like.generation = saved.generation;
	like.accept = (enum cluster_accept)saved.accept;
	like.sockets = saved.sockets;
	like.pid = saved.pid;
	like.phase = (enum instance_phase)saved.phase;
	like.record = saved.record;
	like.started_ms = saved.started_ms;
	like.ready_ms = saved.ready_ms;
	like.killed = saved.killed ? "ended by the former version of the master" : NULL;
	like.stopped = saved.stopped;
	like.handed_over = saved.handed_over;
	like.target.given = saved.given;
	like.target.refused = saved.refused;
	return instance_restore(master, &like, saved.channel, saved.timer_ms) ? 0 : -ENOMEM;
}

static struct instance *find(const struct master *master, uint64_t serial)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		if (LIST_ENTRY(at, struct instance, link)->serial == serial)
			return LIST_ENTRY(at, struct instance, link);
	return NULL;
}

static int restore_transfer(struct master *master, const struct state_record *record,
			    const struct state_record *state)
{
	struct saved_transfer saved;
	struct transfer like = {.fd = -1};
	struct instance *taker;

	state_get(record, &saved, sizeof(saved));
	taker = saved.taker ? find(master, saved.taker) : NULL;
	if (state->type != STATE_TRANSFER || state->size != saved.state_size ||
	    saved.state_size > HANDOFF_STATE_MAX || (saved.taker && !taker))
		return -EBADMSG;
	like.id = saved.id;
	like.since_ms = saved.since_ms;
	like.fd = saved.fd;
	like.listener = saved.listener;
	like.state = (void *)state->data;
	like.state_size = saved.state_size;
	like.giver = saved.giver;
	like.giver_id = saved.giver_id;
	if (!handoff_restore(&master->handoff, taker ? &taker->target : NULL, &like))
		return -ENOMEM;
	spread_count_given(master, &like, 1);
	return 0;
}

/* Once all workers are there. */
static int link_slot(struct master *master, const struct state_record *record)
{
	struct saved_slot saved;
	struct slot *slot;

	state_get(record, &saved, sizeof(saved));
	slot = master->slots[saved.index];
	slot->lead = saved.lead ? find(master, saved.lead) : NULL;
	slot->next = saved.next ? find(master, saved.next) : NULL;
	if ((saved.lead && !slot->lead) || (saved.next && !slot->next) ||
	    saved.adopter > master->slot_room ||
	    ((slot->state == SLOT_SERVING || slot->state == SLOT_STARTING) && !slot->lead))
		return -EBADMSG;
	slot->adopter = saved.adopter ? master->slots[saved.adopter - 1] : NULL;
	return 0;
}

static int restore_one(struct master *master, struct state_reader *reader,
		       const struct state_record *record)
{
	struct state_record state;

	switch (record->type) {
	case STATE_SELF:
		return restore_self(master, record);
	case STATE_LISTENER:
		return restore_listener(&master->listeners, record);
	case STATE_SOCKET:
		return restore_socket(&master->listeners, record);
	case STATE_SLOT:
		return restore_slot(master, record);
	case STATE_INSTANCE:
		return restore_instance(master, record);
	case STATE_TRANSFER:
		return state_next(reader, &state) ? restore_transfer(master, record, &state) : -EBADMSG;
	case STATE_ADMIN:
		return admin_restore(master, record);
	case STATE_PENDING:
		admin_restore_pending(master, record);
		return 0;
	default: /* the program's; or of a later version */
		return 0;
	}
}

int master_restore(struct master *master, const struct state_reader *state)
{
	struct state_reader reader = *state, again = *state;
	struct state_record record;
	int error = 0;

	while (error == 0 && state_next(&reader, &record))
		error = restore_one(master, &reader, &record);
	while (error == 0 && state_next(&again, &record))
		if (record.type == STATE_SLOT)
			error = link_slot(master, &record);
	if (error == 0 && (master->slot_count == 0 || master->slot_count > master->slot_room))
		error = -EBADMSG;
	return error;
}
