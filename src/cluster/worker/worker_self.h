/* SPDX-License-Identifier: MIT
 *
 * A worker's own state, shared by the worker*.c files and by nobody else. Worker only.
 *
 *     worker.c             birth, and what the program and signals ask for
 *     worker_messages.c    what the master says
 *     worker_end.c         draining, stopping, the last of it
 *     worker_connections.c accepting, taking, giving away; leaving after the last one
 *
 * Each calls those below it only. */
#ifndef BROOD_CLUSTER_WORKER_WORKER_SELF_H
#define BROOD_CLUSTER_WORKER_WORKER_SELF_H

#include "base/heap.h"
#include "cluster/ipc/board.h"
#include "cluster/ipc/handoff.h"
#include "cluster/worker/worker.h"

struct acceptor;
struct brood_channel;
struct event;

enum worker_phase { WORKER_STARTING, WORKER_SERVING, WORKER_DRAINING, WORKER_STOPPING };

struct worker {
	const struct birth *birth;
	const struct cluster_program *program;
	struct event_base *base;
	struct brood_channel *channel;
	struct acceptor *acceptor; /* NULL in mode handoff, and when it accepts no more */
	struct event *signals, *tick, *deadline;
	struct log_outlet log;
	int signal_fd;
	struct board *boards; /* of all slots; read-only but for the own record */
	unsigned board_count;
	struct board_record *record; /* its own, which it may write */
	enum worker_phase phase;
	unsigned connections, max_connections;
	unsigned parting; /* connections that have given way: not counted, but open */
	uint64_t opened, closed, taken;
	/* Giving away. */
	struct handoff handoff;
	struct handoff_target master; /* to whom */
	struct event *give;           /* due: something waits to be given */
	bool handed_over;             /* has been told */
	bool finishing;               /* the time to drain is over, what is idle ends */
	struct heap heap;
	int exit_code;
};

/* --- worker_messages.c --- */

extern const struct brood_channel_handlers worker_channel_handlers;

/* --- worker_end.c --- */

int worker_prepare_end(struct worker *worker) __attribute__((warn_unused_result));
/* Accepts no more, and gives away what can move. */
void worker_drain(struct worker *worker);
/* Idle connections end now; what is queued on the sockets is still answered where nobody else will. */
void worker_stop(struct worker *worker, bool answer_queued, unsigned timeout_ms);
/* Everything ends now, and the master is told what was cut. */
void worker_abort(struct worker *worker);

/* --- worker_connections.c --- */

void worker_leave(struct worker *worker, int code);
void worker_leave_if_finished(struct worker *worker);
int worker_start_accepting(struct worker *worker) __attribute__((warn_unused_result));
void worker_stop_accepting(struct worker *worker);
int worker_prepare_giving(struct worker *worker) __attribute__((warn_unused_result));
void worker_take_frame(struct worker *worker, struct brood_frame *frame);
void worker_give_answered(struct worker *worker, const struct brood_frame *frame);
/* The master is gone: what was on its way to others comes back. */
void worker_stop_giving(struct worker *worker);
void worker_check_handed_over(struct worker *worker);

#endif
