/* SPDX-License-Identifier: MIT
 *
 * What clients saw, in figures. Every request that was sent ends in one of the counters for
 * requests, every connection that the server or a fault ended in one of those for connections.
 * Pure. */
#ifndef BROOD_PROVE_COUNTS_H
#define BROOD_PROVE_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct counts {
	uint64_t sent;
	uint64_t answered;      /* in full, every octet as it should be */
	uint64_t failed;        /* no full answer */
	uint64_t wrong;         /* an answer, but not this one's */
	uint64_t killed_failed; /* like failed, on a connection of a worker that we killed */

	uint64_t opened;
	uint64_t refused;   /* or never established */
	uint64_t announced; /* closed after an answer with Connection: close */
	uint64_t closed;    /* closed without a word */
	uint64_t reset;
	uint64_t hung;        /* given up by us: no answer in time */
	uint64_t unasked;     /* left by us: octets came that nobody had asked for */
	uint64_t killed_lost; /* closed or reset, of a worker that we killed */
};

/* How a connection ended. */
enum counts_end {
	COUNTS_ANNOUNCED, /* by an answer with Connection: close */
	COUNTS_CLOSED,    /* end-of-file */
	COUNTS_RESET,
	COUNTS_HUNG,  /* no answer in time */
	COUNTS_WRONG, /* we left it, since what came was no right answer */
};

/* `outstanding`: a request was sent that has no full answer. `of_killed`: the connection was held
 * by a worker that the experiment killed. */
void counts_end_connection(struct counts *counts, enum counts_end how, bool outstanding, bool of_killed);

void counts_add(struct counts *sum, const struct counts *more);

/* True when each request that was sent has ended in one way. */
bool counts_balance(const struct counts *counts);

#endif
