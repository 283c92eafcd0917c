/* SPDX-License-Identifier: MIT
 *
 * The heartbeat of a child that is no worker (the admin, the log process): the master asks it for a sign of life with
 * each tick, and what comes back is what watchdog.h looks at. Frames are dealt with in order, so it also tells that
 * what was sent before was heard. Master only. */
#ifndef BROOD_CLUSTER_POLICY_PULSE_H
#define BROOD_CLUSTER_POLICY_PULSE_H

#include "cluster/policy/watchdog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct brood_channel;

/* A frame's data, both ways: it comes back as it is. */
struct pulse_message {
	uint32_t number, unused;
};

/* All-zero: of a former version, which may know of no such question. It is watched once it has answered one. */
struct pulse {
	uint32_t sent, back; /* the last one that went, and came back */
	bool is_ours;        /* this image has started it */
	bool answers;        /* it has come back to one */
	struct watchdog watchdog;
};

/* Whose it is. */
struct pulse_of {
	const char *name; /* "the admin process" */
	pid_t pid;
	struct brood_channel *channel; /* or NULL */
	uint32_t type;                 /* of the frame */
};

/* A new one, which is asked at once, so that it is known soon to have begun. */
void pulse_begin(struct pulse *pulse, const struct pulse_of *process);

/* Asks, if it has come back to the last one. */
void pulse_ask(struct pulse *pulse, const struct pulse_of *process);

/* True: it has come back to the last one. */
bool pulse_heard(struct pulse *pulse, const void *data, size_t size);

/* A few times a second: asks, and ends one that is silent for longer than limit_ms (0: that is allowed), or for
 * start_ms more as long as it has not begun. `late`: the master was held up itself. */
void pulse_look(struct pulse *pulse, const struct pulse_of *process, uint64_t now_ms, uint64_t limit_ms,
		uint64_t start_ms, bool late);

#endif
