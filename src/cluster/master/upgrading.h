/* SPDX-License-Identifier: MIT
 *
 * Another version of the program in place of this one. Master only. */
#ifndef BROOD_CLUSTER_MASTER_UPGRADING_H
#define BROOD_CLUSTER_MASTER_UPGRADING_H

#include "cluster/master/master.h"

/* Tries the binary in a child, then becomes it; what fails on the way is told, and changes nothing. */
void upgrading_begin(struct master *master);
void upgrading_tick(struct master *master, uint64_t now_ms);
/* True: it was the end of the child that tries. */
bool upgrading_ended(struct master *master, const struct brood_process_end *end);
void upgrading_cancel(struct master *master);
/* Notes from which version this image takes over, while the state is there. Then it has, or it is the old one
 * again: go on. */
void upgrading_note(struct master *master, const struct upgrade_state *state);
void upgrading_go_on(struct master *master, bool back);

#endif
