/* SPDX-License-Identifier: MIT
 *
 * What one version of the master leaves to another (upgrade_master.h): everything that lives on across the exec, which
 * happens while no roll runs. Descriptors keep their numbers. restore.c reads it. Master only. */
#include "cluster/master/save.h"

#include "brood/channel.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/adopt.h"
#include "cluster/master/common.h"
#include "cluster/master/listeners_saved.h"
#include "cluster/master/obituaries.h"
#include "cluster/master/pending.h"
#include "cluster/master/worker_process.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

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

static void save_slot(const struct master *master, const struct slot *slot, struct upgrade_writer *writer)
{
	const struct slot *adopter = adopt_adopter(slot);
	struct upgrade_slot saved = {
		.index = slot->index,
		.state = slot->state,
		.early_deaths = slot->backoff.early_deaths,
		.restarts = slot->restarts,
		.no_page = -1,
		.timer_ms = left_ms(slot->timer),
		.adopter = adopter ? adopter->index + 1 : 0,
		.ready_once = slot->ready_once,
		.disabled = slot->disabled,
		.unserved_since_ms = slot->unserved_since_ms,
		.current = slot->current ? slot->current->serial : 0,
		.successor = slot->successor ? slot->successor->serial : 0,
	};

	for (int i = 0; i < BOARD_RECORDS; i++)
		saved.records[i] = upgrade_keep_fd(writer, master->boards[slot->index].fds[i]);
	upgrade_put(writer, RECORD_SLOT, &saved, sizeof(saved));
}

static void save_transfers(const struct list *transfers, uint64_t taker, struct upgrade_writer *writer)
{
	for (const struct list *at = transfers->next; at != transfers; at = at->next) {
		const struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);
		struct upgrade_transfer saved = {
			.id = transfer->id,
			.since_ms = transfer->since_ms,
			.giver = transfer->giver,
			.giver_id = transfer->giver_id,
			.taker = taker,
			.fd = upgrade_keep_fd(writer, transfer->fd),
			.listener = transfer->listener,
			.state_size = transfer->state_size,
		};

		upgrade_put(writer, RECORD_TRANSFER, &saved, sizeof(saved));
		upgrade_put(writer, RECORD_TRANSFER, transfer->state, transfer->state_size);
	}
}

static void save_worker(const struct worker_process *worker, struct upgrade_writer *writer)
{
	struct upgrade_worker saved = {
		.serial = worker->serial,
		.started_ms = worker->started_ms,
		.ready_ms = worker->ready_ms,
		.given = worker->target.given,
		.refused = worker->target.refused,
		.slot = worker->slot,
		.generation = worker->generation,
		.accept = worker->accept,
		.sockets = worker->sockets,
		.phase = worker->phase,
		.timer_ms = left_ms(worker->timer),
		.pid = worker->pid,
		.record = worker->record,
		.channel = worker->channel ? upgrade_keep_fd(writer, brood_channel_fd(worker->channel)) : -1,
		.killed = worker->killed != KILL_NOT,
		.stopped = worker->life == WORKER_STANDS_STILL,
		.handed_over = worker->handed_over,
		.limit_requests = worker->limits.requests,
		.limit_memory_bytes = worker->limits.memory_bytes,
		.limit_age_ms = worker->limits.age_ms,
		.heartbeat = worker->watchdog.heartbeat,
		.watched_since_ms = worker->watchdog.since_ms,
		.watchdog = worker->watchdog.phase,
		.watched = worker->watchdog.looked,
	};

	_Static_assert(sizeof(saved.givers) == sizeof(worker->givers), "all of them");
	memcpy(saved.givers, worker->givers, sizeof(saved.givers));
	snprintf(saved.why, sizeof(saved.why), "%s", worker_process_why_killed(worker));
	upgrade_put(writer, RECORD_WORKER, &saved, sizeof(saved));
	obituary_save_hang(worker, writer);
}

static void save_closer(const struct closer *closer, struct upgrade_writer *writer)
{
	struct upgrade_closer saved;

	if (!closer_save(closer, &saved))
		return;
	upgrade_keep_fd(writer, saved.send);
	upgrade_keep_fd(writer, saved.receive);
	upgrade_put(writer, RECORD_CLOSER, &saved, sizeof(saved));
}

void master_save(const struct master *master, struct upgrade_writer *writer)
{
	const struct upgrade_self self = {
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

	upgrade_put(writer, RECORD_SELF, &self, sizeof(self));
	logger_save(master, writer);
	for (unsigned i = 0; i < master->listeners.count; i++)
		listener_save(&master->listeners.all[i], writer);
	for (unsigned i = 0; i < master->slot_room; i++)
		save_slot(master, master->slots[i], writer);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		save_worker(worker, writer);
	save_transfers(&master->handoff.waiting, 0, writer);
	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		save_transfers(&worker->target.unanswered, worker->serial, writer);
	admin_save(master, writer);
	pending_save(master, writer);
	save_closer(&master->closer, writer);
}
