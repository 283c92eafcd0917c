/* SPDX-License-Identifier: MIT
 *
 * A stop that does not wait (cut.c): workers end the requests that they have in flight, log them, say how many
 * those were, and leave. Who has not done so in time is killed. Master only. */
#ifndef BROOD_CLUSTER_MASTER_CUT_H
#define BROOD_CLUSTER_MASTER_CUT_H

#include <stdbool.h>

struct brood_frame;
struct worker_process;
struct master;

/* What it has cost. */
struct cut {
	bool begun, told;
	unsigned requests;       /* in flight, as workers said */
	unsigned silent, unsaid; /* workers that said nothing, and their connections that were not idle */
};

/* Tells the workers; the master's deadline comes when they have had time enough. */
void cut_begin(struct master *master);
/* A worker has said it. */
void cut_heard(struct worker_process *worker, struct brood_frame *frame);
/* One has ended, its record is there still. */
void cut_ended(struct worker_process *worker);
/* All have ended: one line, and the exit status. */
void cut_tell(struct master *master);

#endif
