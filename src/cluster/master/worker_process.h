/* SPDX-License-Identifier: MIT
 *
 * One worker process as the master sees it, from fork to reaping. Master only. */
#ifndef BROOD_CLUSTER_MASTER_WORKER_PROCESS_H
#define BROOD_CLUSTER_MASTER_WORKER_PROCESS_H

#include "cluster/master/master.h"

/* Forks a worker for the slot; NULL when that is impossible now (logged), and why. */
struct worker_process *worker_process_start(struct master *master, struct slot *slot, bool next_kind,
					    struct start_failure *failure);
/* A worker that an earlier version started, as `like` but for what is made here; takes the channel (-1:
 * none). NULL without memory. */
struct worker_process *worker_process_restore(struct master *master, const struct worker_process *like, int channel,
					      unsigned timer_ms);
void worker_process_drain(struct worker_process *worker);
void worker_process_announce_stop(struct worker_process *worker);
void worker_process_stop(struct worker_process *worker);
void worker_process_kill(struct worker_process *worker, enum kill_reason why);
const char *worker_process_why_killed(const struct worker_process *worker); /* "" for one that was not */
/* One that cannot be told is ended. */
void worker_process_send(struct worker_process *worker, const struct brood_frame *frame);

/* It is ready, and can be given connections. */
void worker_process_serve(struct worker_process *worker);
/* It has ended: gives its record back, and is found no more. */
void worker_process_let_go(struct worker_process *worker);
/* Keeps errno. */
void worker_process_free(struct worker_process *worker);
struct board_record *worker_process_record(const struct worker_process *worker);
/* NULL: there is none, or no longer. */
struct worker_process *worker_process_find(const struct master *master, uint64_t serial);
struct worker_process *worker_process_find_pid(const struct master *master, pid_t pid);
/* A record was made: workers that balance among themselves must see it, and the admin. */
void worker_processes_show_board(struct master *master, unsigned slot, int record);

#endif
