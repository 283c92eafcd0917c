/* SPDX-License-Identifier: MIT
 *
 * What there is to say about workers that ended. Master only. */
#ifndef BROOD_CLUSTER_MASTER_OBITUARIES_H
#define BROOD_CLUSTER_MASTER_OBITUARIES_H

#include "cluster/master/master.h"

/* Writes up one that hangs, before it is ended. */
void obituary_of_hang(struct worker_process *worker);
/* Logs an end and writes it up, if there is something to say. */
void obituary_of_end(struct worker_process *worker, const struct brood_process_end *end);
/* What was written up of one that hangs, for the next version; and there. 0, -ENOMEM or -EBADMSG. */
void obituary_save_hang(const struct worker_process *worker, struct upgrade_writer *writer);
int obituary_restore_hang(struct worker_process *worker, const struct upgrade_record *record)
	__attribute__((warn_unused_result));
/* Its last log lines, without a newline at the end; empty when it has said nothing. */
void obituary_last_words(const struct worker_process *worker, char *out, size_t room);

#endif
