/* SPDX-License-Identifier: MIT
 *
 * What may be asked by way of the admin process. Master only. */
#ifndef BROOD_CLUSTER_MASTER_COMMANDS_H
#define BROOD_CLUSTER_MASTER_COMMANDS_H

#include "cluster/master/master.h"

/* Before an admin is started or restored. */
void commands_open(struct master *master);
/* True: it was the admin's end. */
bool commands_admin_ended(struct master *master, const struct brood_process_end *end);

#endif
