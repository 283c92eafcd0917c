/* SPDX-License-Identifier: MIT
 *
 * The watchdog's table (watchdog.h). Master only. */
#include "cluster/policy/watchdog.h"

enum sight { BEATS, SILENT, OVERDUE, SIGHTS };

static const struct {
	enum watchdog_phase next;
	enum watchdog_action action;
} table[WATCHDOG_PHASES][SIGHTS] = {
	[WATCHDOG_WATCHING] =
		{
			[BEATS] = {WATCHDOG_WATCHING, WATCHDOG_NOTHING},
			[SILENT] = {WATCHDOG_WATCHING, WATCHDOG_NOTHING},
			[OVERDUE] = {WATCHDOG_ABORTED, WATCHDOG_ABORT},
		},
	[WATCHDOG_ABORTED] =
		{
			/* it has been given up: a heartbeat comes too late */
			[BEATS] = {WATCHDOG_ABORTED, WATCHDOG_NOTHING},
			[SILENT] = {WATCHDOG_ABORTED, WATCHDOG_NOTHING},
			[OVERDUE] = {WATCHDOG_KILLED, WATCHDOG_KILL},
		},
	[WATCHDOG_KILLED] =
		{
			/* nothing more can be done */
			[BEATS] = {WATCHDOG_KILLED, WATCHDOG_NOTHING},
			[SILENT] = {WATCHDOG_KILLED, WATCHDOG_NOTHING},
			[OVERDUE] = {WATCHDOG_KILLED, WATCHDOG_NOTHING},
		},
};

static enum sight see(const struct watchdog *watchdog, uint64_t heartbeat, uint64_t now_ms, uint64_t limit_ms)
{
	uint64_t silence_ms = watchdog_silence_ms(watchdog, now_ms);

	if (watchdog->phase == WATCHDOG_ABORTED)
		return silence_ms >= WATCHDOG_KILL_MS ? OVERDUE : SILENT;
	if (!watchdog->looked || heartbeat != watchdog->heartbeat)
		return BEATS;
	return limit_ms > 0 && silence_ms >= limit_ms ? OVERDUE : SILENT;
}

enum watchdog_action watchdog_look(struct watchdog *watchdog, uint64_t heartbeat, uint64_t now_ms, uint64_t limit_ms)
{
	enum sight sight = see(watchdog, heartbeat, now_ms, limit_ms);
	enum watchdog_phase phase = watchdog->phase;

	watchdog->looked = true;
	watchdog->heartbeat = heartbeat;
	watchdog->phase = table[phase][sight].next;
	if (watchdog->phase != phase || (phase == WATCHDOG_WATCHING && sight == BEATS))
		watchdog->since_ms = now_ms;
	return table[phase][sight].action;
}

void watchdog_forgive(struct watchdog *watchdog, uint64_t now_ms)
{
	if (watchdog->phase == WATCHDOG_WATCHING)
		watchdog->since_ms = now_ms;
}

bool watchdog_is_late(uint64_t last_ms, uint64_t now_ms, uint64_t interval_ms, uint64_t limit_ms)
{
	return last_ms > 0 && now_ms > last_ms && now_ms - last_ms > interval_ms + limit_ms / 2;
}

uint64_t watchdog_silence_ms(const struct watchdog *watchdog, uint64_t now_ms)
{
	return watchdog->looked && now_ms > watchdog->since_ms ? now_ms - watchdog->since_ms : 0;
}
