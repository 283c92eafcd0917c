/* SPDX-License-Identifier: MIT
 *
 * Looking after workers that are silent: watchdog.c says what to do, this does it. Those that start
 * are start_timeout's affair. Master only. */
#include "cluster/master/master.h"

#include "base/log.h"

#include <signal.h>

static void abort_instance(struct instance *instance, unsigned long long silence_ms)
{
	struct slot *slot = instance->master->slots[instance->slot];

	log_error("worker %u [%d] has been silent for %llu.%03llu s: it is replaced", instance->slot, instance->pid,
		  silence_ms / 1000, silence_ms % 1000);
	if (slot->lead == instance)
		slot_replace(slot, instance->next);
	obituary_of_hang(instance);
	if (!instance->killed)
		instance->killed = "silent for longer than watchdog allows";
	if (instance->reaped)
		return;
	/* One that is stopped takes the first only when it goes on. */
	kill(instance->pid, SIGABRT);
	kill(instance->pid, SIGCONT);
}

static void look(struct instance *instance, uint64_t now_ms, uint64_t limit_ms)
{
	uint64_t heartbeat = board_load64(&instance_record(instance)->heartbeat_ms);
	uint64_t silence_ms = watchdog_silence_ms(&instance->watchdog, now_ms);

	switch (watchdog_look(&instance->watchdog, heartbeat, now_ms, limit_ms)) {
	case WATCHDOG_NOTHING:
		break;
	case WATCHDOG_ABORT:
		abort_instance(instance, silence_ms);
		break;
	case WATCHDOG_KILL:
		instance_kill(instance, "silent, and SIGABRT did not end it");
		break;
	}
}

void watchdog_tick(struct master *master, uint64_t now_ms, uint64_t interval_ms)
{
	uint64_t limit_ms = master->options.watchdog_ms, last_ms = master->watched_ms;
	bool late = watchdog_is_late(last_ms, now_ms, interval_ms, limit_ms);

	master->watched_ms = now_ms;
	admin_watch(master, now_ms, late);
	logger_watch(master, now_ms, late);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->phase == INSTANCE_STARTING)
			continue;
		if (late)
			watchdog_forgive(&instance->watchdog, now_ms);
		look(instance, now_ms, limit_ms);
	}
}
