/* SPDX-License-Identifier: MIT
 *
 * What the next version has to know of us. Master only. */
#ifndef BROOD_CLUSTER_MASTER_SAVE_H
#define BROOD_CLUSTER_MASTER_SAVE_H

#include "cluster/master/master.h"

void master_save(const struct master *master, struct upgrade_writer *writer);

#endif
