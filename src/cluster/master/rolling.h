/* SPDX-License-Identifier: MIT
 *
 * Reload, rolling restart, and the roll after an upgrade: what roll.h says, done. Master only. */
#ifndef BROOD_CLUSTER_MASTER_ROLLING_H
#define BROOD_CLUSTER_MASTER_ROLLING_H

#include "cluster/master/master.h"

void rolling_begin(struct master *master, enum roll_kind kind);
/* What a roll makes of it that: a worker is the current one of its slot, */
void rolling_ready(struct master *master, const struct worker_process *worker);
/* one has ended (for who wants to know why there was no roll), */
void rolling_report(struct master *master, const struct worker_process *worker, const struct brood_process_end *end);
/* its slot has lost it; `accident`: not by its own fault, */
void rolling_lost(struct master *master, const struct slot *slot, enum slot_loss loss, bool accident);
/* something that is waited for at the end of a roll may be there, */
void rolling_settled(struct master *master);
/* a slot is to have no worker, */
void rolling_without(struct master *master, unsigned slot);
/* there are fewer slots, perhaps. */
void rolling_resized(struct master *master);
/* Of master->report, to the log and to the program. */
void rolling_tell_failure(struct master *master);

#endif
