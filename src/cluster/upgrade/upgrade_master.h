/* SPDX-License-Identifier: MIT
 *
 * The records that one version of the master leaves to another (upgrade_record.h), in this order. Members are
 * only ever added, at the end: what a shorter record lacks is zero, what a longer one has more is skipped.
 * Master only. */
#ifndef BROOD_CLUSTER_UPGRADE_UPGRADE_MASTER_H
#define BROOD_CLUSTER_UPGRADE_UPGRADE_MASTER_H

#include "base/address.h"
#include "base/log.h"
#include "cluster/ipc/board.h"
#include "cluster/ipc/command.h"
#include "cluster/policy/obituary.h"

#include <stdint.h>

enum upgrade_record_type {
	RECORD_SELF = 16,
	RECORD_LISTENER,
	RECORD_SOCKET, /* of the listener in front of it */
	RECORD_SLOT,
	RECORD_WORKER,
	RECORD_TRANSFER, /* with the connection's state right behind, of the same type */
	RECORD_ADMIN,
	RECORD_PENDING,
	RECORD_HANG, /* of the worker in front of it */
	RECORD_LOGGER,
	RECORD_LOG_SOURCE,
	RECORD_CLOSER,
	RECORD_TYPES
};

struct upgrade_self {
	uint32_t accept, slot_count, configured_workers;
	uint32_t generation, next_generation, last_listener;
	uint64_t last_serial, last_transfer, started_ms;
	uint32_t choose_cursor, unused;
};

struct upgrade_listener {
	uint32_t id, backlog, unix_mode;
	uint8_t growable, unlink_path, now, unused;
	struct address wish, address;
	uint32_t tag, unused2;
	uint64_t device, inode;
};

struct upgrade_socket {
	int32_t fd;
};

struct upgrade_slot {
	uint32_t index, state, early_deaths, restarts;
	int32_t no_page;            /* -1; in former versions, which refuse this state, its one page */
	uint32_t timer_ms, adopter; /* adopter: its index + 1 */
	uint8_t ready_once, disabled, unused[2];
	uint64_t unserved_since_ms, current, successor; /* these: serials */
	int32_t records[BOARD_RECORDS];                 /* descriptors of its board; -1: none */
};

struct upgrade_worker {
	uint64_t serial, started_ms, ready_ms, given, refused;
	uint32_t slot, generation, accept, sockets, phase, timer_ms;
	int32_t pid, record, channel;
	uint8_t killed, stopped, handed_over, unused;
	uint64_t limit_requests, limit_memory_bytes, limit_age_ms;
	uint64_t heartbeat, watched_since_ms;
	uint32_t watchdog, watched; /* enum watchdog_phase; has it been looked at? */
	char why[96];               /* it was killed */
	uint64_t givers[32];        /* serials of those who had what it was given */
};

struct upgrade_transfer {
	uint64_t id, since_ms, giver, giver_id, taker; /* taker: a serial; 0: it waits */
	int32_t fd;
	uint32_t listener, state_size, unused;
};

struct upgrade_admin {
	int32_t pid, channel;
	uint32_t leaves, unused; /* it was told to leave */
};

struct upgrade_logger {
	uint64_t last_source;
	int32_t pid, channel;
	uint32_t finishing, is_asked; /* 0 of a version that did not know of it */
};

struct upgrade_log_source {
	uint64_t serial;
	int32_t pid, queue, pipe;
	uint32_t error_log, configuration, unused;
	char tag[LOG_TAG_MAX];
};

struct upgrade_pending {
	struct command command;
	uint32_t next, unused;
};

/* The queue's ends, and processes that are to be reaped (0: none). */
struct upgrade_closer {
	int32_t send, receive, pid, heir;
};

struct upgrade_hang {
	uint64_t time_ms, age_ms, connections, requests, idle, heartbeat_age_ms;
	uint32_t phase, unused;
	char log[OBITUARY_LOG_MAX], wait_channel[OBITUARY_CHANNEL_MAX];
	char stack[OBITUARY_STACK_MAX], status[OBITUARY_STATUS_MAX];
};

#endif
