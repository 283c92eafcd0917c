/* SPDX-License-Identifier: MIT
 *
 * Outcomes that outlive an admin process. Master only. */
#ifndef BROOD_CLUSTER_MASTER_OUTCOMES_H
#define BROOD_CLUSTER_MASTER_OUTCOMES_H

#include "cluster/master/master.h"

/* A command whose outcome comes later, and */
void outcomes_expect(struct admin *admin, const struct command *command);
/* here it is. */
void outcomes_note(struct admin *admin, const struct command_result *result);
/* The admin has come back to a ping: what it was told before, it has heard; was that all? */
bool outcomes_heard(struct admin *admin);
/* The admin has gone: one that was its command gets another id. False: there is none any more. */
bool outcomes_lose(struct admin *admin, uint64_t *from, uint64_t *to);
/* Has the same process asked a former admin for the same? Under which id; and what came of it (borrowed), or NULL. */
bool outcomes_claim(struct admin *admin, const struct command *command, uint64_t *from,
		    const struct command_result **result);
/* All, or those that have come, and were heard. */
void outcomes_forget(struct admin *admin, bool all);

#endif
