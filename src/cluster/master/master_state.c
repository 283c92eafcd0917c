/* SPDX-License-Identifier: MIT
 *
 * What one version of the master leaves to another (saved.h): everything that lives on across the exec, which
 * happens while no roll runs. Descriptors keep their numbers. master_restore.c reads it. Master only. */
#include "cluster/master/master.h"

#include "brood/channel.h"
#include "cluster/upgrade/saved.h"
#include "cluster/upgrade/state_record.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>

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
	saved.tag = listener->tag;
	saved.device = listener->device;
	saved.inode = listener->inode;
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
		.no_page = -1,
		.timer_ms = left_ms(slot->timer),
		.adopter = slot->adopter ? slot->adopter->index + 1 : 0,
		.ready_once = slot->ready_once,
		.drained = slot->drained,
		.unserved_since_ms = slot->unserved_since_ms,
		.lead = slot->lead ? slot->lead->serial : 0,
		.next = slot->next ? slot->next->serial : 0,
	};

	for (int i = 0; i < BOARD_RECORDS; i++)
		saved.records[i] = state_keep_fd(writer, master->boards[slot->index].fds[i]);
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
		.channel = instance->channel ? state_keep_fd(writer, brood_channel_fd(instance->channel)) : -1,
		.killed = instance->killed != NULL,
		.stopped = instance->stopped,
		.handed_over = instance->handed_over,
		.limit_requests = instance->limits.requests,
		.limit_memory_bytes = instance->limits.memory_bytes,
		.limit_age_ms = instance->limits.age_ms,
		.heartbeat = instance->watchdog.heartbeat,
		.watched_since_ms = instance->watchdog.since_ms,
		.watchdog = instance->watchdog.phase,
		.watched = instance->watchdog.looked,
	};

	_Static_assert(sizeof(saved.givers) == sizeof(instance->givers), "all of them");
	memcpy(saved.givers, instance->givers, sizeof(saved.givers));
	if (instance->killed)
		snprintf(saved.why, sizeof(saved.why), "%s", instance->killed);
	state_put(writer, STATE_INSTANCE, &saved, sizeof(saved));
	obituary_save_hang(instance, writer);
}

static void save_closer(const struct closer *closer, struct state_writer *writer)
{
	struct saved_closer saved;

	if (!closer_save(closer, &saved))
		return;
	state_keep_fd(writer, saved.send);
	state_keep_fd(writer, saved.receive);
	state_put(writer, STATE_CLOSER, &saved, sizeof(saved));
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
		.choose_cursor = master->choose_cursor,
	};

	state_put(writer, STATE_SELF, &self, sizeof(self));
	logger_save(master, writer);
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
	save_closer(&master->closer, writer);
}
