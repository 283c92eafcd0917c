/* SPDX-License-Identifier: MIT
 *
 * A worker's last log lines, on its slot's scoreboard: written by the worker, read by the master
 * when the worker has ended or hangs, however that came about. No pointers and no locks. What is
 * read was perhaps written on purpose to mislead, so the reader copies first, and then trusts
 * nothing. */
#ifndef BROOD_CLUSTER_IPC_LOG_RING_H
#define BROOD_CLUSTER_IPC_LOG_RING_H

#include <stddef.h>
#include <stdint.h>

enum {
	LOG_RING_ROOM = 2040,    /* octets that are kept */
	LOG_RING_LINE_MAX = 510, /* of one line; the rest is left out */
};

struct log_ring {
	uint64_t written; /* octets, since it was emptied */
	char text[LOG_RING_ROOM];
};

/* Master. */
void log_ring_clear(struct log_ring *ring);

/* Worker: adds a line, which need not end with a newline. Of the log_set_tap kind. */
void log_ring_add(void *ring, const char *line, size_t size);

/* The last whole lines, oldest first, each ended by a newline, NUL behind: as many as `room` holds.
 * What is not printable is shown as '?'. Returns the length. */
size_t log_ring_read(const struct log_ring *ring, char *out, size_t room);

#endif
