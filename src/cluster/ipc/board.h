/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: for each slot some shared memory on which its workers write figures and heartbeats
 * that the master and all other workers can read at any time, also while everybody hangs.
 *
 * A slot has some workers at a time (one that serves, its successor, those that drain: more than one when
 * the slot was taken away and wanted again); each has a record of its own, given out by the master. Each
 * record lies in a file of its own in memory, so that a worker can write on its own and by no means on
 * another's (a mapping of a part of a file could be made larger); others map it read-only. There are no pointers and no
 * locks: each field has one writer at a time and is read and written whole (relaxed atomics).
 *
 * What is read may be wrong on purpose (a worker that was taken over). So nothing that the master decides by
 * is kept here, which records are in use above all, and readers clamp what they read. */
#ifndef BROOD_CLUSTER_IPC_BOARD_H
#define BROOD_CLUSTER_IPC_BOARD_H

#include "cluster/ipc/log_ring.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	BOARD_RECORDS = 8,
	BOARD_RECORDS_KEPT = 2, /* there all the time; others only while they are in use */
	BOARD_FRESH_MS = 1000,
};

enum board_state { BOARD_FREE, BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING };

struct board_record {
	/* Written by the master when it gives the record out: who reads late sees that it is another's. */
	int32_t pid;
	/* Written by the worker. */
	uint32_t state;        /* enum board_state */
	uint32_t idle;         /* connections between requests */
	uint64_t heartbeat_ms; /* monotonic clock, a few times a second */
	uint64_t opened;       /* connections taken since its start */
	uint64_t closed;       /* of these, ended or given away */
	uint64_t taken;        /* of these, handed to it by the master */
	uint64_t requests;     /* answered since its start */
} __attribute__((aligned(128)));

/* What one worker writes. */
struct board_cell {
	struct board_record record;
	struct log_ring log;
};

/* One slot's records, as a process has them mapped. */
struct board {
	struct board_cell *cells[BOARD_RECORDS]; /* NULL: none */
	int fds[BOARD_RECORDS];                  /* the master's memfds, -1 elsewhere */
	unsigned in_use; /* master: a bit for each record that was given out, in its own memory */
};

/* One without any records. */
void board_init(struct board *board);

/* Master: makes those that are kept. 0 or -errno. */
int board_create(struct board *board) __attribute__((warn_unused_result));

/* Master: a record that an earlier version made, not in use. 0 and takes fd, or -errno: -EBADMSG when it is none. */
int board_adopt(struct board *board, int record, int fd) __attribute__((warn_unused_result));

/* Master: the index of a free record, emptied and marked as starting; -EBUSY when all are in use, or -errno. One
 * that is not kept has to be shown to others. */
int board_take_record(struct board *board) __attribute__((warn_unused_result));
/* Master: this one is in use, as an earlier version has left it. */
void board_keep_record(struct board *board, int record);
void board_free_record(struct board *board, int record);

/* Master: a descriptor of a record through which it can only be read, for a worker; or -errno. */
int board_open_readonly(const struct board *board, int record) __attribute__((warn_unused_result));

/* Worker, admin: maps what such a descriptor stands for in place of what was mapped before. Takes fd. 0 or
 * -errno. */
int board_show(struct board *board, int record, int fd) __attribute__((warn_unused_result));

/* Worker, admin, after fork: turns the inherited mappings into such that only read, but for that of its `own`
 * record (-1: it has none), and closes the descriptors. 0 or -errno. */
int board_demote(struct board *board, int own) __attribute__((warn_unused_result));

void board_close(struct board *board);

/* A number for each record of each slot. */
unsigned board_worker_number(unsigned slot, int record);

uint64_t board_load64(const uint64_t *field);
void board_store64(uint64_t *field, uint64_t value);
void board_store32(uint32_t *field, uint32_t value);

/* opened - closed, or 0 where that makes no sense. */
uint64_t board_connections(const struct board_record *record);

/* What people are told of a worker: with sane connections, not more of them idle, and requests that fit into an
 * int64_t, or 0. */
struct board_figures {
	uint64_t connections, idle, requests;
};

struct board_figures board_figures(const struct board_record *record);

/* It has shown a sign of life within BOARD_FRESH_MS. One from further ahead than that is none. */
bool board_is_fresh(const struct board_record *record, uint64_t now_ms);

/* All fresh workers that say that they serve: how many, and how many connections they hold. For workers, who
 * only share out the work by it. */
void board_sum(const struct board *boards, unsigned count, uint64_t now_ms, unsigned *workers, uint64_t *connections);

#endif
