/* SPDX-License-Identifier: MIT
 *
 * Which worker gets the next connection (choose_worker.h). Master only. */
#include "cluster/policy/choose_worker.h"

int choose_worker(enum cluster_policy policy, const struct worker_candidate *candidates, unsigned count,
		  unsigned *cursor)
{
	int best = -1;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = (*cursor + i) % count;

		if (!candidates[at].eligible)
			continue;
		if (best < 0 || candidates[at].load < candidates[best].load)
			best = (int)at;
		if (policy == CLUSTER_ROUND_ROBIN)
			break;
	}
	if (best >= 0)
		*cursor = ((unsigned)best + 1) % count;
	return best;
}
