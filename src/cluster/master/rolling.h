/* SPDX-License-Identifier: MIT
 *
 * Reload, rolling restart, and the roll after an upgrade: what roll.h says, done. Master only. */
#ifndef BROOD_CLUSTER_MASTER_ROLLING_H
#define BROOD_CLUSTER_MASTER_ROLLING_H

#include "cluster/master/master.h"

void rolling_begin(struct master *master, enum roll_kind kind);
/* What has happened that may move a roll on. A worker is the current one of its slot. */
void rolling_ready(struct master *master, const struct worker_process *worker);
/* A worker has ended: the reason of the roll's failure, if it fails by that. */
void rolling_report(struct master *master, const struct worker_process *worker, const struct brood_process_end *end);
/* A slot has lost its worker; `accident`: not by that one's own fault. */
void rolling_lost(struct master *master, const struct slot *slot, enum slot_loss loss, bool accident);
/* Something that is waited for at the end of a roll may be there. */
void rolling_settled(struct master *master);
/* A slot is to have no worker. */
void rolling_without(struct master *master, unsigned slot);
/* The number of slots has changed. */
void rolling_resized(struct master *master);
/* Of master->report, to the log and to the program. */
void rolling_tell_failure(struct master *master);

#endif
