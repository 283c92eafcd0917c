/* SPDX-License-Identifier: MIT
 *
 * What all parts of the master ask or use. Master only. */
#ifndef BROOD_CLUSTER_MASTER_COMMON_H
#define BROOD_CLUSTER_MASTER_COMMON_H

#include "cluster/master/master.h"

/* It stops, or will soon: nothing new is begun. */
bool master_is_leaving(const struct master *master);
/* Closes a descriptor that a worker has or had, without waiting for it. */
void master_discard(struct master *master, int fd);
/* Something to spread times and limits with; nothing depends on its quality. */
uint32_t master_random(struct master *master);
/* All workers there are, in the order of their births. NULL behind the last one. */
struct worker_process *first_worker(const struct master *master);
struct worker_process *next_worker(const struct worker_process *worker);
/* The descriptors of all records, which a child needs to map them; at most BOARD_RECORDS for each slot. */
size_t master_keep_boards(const struct master *master, int *fds);

#endif
