/* SPDX-License-Identifier: MIT
 *
 * At a start, nobody is kept waiting but who starts the server, and what for is to be known: a child says so, while the
 * process itself waits for what it opens. */
#ifndef BROOD_BROOD_START_WAIT_H
#define BROOD_BROOD_START_WAIT_H

struct looking;

struct start_wait {
	struct looking *looking; /* to be told what is opened; NULL: nobody reads it */
	int gate;                /* the child ends when this is closed */
	int child;               /* what the child is waited for by */
};

/* Where there can be no child nothing is said. */
void start_wait_begin(struct start_wait *wait);
void start_wait_end(struct start_wait *wait);

#endif
