/* SPDX-License-Identifier: MIT
 *
 * Which worker gets the next connection in mode handoff. Pure. Master only. */
#ifndef BROOD_CLUSTER_POLICY_CHOOSE_WORKER_H
#define BROOD_CLUSTER_POLICY_CHOOSE_WORKER_H

#include "cluster/cluster.h"

#include <stdbool.h>

struct worker_candidate {
	bool eligible;
	unsigned load; /* connections it holds or has been given */
};

/* Returns the index of the chosen one, or -1 when none is eligible. *cursor is where the search begins;
 * it moves behind the chosen one, so that ties and turns go round. */
int choose_worker(enum cluster_policy policy, const struct worker_candidate *candidates, unsigned count,
		  unsigned *cursor);

#endif
