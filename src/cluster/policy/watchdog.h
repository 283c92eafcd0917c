/* SPDX-License-Identifier: MIT
 *
 * What is to be done with a worker that is silent. Pure: it is told what can be seen, and says what
 * to do. Master only.
 *
 *               silent for the limit           still there after WATCHDOG_KILL_MS
 *     WATCHING ----------------------> ABORTED ----------------------> KILLED
 *      |    ^                          (there is no way back from here)
 *      +----+ a heartbeat
 *
 * Silence is measured from when the master last saw the heartbeat change, so that a worker's own
 * idea of the time does not matter; and a master that was held up itself (the machine slept,
 * somebody stopped it) knows nothing about its workers, and begins anew. */
#ifndef BROOD_CLUSTER_POLICY_WATCHDOG_H
#define BROOD_CLUSTER_POLICY_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCHDOG_KILL_MS = 2000 };

enum watchdog_phase { WATCHDOG_WATCHING, WATCHDOG_ABORTED, WATCHDOG_KILLED, WATCHDOG_PHASES };

/* What the master knows of one worker; all zero for one that it has not looked at yet. */
struct watchdog {
	enum watchdog_phase phase;
	bool looked;
	uint64_t heartbeat; /* as it was last seen */
	uint64_t since_ms;  /* WATCHING: when that was new; ABORTED: when it was aborted */
};

enum watchdog_action {
	WATCHDOG_NOTHING,
	WATCHDOG_ABORT, /* start its successor, write down how it is, then SIGABRT and SIGCONT */
	WATCHDOG_KILL,  /* SIGKILL */
};

/* A look at the worker, whose heartbeat (any number that changes) stands at that. limit_ms 0:
 * silence is allowed. */
enum watchdog_action watchdog_look(struct watchdog *watchdog, uint64_t heartbeat, uint64_t now_ms, uint64_t limit_ms);

/* The master was held up: one that is watched has a whole period from now. */
void watchdog_forgive(struct watchdog *watchdog, uint64_t now_ms);

/* Was it held up? The last look was at last_ms (0: never), and one was due every interval_ms. */
bool watchdog_is_late(uint64_t last_ms, uint64_t now_ms, uint64_t interval_ms, uint64_t limit_ms);

/* How long it has been silent. */
uint64_t watchdog_silence_ms(const struct watchdog *watchdog, uint64_t now_ms);

#endif
