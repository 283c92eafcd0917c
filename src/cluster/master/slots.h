/* SPDX-License-Identifier: MIT
 *
 * Slots: what slot.h's table says, done. What they are and what they have is in master.h. Master only. */
#ifndef BROOD_CLUSTER_MASTER_SLOTS_H
#define BROOD_CLUSTER_MASTER_SLOTS_H

#include "cluster/master/master.h"

/* Sets the number of slots: makes new ones, drains those above. 0 or -errno (logged). */
int slots_resize(struct master *master, unsigned count) __attribute__((warn_unused_result));
/* Makes slots, empty ones, until there are so many. 0 or -errno (logged). */
int slots_make_room(struct master *master, unsigned count) __attribute__((warn_unused_result));
void slots_free(struct master *master);
/* Starts a worker wherever one is missing; after whatever lets a slot want one, once all that comes first is done. */
void slots_start(struct master *master);
/* It is the current one of its slot, and the one before drains. False: it was told to leave itself meanwhile. */
bool slot_worker_ready(struct slot *slot, struct worker_process *worker);
/* It is gone; what that means to its slot. */
enum slot_loss slot_worker_ended(struct slot *slot, struct worker_process *worker, const struct brood_process_end *end);
/* One of its workers is gone for good: a start that had to wait for that need wait no longer. */
void slot_has_room(struct slot *slot);
/* Starts a successor beside the current worker, or a worker at once where there is none. */
void slot_replace(struct slot *slot, bool next_kind);
/* Ends that successor. */
void slot_drop_successor(struct slot *slot);
/* No worker until further notice; or again one. */
void slot_disable(struct slot *slot, bool disable);
/* Has it a worker that drains? */
bool slot_is_draining(const struct slot *slot);
/* Has it a worker that serves and shows it? */
bool slot_is_alive(const struct slot *slot, uint64_t now_ms);
/* Is there any worker that serves, or stands still? */
bool slots_any_serves(const struct master *master);
/* Adds one that an earlier version had, with the time until its next try (0: none), and without records. */
int slot_restore(struct master *master, unsigned timer_ms) __attribute__((warn_unused_result));
/* When nobody serves at all, the slots that wait are tried once a second. */
void slots_try_hard(struct master *master, uint64_t now_ms);

#endif
