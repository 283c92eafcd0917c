/* SPDX-License-Identifier: MIT
 *
 * What the admin process and the master say to each other over the admin's channel. The admin speaks
 * with people's programs; the master only ever gets these fixed little messages, and answers each
 * command with any number of MESSAGE_PROGRESS and then one MESSAGE_RESULT (or MESSAGE_STATUS).
 * Host order, both ends on one machine; whoever receives checks sizes. */
#ifndef BROOD_CLUSTER_IPC_COMMAND_H
#define BROOD_CLUSTER_IPC_COMMAND_H

#include <stdint.h>

/* Numbers beside those of message.h. */
enum command_message {
	MESSAGE_COMMAND = 32, /* admin to master: struct command */
	MESSAGE_STATUS,       /* master to admin: struct status, then its listeners, its slots, its troubles */
	MESSAGE_PROGRESS,     /* master to admin: struct command_progress */
	MESSAGE_RESULT,       /* master to admin: struct command_result; a descriptor with it is a memfd
				 that holds a longer text (config, why) */
	MESSAGE_PING,         /* both ways: struct pulse_message (pulse.h) */
};

enum command_kind {
	COMMAND_STATUS = 1,
	COMMAND_RESTART, /* roll with the configuration in force */
	COMMAND_RELOAD,  /* read the configuration again, then roll */
	COMMAND_UPGRADE,
	COMMAND_SCALE,   /* argument: number of workers */
	COMMAND_DRAIN,   /* argument: slot */
	COMMAND_UNDRAIN, /* argument: slot */
	COMMAND_STOP,    /* the result comes when the stop has begun; its end is the channel's end */
	COMMAND_STOP_NOW,
	COMMAND_REOPEN,
	COMMAND_WHY,    /* argument: slot; text: its last obituaries, a JSON array */
	COMMAND_CONFIG, /* text: the configuration in force, as -T prints it */
};

/* In an id: it is no admin's, since that one has gone (outcomes.c). */
#define COMMAND_ID_LOST UINT64_C(0x80000000)

struct command {
	uint64_t id; /* the admin's own; comes back with each answer. The upper half is the pid of who asks, as
			the admin sees it, or 0; the lower one is less than 2^31 and never 0 */
	uint32_t kind;
	int32_t argument;
};

enum { COMMAND_REASON_MAX = 2048, STATUS_TROUBLE_MAX = 8192, STATUS_ADDRESS_MAX = 128, STATUS_LISTENERS_MAX = 64 };

struct command_progress {
	uint64_t id;
	uint32_t done, total; /* slots */
	char text[128];       /* "slot 2: worker 4711 serves", ended by NUL */
};

struct command_result {
	uint64_t id;
	uint32_t ok;
	char reason[COMMAND_REASON_MAX]; /* when not ok: for people, may have several lines; else what there is to
					    say of it, or "" */
};

struct status {
	uint64_t id;
	int32_t pid;
	uint32_t generation;
	uint32_t listener_count, slot_count;
	uint64_t uptime_ms;
	char version[64], state[16], accept[16];             /* "running", "rolling", "stopping"; "shared" */
	char roll_kind[16], roll_reason[COMMAND_REASON_MAX]; /* kind "" before the first one */
	uint32_t roll_ok;
	uint32_t trouble_size; /* octets: lines, each ended by a newline */
};

struct status_listener {
	char address[STATUS_ADDRESS_MAX];
	uint32_t tag, unused; /* the program's own, see cluster_listen */
};

/* One for each worker process: also successors and those that drain. What counts per connection is on
 * the slot's board (board.h), record `record`. */
struct status_slot {
	uint32_t slot, generation;
	int32_t pid;    /* 0: no process (backoff, parked) */
	int32_t record; /* -1 without a process */
	uint64_t age_ms;
	uint32_t restarts; /* of this slot since the start, other than by rolls */
	char state[12];    /* "starting", "serving", "draining", "backoff", "parked" */
};

#endif
