/* SPDX-License-Identifier: MIT
 *
 * A master from what an earlier version left (upgrade_master.h). The state comes from ourselves and is whole, but that
 * version may have had a fault, or other ideas: what makes no sense is refused, which ends a trial, or leads
 * back, and must never end the server. Nothing is undone, since a failure ends this image. Master only. */
#include "cluster/master/restore.h"

#include "base/fd.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/listeners_saved.h"
#include "cluster/master/obituaries.h"
#include "cluster/master/pending.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"
#include "cluster/upgrade/fd_claims.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct restoring {
	struct master *master;
	struct upgrade_reader reader;
	struct worker_process *last;      /* the one that was restored last */
	bool self, admin, logger, closer; /* they are there once */
	struct fd_claims claims;
};

/* --- the records, each checked by itself and against those before it --- */

static int restore_self(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct upgrade_self saved;

	upgrade_get(record, &saved, sizeof(saved));
	if (restoring->self || saved.accept > CLUSTER_ACCEPT_REUSEPORT || saved.slot_count == 0 ||
	    saved.slot_count > CLUSTER_SLOTS_MAX || saved.configured_workers == 0 ||
	    saved.configured_workers > CLUSTER_SLOTS_MAX || saved.generation > saved.next_generation)
		return -EBADMSG;
	restoring->self = true;
	master->options.accept = (enum cluster_accept)saved.accept;
	master->slot_count = saved.slot_count;
	master->configured_workers = saved.configured_workers;
	master->generation = saved.generation;
	master->next_generation = saved.next_generation;
	master->listeners.last_id = saved.last_listener;
	master->last_serial = saved.last_serial;
	master->handoff.last_id = saved.last_transfer;
	master->started_ms = saved.started_ms;
	master->choose_cursor = saved.choose_cursor;
	master->ready_told = true;
	return 0;
}

/* Those that are kept must be there. */
static int restore_record(struct restoring *restoring, unsigned slot, int record, int fd)
{
	int error;

	if (fd == -1)
		return record < BOARD_RECORDS_KEPT ? -EBADMSG : 0;
	error = fd_claim(&restoring->claims, fd);
	return error ? error : board_adopt(&restoring->master->boards[slot], record, fd);
}

static int restore_slot(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct upgrade_slot saved;
	struct slot *slot;
	bool waits;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	waits = saved.state == SLOT_BACKOFF || saved.state == SLOT_PARKED;
	if (saved.index != master->slot_room || saved.state >= SLOT_STATES || saved.index >= CLUSTER_SLOTS_MAX ||
	    (waits && saved.timer_ms == 0))
		return -EBADMSG;
	error = slot_restore(master, saved.timer_ms);
	for (int i = 0; i < BOARD_RECORDS && error == 0; i++)
		error = restore_record(restoring, saved.index, i, saved.records[i]);
	if (error)
		return error;
	slot = master->slots[saved.index];
	slot->state = (enum slot_state)saved.state;
	slot->backoff.early_deaths = saved.early_deaths < BACKOFF_PARK_AFTER ? saved.early_deaths : BACKOFF_PARK_AFTER;
	slot->restarts = saved.restarts;
	slot->ready_once = saved.ready_once;
	slot->disabled = saved.disabled;
	slot->unserved_since_ms = saved.unserved_since_ms;
	return 0;
}

/* Two of them would be one process, or write on one record. */
static bool is_another(const struct master *master, const struct upgrade_worker *saved)
{
	for (const struct worker_process *other = first_worker(master); other; other = next_worker(other))
		if (other->serial == saved->serial || other->pid == saved->pid ||
		    (other->slot == saved->slot && other->record == saved->record))
			return false;
	return true;
}

static bool is_sound(const struct master *master, const struct upgrade_worker *saved)
{
	return saved->slot < master->slot_room && saved->phase < WORKER_PHASES && saved->pid > 1 &&
	       saved->pid != getpid() && saved->pid != getppid() && saved->record >= 0 &&
	       saved->record < BOARD_RECORDS && master->boards[saved->slot].cells[saved->record] &&
	       saved->accept <= CLUSTER_ACCEPT_REUSEPORT && saved->watchdog < WATCHDOG_PHASES && saved->serial > 0 &&
	       saved->serial <= master->last_serial && is_another(master, saved);
}

static void set_limits(struct master *master, struct worker_process *worker, const struct upgrade_worker *saved,
		       size_t size)
{
	/* Of a version that did not tell them: as of a new one. */
	if (size <= offsetof(struct upgrade_worker, limit_requests))
		worker->limits = recycle_decide(&master->options.recycle, master_random(master));
	else
		worker->limits = (struct recycle_limits){.requests = saved->limit_requests,
							 .memory_bytes = saved->limit_memory_bytes,
							 .age_ms = saved->limit_age_ms};
}

/* Words that are not ours are kept: they are for people. */
static void set_why(struct worker_process *worker, const struct upgrade_worker *saved)
{
	size_t size = strnlen(saved->why, sizeof(saved->why) - 1);

	if (!saved->killed)
		return;
	memcpy(worker->own_why, saved->why, size);
	worker->killed = kill_reason_of(worker->own_why);
	if (worker->killed != KILL_BY_FORMER)
		worker->own_why[0] = '\0';
}

static int restore_worker(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct worker_process like = {.next_kind = false};
	struct upgrade_worker saved;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	if (!is_sound(master, &saved))
		return -EBADMSG;
	error = fd_claim_channel(&restoring->claims, saved.channel);
	if (error)
		return error;
	like.serial = saved.serial;
	like.slot = saved.slot;
	like.generation = saved.generation;
	like.accept = (enum cluster_accept)saved.accept;
	like.sockets = saved.sockets;
	like.pid = saved.pid;
	like.phase = (enum worker_phase)saved.phase;
	like.record = saved.record;
	like.started_ms = saved.started_ms;
	like.ready_ms = saved.ready_ms;
	like.life = saved.stopped ? WORKER_STANDS_STILL : WORKER_RUNS;
	like.handed_over = saved.handed_over;
	like.target.given = saved.given;
	like.target.refused = saved.refused;
	like.watchdog = (struct watchdog){.phase = (enum watchdog_phase)saved.watchdog,
					  .looked = saved.watched,
					  .heartbeat = saved.heartbeat,
					  .since_ms = saved.watched_since_ms};
	memcpy(like.givers, saved.givers, sizeof(like.givers));
	set_limits(master, &like, &saved, record->size);
	restoring->last = worker_process_restore(master, &like, saved.channel, saved.timer_ms);
	if (!restoring->last)
		return -ENOMEM;
	set_why(restoring->last, &saved);
	return 0;
}

static int restore_transfer(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct transfer like = {.fd = -1};
	struct upgrade_transfer saved;
	struct upgrade_record state;
	struct worker_process *taker;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	taker = saved.taker ? worker_process_find(master, saved.taker) : NULL;
	if (!upgrade_next(&restoring->reader, &state) || state.type != RECORD_TRANSFER ||
	    state.size != saved.state_size || saved.state_size > HANDOFF_STATE_MAX ||
	    (saved.taker && (!taker || taker->target.unanswered_count >= HANDOFF_UNANSWERED_MAX)) || saved.id == 0 ||
	    saved.id > master->handoff.last_id)
		return -EBADMSG;
	error = fd_claim_socket(&restoring->claims, saved.fd, SOCKET_CONNECTION);
	if (error)
		return error;
	like.id = saved.id;
	like.since_ms = saved.since_ms;
	like.fd = saved.fd;
	like.listener = saved.listener;
	like.state = (void *)state.data;
	like.state_size = saved.state_size;
	like.giver = saved.giver;
	like.giver_id = saved.giver_id;
	if (!handoff_restore(&master->handoff, taker ? &taker->target : NULL, &like))
		return -ENOMEM;
	dispatch_count_given(master, &like, 1);
	return 0;
}

/* Can it be one of ours (0: none)? It may be sent a signal. */
static bool is_child(int32_t pid)
{
	return pid == 0 || (pid > 1 && pid != getpid() && pid != getppid());
}

static int restore_admin(struct restoring *restoring, const struct upgrade_record *record)
{
	struct upgrade_admin saved;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	if (restoring->admin || !is_child(saved.pid) || (saved.pid == 0 && saved.channel != -1))
		return -EBADMSG;
	restoring->admin = true;
	error = fd_claim_channel(&restoring->claims, saved.channel);
	return error ? error
		     : admin_restore(restoring->master, saved.pid, saved.channel, saved.retired && saved.pid > 0);
}

static int restore_pending(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct upgrade_pending saved;
	const struct command *command = &saved.command;

	upgrade_get(record, &saved, sizeof(saved));
	if (!restoring->admin || command->kind < COMMAND_STATUS || command->kind > COMMAND_CONFIG ||
	    ((command->kind == COMMAND_DRAIN || command->kind == COMMAND_UNDRAIN) &&
	     (command->argument < 0 || (unsigned)command->argument >= master->slot_room)))
		return -EBADMSG;
	pending_add(master, command, saved.next);
	return 0;
}

static int restore_hang(struct restoring *restoring, const struct upgrade_record *record)
{
	if (!restoring->last || restoring->last->hang)
		return -EBADMSG;
	return obituary_restore_hang(restoring->last, record);
}

static int restore_logger(struct restoring *restoring, const struct upgrade_record *record)
{
	struct upgrade_logger saved;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	if (restoring->logger || saved.pid < 0 || saved.pid == 1 || saved.pid == getpid() || saved.pid == getppid() ||
	    (saved.pid == 0 && saved.channel != -1))
		return -EBADMSG;
	restoring->logger = true;
	error = fd_claim_channel(&restoring->claims, saved.channel);
	return error ? error : logger_restore(restoring->master, &saved);
}

static int restore_log_source(struct restoring *restoring, const struct upgrade_record *record)
{
	struct upgrade_log_source saved;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	if (!restoring->logger || saved.pid <= 1)
		return -EBADMSG;
	error = fd_claim(&restoring->claims, saved.queue);
	if (!error)
		error = fd_claim(&restoring->claims, saved.pipe);
	if (!error && !fd_is_pipe(saved.pipe))
		error = -EBADMSG;
	return error ? error : logger_restore_source(restoring->master, &saved);
}

static int restore_closer(struct restoring *restoring, const struct upgrade_record *record)
{
	struct upgrade_closer saved;
	int error;

	upgrade_get(record, &saved, sizeof(saved));
	if (restoring->closer || !is_child(saved.pid) || !is_child(saved.heir))
		return -EBADMSG;
	restoring->closer = true;
	error = fd_claim_socket(&restoring->claims, saved.send, SOCKET_CHANNEL);
	if (!error)
		error = fd_claim_socket(&restoring->claims, saved.receive, SOCKET_CHANNEL);
	if (!error)
		closer_restore(&restoring->master->closer, &saved);
	return error;
}

/* --- all of it --- */

/* The worker of a slot, in one of these phases. */
static bool is_of_slot(const struct worker_process *worker, const struct slot *slot, bool starting, bool serving)
{
	return worker && worker->slot == slot->index &&
	       ((starting && worker->phase == WORKER_STARTING) || (serving && worker->phase == WORKER_SERVING));
}

/* Once all workers are there. */
static int link_slot(struct restoring *restoring, const struct upgrade_record *record)
{
	struct master *master = restoring->master;
	struct upgrade_slot saved;
	struct slot *slot;
	bool starting, serving;

	upgrade_get(record, &saved, sizeof(saved));
	slot = master->slots[saved.index];
	starting = slot->state == SLOT_STARTING;
	serving = slot->state == SLOT_SERVING;
	slot->current = saved.current ? worker_process_find(master, saved.current) : NULL;
	slot->successor = saved.successor ? worker_process_find(master, saved.successor) : NULL;
	if ((starting || serving) != (saved.current != 0) || saved.adopter > master->slot_room ||
	    (saved.current && !is_of_slot(slot->current, slot, starting, serving)) ||
	    (saved.successor &&
	     (!saved.current || saved.successor == saved.current || !is_of_slot(slot->successor, slot, true, false))))
		return -EBADMSG;
	return 0;
}

/* Once all are in their slots. */
static void link_adopter(struct master *master, const struct upgrade_record *record)
{
	const struct worker_process *adopter;
	struct upgrade_slot saved;

	upgrade_get(record, &saved, sizeof(saved));
	adopter = saved.adopter ? master->slots[saved.adopter - 1]->current : NULL;
	master->slots[saved.index]->adopter = adopter ? adopter->serial : 0;
}

static int restore_one(struct restoring *restoring, const struct upgrade_record *record)
{
	if (record->type != RECORD_SELF && record->type >= RECORD_LISTENER && record->type < RECORD_TYPES &&
	    !restoring->self)
		return -EBADMSG;
	switch (record->type) {
	case RECORD_SELF:
		return restore_self(restoring, record);
	case RECORD_LISTENER:
		return listener_restore(&restoring->master->listeners, record);
	case RECORD_SOCKET:
		return listener_restore_socket(&restoring->master->listeners, record, &restoring->claims);
	case RECORD_SLOT:
		return restore_slot(restoring, record);
	case RECORD_WORKER:
		return restore_worker(restoring, record);
	case RECORD_TRANSFER:
		return restore_transfer(restoring, record);
	case RECORD_ADMIN:
		return restore_admin(restoring, record);
	case RECORD_PENDING:
		return restore_pending(restoring, record);
	case RECORD_HANG:
		return restore_hang(restoring, record);
	case RECORD_LOGGER:
		return restore_logger(restoring, record);
	case RECORD_LOG_SOURCE:
		return restore_log_source(restoring, record);
	case RECORD_CLOSER:
		return restore_closer(restoring, record);
	default: /* the program's; or of a later version */
		return 0;
	}
}

int master_restore(struct master *master, const struct upgrade_reader *state)
{
	struct restoring restoring = {.master = master, .reader = *state};
	struct upgrade_reader again = *state, last = *state;
	struct upgrade_record record;
	int error = 0;

	while (error == 0 && upgrade_next(&restoring.reader, &record))
		error = restore_one(&restoring, &record);
	while (error == 0 && upgrade_next(&again, &record))
		if (record.type == RECORD_SLOT)
			error = link_slot(&restoring, &record);
	while (error == 0 && upgrade_next(&last, &record))
		if (record.type == RECORD_SLOT)
			link_adopter(master, &record);
	if (error == 0 &&
	    (!restoring.self || master->slot_count > master->slot_room || !listeners_are_whole(&master->listeners)))
		error = -EBADMSG;
	fd_claims_free(&restoring.claims);
	return error;
}
