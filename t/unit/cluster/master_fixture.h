/* SPDX-License-Identifier: MIT
 *
 * A master with one listener, without processes and without a clock that goes: tests define __wrap_clock_now_ms to
 * return now_ms. */
#ifndef BROOD_UNIT_CLUSTER_MASTER_FIXTURE_H
#define BROOD_UNIT_CLUSTER_MASTER_FIXTURE_H

#include "cluster/master/master.h"

extern struct master master;
extern uint64_t now_ms;

/* What its program was told, since it was set up. */
extern struct told {
	unsigned ready, prepared, commits, abandons, rolling, rolled, stopping;
} told;

/* What the next reload wants: a listener (NULL: that which there is), workers (0: so many as there are); that it fails.
 */
extern struct wanted {
	struct cluster_listen *listen;
	unsigned workers;
	bool nothing;
} wanted;

/* Everything is open; there are no slots yet. */
void master_set_up(enum cluster_accept accept, unsigned workers);
void master_tear_down(void);

#endif
