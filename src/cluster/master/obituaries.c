/* SPDX-License-Identifier: MIT
 *
 * Writing up workers that ended, or are about to be ended because they hang. Master only. */
#include "cluster/master/obituaries.h"

#include "base/clock.h"
#include "base/log.h"
#include "brood/process.h"
#include "cluster/master/suspects.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/program_call.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t wall_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const struct board_cell *cell_of(const struct worker_process *worker)
{
	return worker->master->boards[worker->slot].cells[worker->record];
}

/* What the scoreboard tells, of a worker that can do nothing about it any more. */
static void fill(struct cluster_obituary *obituary, const struct worker_process *worker)
{
	const struct board_cell *cell = cell_of(worker);
	struct board_figures figures = board_figures(&cell->record);
	uint64_t now_ms = clock_now_ms(), beat_ms = board_load64(&cell->record.heartbeat_ms);

	obituary->slot = worker->slot;
	obituary->generation = worker->generation;
	obituary->pid = worker->pid;
	obituary->age_ms = now_ms - worker->started_ms;
	obituary->phase = worker->phase;
	obituary->connections = figures.connections;
	obituary->requests = figures.requests;
	obituary->idle = figures.idle;
	if (beat_ms > 0 && beat_ms < now_ms)
		obituary->heartbeat_age_ms = now_ms - beat_ms;
	log_ring_read(&cell->log, obituary->log, sizeof(obituary->log));
}

static void tell(struct master *master, const struct cluster_obituary *obituary)
{
	PROGRAM_TELL(master->program, master.obituary, obituary);
}

void obituary_of_hang(struct worker_process *worker)
{
	struct cluster_obituary *obituary = calloc(1, sizeof(*obituary));

	if (!obituary)
		return; /* then there is one of its end only */
	obituary->time_ms = wall_clock_ms();
	obituary->why = OBITUARY_HANG;
	obituary->exit_code = -1;
	fill(obituary, worker);
	obituary_inspect(obituary, worker->pid);
	worker->killed = suspects_end(worker, obituary) ? KILL_SILENT_IN_CALL : KILL_SILENT;
	obituary->detail = worker_process_why_killed(worker);
	free(worker->hang);
	worker->hang = obituary;
	tell(worker->master, obituary);
}

static enum obituary_why judge(const struct worker_process *worker, const struct brood_process_end *end)
{
	if (worker->hang)
		return OBITUARY_HANG;
	if (worker->killed != KILL_NOT)
		return OBITUARY_KILLED;
	return end->signal != 0 ? OBITUARY_SIGNAL : OBITUARY_EXIT;
}

/* Leaving when told to is not worth one, nor is it when the whole server is told to go at once. */
static bool is_as_told(const struct worker_process *worker, const struct brood_process_end *end)
{
	return (worker->phase == WORKER_DRAINING && end->exit_code == 0) ||
	       (worker->master->state == MASTER_KILLING && worker->killed != KILL_NOT);
}

static void log_end(const struct worker_process *worker, const struct brood_process_end *end)
{
	struct board_figures figures = board_figures(worker_process_record(worker));
	unsigned long long age_ms = clock_now_ms() - worker->started_ms;
	char how[64];

	brood_process_describe(end, how, sizeof(how));
	if (worker->phase == WORKER_DRAINING && end->exit_code == 0) {
		log_debug("worker %u [%d] has left", worker->slot, worker->pid);
		return;
	}
	log_warn("worker %u [%d] died while %s: %s%s%s (generation %u, age %llu.%03llu s, "
		 "%llu requests, %llu connections)",
		 worker->slot, worker->pid, obituary_phase_name(worker->phase), how,
		 worker->killed != KILL_NOT ? "; " : "", worker_process_why_killed(worker), worker->generation,
		 age_ms / 1000, age_ms % 1000, (unsigned long long)figures.requests,
		 (unsigned long long)figures.connections);
}

void obituary_of_end(struct worker_process *worker, const struct brood_process_end *end)
{
	struct cluster_obituary obituary = {0};

	log_end(worker, end);
	if (is_as_told(worker, end))
		return;
	if (worker->hang)
		obituary = *worker->hang; /* how it was counts, not what is left of it */
	else
		obituary.time_ms = wall_clock_ms();
	obituary.why = judge(worker, end);
	obituary.detail = worker->killed != KILL_NOT ? worker_process_why_killed(worker) : NULL;
	obituary.ended = true;
	obituary.exit_code = end->exit_code;
	obituary.signal = end->signal;
	obituary.core = end->core_dumped != 0;
	if (!worker->hang)
		fill(&obituary, worker);
	tell(worker->master, &obituary);
}

void obituary_last_words(const struct worker_process *worker, char *out, size_t room)
{
	size_t size = log_ring_read(&cell_of(worker)->log, out, room);

	while (size > 0 && out[size - 1] == '\n')
		out[--size] = '\0';
}

/* --- from one version to another --- */

void obituary_save_hang(const struct worker_process *worker, struct upgrade_writer *writer)
{
	const struct cluster_obituary *hang = worker->hang;
	struct upgrade_hang saved;

	if (!hang)
		return;
	memset(&saved, 0, sizeof(saved));
	saved.time_ms = hang->time_ms;
	saved.age_ms = hang->age_ms;
	saved.connections = hang->connections;
	saved.requests = hang->requests;
	saved.idle = hang->idle;
	saved.heartbeat_age_ms = hang->heartbeat_age_ms;
	saved.phase = hang->phase;
	memcpy(saved.log, hang->log, sizeof(saved.log));
	memcpy(saved.wait_channel, hang->wait_channel, sizeof(saved.wait_channel));
	memcpy(saved.stack, hang->stack, sizeof(saved.stack));
	memcpy(saved.status, hang->status, sizeof(saved.status));
	upgrade_put(writer, RECORD_HANG, &saved, sizeof(saved));
}

static void take_text(char *out, const char *text, size_t room)
{
	memcpy(out, text, room);
	out[room - 1] = '\0';
}

int obituary_restore_hang(struct worker_process *worker, const struct upgrade_record *record)
{
	struct cluster_obituary *hang = calloc(1, sizeof(*hang));
	struct upgrade_hang saved;

	if (!hang)
		return -ENOMEM;
	worker->hang = hang;
	upgrade_get(record, &saved, sizeof(saved));
	if (saved.phase >= WORKER_PHASES)
		return -EBADMSG;
	hang->time_ms = saved.time_ms;
	hang->slot = worker->slot;
	hang->generation = worker->generation;
	hang->pid = worker->pid;
	hang->age_ms = saved.age_ms;
	hang->phase = (enum worker_phase)saved.phase;
	hang->why = OBITUARY_HANG;
	hang->exit_code = -1;
	hang->connections = saved.connections;
	hang->requests = saved.requests;
	hang->idle = saved.idle;
	hang->heartbeat_age_ms = saved.heartbeat_age_ms;
	take_text(hang->log, saved.log, sizeof(hang->log));
	take_text(hang->wait_channel, saved.wait_channel, sizeof(hang->wait_channel));
	take_text(hang->stack, saved.stack, sizeof(hang->stack));
	take_text(hang->status, saved.status, sizeof(hang->status));
	return 0;
}
