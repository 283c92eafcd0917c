/* SPDX-License-Identifier: MIT
 *
 * Who steps back from a shared listening socket. The kernel wakes whom it likes, and left alone one
 * worker ends up with nearly all connections; so a worker that holds clearly more than the others looks
 * away for a moment. Only for a moment: the others may be stopped or busy, and what is queued must not
 * wait. Pure. Workers in mode shared. */
#ifndef BROOD_CLUSTER_POLICY_BALANCE_H
#define BROOD_CLUSTER_POLICY_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

enum { BALANCE_STEP_BACK_MS = 5 };

/* `own` connections here; `total` over the `workers` (this one included) that serve and have shown a
 * sign of life within a second. Steps back above mean + max(4, mean / 8). */
bool balance_steps_back(uint64_t own, uint64_t total, unsigned workers);

#endif
