/* SPDX-License-Identifier: MIT
 *
 * Commands whose outcome comes later, and the telling of outcomes. Master only. */
#ifndef BROOD_CLUSTER_MASTER_PENDING_H
#define BROOD_CLUSTER_MASTER_PENDING_H

#include "cluster/master/master.h"

/* It is done (NULL), or cannot be. */
void outcome_tell(struct master *master, uint64_t id, const char *reason);
/* What was asked for, in a memfd. */
void outcome_tell_text(struct master *master, uint64_t id, const struct buffer *text);
/* `next`: of the roll that follows the one that runs. */
void pending_add(struct master *master, const struct command *command, bool next);
/* So many slots are done of what runs. */
void pending_progress(struct master *master, unsigned done, const char *text);
/* The roll is over: NULL for success, else why not. */
void pending_roll_over(struct master *master, const char *reason);
/* Something has happened: are there outcomes to tell? */
void pending_check(struct master *master);
/* The upgrade that was asked for is not to be. */
void pending_upgrade_failed(struct master *master, const char *reason);
/* The admin has gone. */
void pending_lose(struct admin *admin);
/* Was it asked for before, by way of an admin that has gone? Then it is told what comes of that. */
bool pending_claim(struct master *master, const struct command *command);
/* Those of an admin that has gone, but for what is COMMAND_ID_LOST; or all. */
void pending_forget(struct admin *admin, bool all);
void pending_save(const struct master *master, struct upgrade_writer *writer);

#endif
