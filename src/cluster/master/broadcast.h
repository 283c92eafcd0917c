/* SPDX-License-Identifier: MIT
 *
 * What the program has to say to workers, and how they like it (cluster.h). Master only. */
#ifndef BROOD_CLUSTER_MASTER_BROADCAST_H
#define BROOD_CLUSTER_MASTER_BROADCAST_H

#include "cluster/master/master.h"

/* A worker has answered; what makes no sense is dropped. */
void broadcast_heard(struct worker_process *worker, struct brood_frame *frame);

#endif
