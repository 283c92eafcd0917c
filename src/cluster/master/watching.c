/* SPDX-License-Identifier: MIT
 *
 * Looking after workers that are silent: watchdog.c says what to do, this does it. Those that start
 * are start_timeout's affair. Master only. */
#include "cluster/master/watching.h"

#include "base/log.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/master/obituaries.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"

#include <signal.h>

static void abort_worker(struct worker_process *worker, unsigned long long silence_ms)
{
	struct slot *slot = worker->master->slots[worker->slot];

	log_error("worker %u [%d] has been silent for %llu.%03llu s: it is replaced", worker->slot, worker->pid,
		  silence_ms / 1000, silence_ms % 1000);
	if (slot->current == worker)
		slot_replace(slot, worker->next_kind);
	obituary_of_hang(worker);
	if (worker->killed == KILL_NOT)
		worker->killed = KILL_SILENT;
	if (worker->life == WORKER_IS_REAPED)
		return;
	/* One that is stopped takes the first only when it goes on. */
	kill(worker->pid, SIGABRT);
	kill(worker->pid, SIGCONT);
}

static void look(struct worker_process *worker, uint64_t now_ms, uint64_t limit_ms)
{
	uint64_t heartbeat = board_load64(&worker_process_record(worker)->heartbeat_ms);
	uint64_t silence_ms = watchdog_silence_ms(&worker->watchdog, now_ms);

	switch (watchdog_look(&worker->watchdog, heartbeat, now_ms, limit_ms)) {
	case WATCHDOG_NOTHING:
		break;
	case WATCHDOG_ABORT:
		abort_worker(worker, silence_ms);
		break;
	case WATCHDOG_KILL:
		worker_process_kill(worker, KILL_SILENT_STILL);
		break;
	}
}

void watching_tick(struct master *master, uint64_t now_ms, uint64_t interval_ms)
{
	uint64_t limit_ms = master->options.watchdog_ms, last_ms = master->watched_ms;
	bool late = watchdog_is_late(last_ms, now_ms, interval_ms, limit_ms);

	master->watched_ms = now_ms;
	admin_watch(master, now_ms, late);
	logger_watch(master, now_ms, late);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker)) {
		if (worker->phase == WORKER_STARTING)
			continue;
		if (late)
			watchdog_forgive(&worker->watchdog, now_ms);
		look(worker, now_ms, limit_ms);
	}
}
