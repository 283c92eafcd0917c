/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: for each slot a few pages of shared memory on which its workers write figures and
 * heartbeats that the master and all other workers can read at any time, also while everybody hangs.
 *
 * Writable by the master and the slot's own workers only; others map it read-only. There are no
 * pointers and no locks: each field has one writer at a time and is read and written whole (relaxed
 * atomics). What is read may be wrong on purpose (a worker that was taken over), so readers clamp.
 *
 * A slot has some workers at a time (one that serves, its successor, those that drain: more than one when
 * the slot was taken away and wanted again); each has a record of its own on the page, given out by the
 * master. */
#ifndef BROOD_CLUSTER_BOARD_H
#define BROOD_CLUSTER_BOARD_H

#include "cluster/log_ring.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BOARD_RECORDS = 8, BOARD_FRESH_MS = 1000 };

enum board_state { BOARD_FREE, BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING };

struct board_record {
	/* Written by the master when it gives the record out. */
	int32_t pid;
	uint32_t generation;
	/* Written by the worker. */
	uint32_t state;        /* enum board_state */
	uint32_t idle;         /* connections between requests */
	uint64_t heartbeat_ms; /* monotonic clock, a few times a second */
	uint64_t opened;       /* connections taken since its start */
	uint64_t closed;       /* of these, ended or given away */
	uint64_t taken;        /* of these, handed to it by the master */
	uint64_t requests;     /* answered since its start */
} __attribute__((aligned(128)));

struct board_page {
	struct board_record records[BOARD_RECORDS];
	struct log_ring logs[BOARD_RECORDS]; /* of the same workers; costs memory once it is used */
};

/* A mapping of one slot's page. */
struct board {
	struct board_page *page; /* NULL: none */
	int fd;                  /* the master's memfd, -1 elsewhere */
	bool writable;
};

/* Master: makes an empty page. 0 or -errno. */
int board_create(struct board *board) __attribute__((warn_unused_result));

/* Master: the page that an earlier version made. 0 and takes fd, or -errno: -EBADMSG when it is no such page. */
int board_adopt(struct board *board, int fd) __attribute__((warn_unused_result));

/* A descriptor of the page through which it can only be read, for a worker; or -errno. */
int board_open_readonly(const struct board *board) __attribute__((warn_unused_result));

/* Worker: maps what such a descriptor stands for. Takes fd. 0 or -errno. */
int board_map_readonly(struct board *board, int fd) __attribute__((warn_unused_result));

/* Worker, after fork: turns the inherited mapping of another slot's page into one that only reads. */
int board_demote(struct board *board) __attribute__((warn_unused_result));

void board_close(struct board *board);

/* Master: the index of a free record, emptied and marked as starting; -1 when all are in use. */
int board_take_record(struct board *board);
void board_free_record(struct board *board, int index);

/* A number for each record of each slot. */
unsigned board_place(unsigned slot, int record);

uint64_t board_load64(const uint64_t *field);
uint32_t board_load32(const uint32_t *field);
void board_store64(uint64_t *field, uint64_t value);
void board_store32(uint32_t *field, uint32_t value);

/* opened - closed, or 0 where that makes no sense. */
uint64_t board_connections(const struct board_record *record);

/* It serves, and has shown a sign of life within BOARD_FRESH_MS. */
bool board_is_fresh(const struct board_record *record, uint64_t now_ms);

/* All serving, fresh workers on the pages: how many, and how many connections they hold. */
void board_sum(const struct board *boards, unsigned count, uint64_t now_ms, unsigned *workers,
	       uint64_t *connections);

#endif
