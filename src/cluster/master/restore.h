/* SPDX-License-Identifier: MIT
 *
 * And here it reads that. Master only. */
#ifndef BROOD_CLUSTER_MASTER_RESTORE_H
#define BROOD_CLUSTER_MASTER_RESTORE_H

#include "cluster/master/master.h"

/* Into a master that has its loop and nothing else. 0; -ENOMEM; -EBADMSG when it makes no sense. */
int master_restore(struct master *master, const struct upgrade_reader *reader) __attribute__((warn_unused_result));

#endif
