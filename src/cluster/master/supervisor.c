/* SPDX-License-Identifier: MIT
 *
 * What happens to workers, and all that follows from it, in order: each handler here is the whole story. What it calls
 * acts on its own part only, and says what has come of it. Master only. */
#include "cluster/master/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/socket.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/adopt.h"
#include "cluster/master/broadcast.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/obituaries.h"
#include "cluster/master/pending.h"
#include "cluster/master/rolling.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/program_call.h"

#include <errno.h>

/* Waits no longer than it has to: connections for a worker, a stop for the last of them. */
static void place(struct master *master)
{
	dispatch_resume(master);
	stopping_tell_workers(master);
}

/* Every slot has been ready once, or is parked, or is to have no worker: the server is ready, or never will be. */
static void check_start(struct master *master)
{
	unsigned ready = 0, done = 0;

	if (master->ready_told || master->state != MASTER_RUNNING)
		return;
	for (unsigned i = 0; i < master->slot_count; i++) {
		const struct slot *slot = master->slots[i];

		ready += slot->ready_once;
		done += slot->ready_once || slot->state == SLOT_PARKED || slot->disabled;
	}
	if (done < master->slot_count)
		return;
	if (ready == 0) {
		stopping_give_up(master, CLUSTER_EXIT_CRASH);
		return;
	}
	master->ready_told = true;
	PROGRAM_TELL(master->program, master.ready, &master->listeners, ready);
	logger_tell(master); /* what standard error is may have changed with that */
}

/* --- a worker is ready --- */

static void on_ready(struct worker_process *worker, struct brood_frame *frame)
{
	struct master *master = worker->master;
	struct slot *slot = master->slots[worker->slot];
	bool served = slot->state == SLOT_SERVING;

	(void)frame;
	worker_process_serve(worker);
	if (slot_worker_ready(slot, worker)) { /* it takes its place, and who had that before drains */
		if (!served)
			adopt_release(slot);
		check_start(master);
		rolling_ready(master, worker);
	}
	place(master);
}

/* --- it gives connections, or answers for those that it was given --- */

static void on_given(struct worker_process *worker, struct brood_frame *frame)
{
	enum kill_reason wrong = dispatch_given(worker, frame);

	if (wrong != KILL_NOT)
		worker_process_kill(worker, wrong);
}

static void on_answer(struct worker_process *worker, struct brood_frame *frame)
{
	struct master *master = worker->master;

	if (!handoff_answer(&master->handoff, &worker->target, frame))
		worker_process_kill(worker, KILL_WRONG_ANSWER);
	else if (master->handoff.waiting_count > 0)
		place(master);
}

/* --- it holds only what cannot move --- */

static void on_handed_over(struct worker_process *worker, struct brood_frame *frame)
{
	(void)frame;
	worker->handed_over = true;
	rolling_settled(worker->master);
}

/* --- somebody asked it to leave --- */

static void on_replace(struct worker_process *worker, struct brood_frame *frame)
{
	struct master *master = worker->master;
	struct slot *slot = master->slots[worker->slot];

	(void)frame;
	if (master->state == MASTER_RUNNING && slot->current == worker)
		slot_replace(slot, worker->next_kind);
}

/* --- it was stopped, or goes on --- */

/* Its heartbeat would tell too, but only after a second of connections that nobody answers. */
void supervisor_changed(void *context, pid_t pid, int stopped)
{
	struct master *master = context;
	struct worker_process *worker = worker_process_find_pid(master, pid);
	enum worker_life life = stopped ? WORKER_STANDS_STILL : WORKER_RUNS;

	if (stopped)
		closer_stopped(&master->closer, pid);
	if (!worker || worker->life == life)
		return;
	worker->life = life;
	log_warn("worker %u [%d] was %s", worker->slot, pid, stopped ? "stopped" : "continued");
	if (master->state != MASTER_RUNNING)
		return;
	adopt_follow(master, clock_now_ms());
	place(master);
	rolling_settled(master);
}

/* --- it has ended --- */

void supervisor_ended(struct worker_process *worker, const struct brood_process_end *end)
{
	struct master *master = worker->master;
	struct slot *slot = master->slots[worker->slot];
	bool accident = end->signal != 0 && worker->killed == KILL_NOT;
	enum slot_loss loss;

	/* What it said last counts: its channel is read to the end before it is decided what it left undone. */
	worker->life = WORKER_IS_REAPED;
	if (worker->channel)
		brood_channel_drain(worker->channel);
	handoff_target_gone(&master->handoff, &worker->target);
	PROGRAM_TELL(master->program, master.worker_ended, master, board_worker_number(worker->slot, worker->record));
	/* What there is to say about it. */
	obituary_of_end(worker, end);
	cut_ended(worker);
	rolling_report(master, worker, end);
	/* What its slot does without it; then who comes next. */
	worker_process_let_go(worker);
	loss = slot_worker_ended(slot, worker, end);
	worker_process_free(worker);
	if (loss == SLOT_LOST_FOR_GOOD)
		stopping_give_up(master, CLUSTER_EXIT_CRASH);
	if (loss == SLOT_LOST_CURRENT && slot->state == SLOT_PARKED)
		check_start(master);
	slots_start(master);
	rolling_lost(master, slot, loss, accident);
	slot_has_room(slot);
	/* What waited for its end. */
	stopping_leave_if_done(master);
}

/* --- slots change --- */

int supervisor_resize(struct master *master, unsigned count)
{
	int error = slots_resize(master, count);

	if (error)
		return error;
	slots_start(master);
	check_start(master);
	rolling_resized(master);
	adopt_follow(master, clock_now_ms());
	return 0;
}

void supervisor_disable(struct slot *slot, bool disable)
{
	struct master *master = slot->master;

	slot_disable(slot, disable);
	slots_start(master);
	check_start(master);
	if (disable)
		rolling_without(master, slot->index);
}

/* The log process has opened files anew, or its time for that may be over. */
void supervisor_check_logs(struct master *master)
{
	pending_check(master);
	rolling_settled(master);
}

/* --- what a worker says --- */

/* What a worker says may cross with what ends it, or with being told to do something else; a worker that was taken
 * over says anything at any time. So each message counts in the phase that it belongs to only, and not from one that
 * was killed, since its end will come and be dealt with. But what a draining one gave before goes to others, and
 * answers count in any case: a connection that was taken must not be given to another one. */
static bool is_timely(const struct worker_process *worker, uint32_t type)
{
	switch (type) {
	case MESSAGE_READY:
		return worker->phase == WORKER_STARTING && worker->killed == KILL_NOT &&
		       worker->life != WORKER_IS_REAPED;
	case MESSAGE_REPLACE:
		return worker->phase == WORKER_SERVING && worker->killed == KILL_NOT &&
		       worker->life != WORKER_IS_REAPED;
	case MESSAGE_HANDED_OVER:
		return worker->phase == WORKER_DRAINING;
	case MESSAGE_GIVE:
		return worker->phase == WORKER_DRAINING || worker->killed == KILL_NOT;
	default:
		return true;
	}
}

/* What a worker may say, and what may come with it. Of a type that is not here, which a later version may know,
 * nothing is done, and no descriptor may come. */
enum cargo { CARGO_NONE, CARGO_CONNECTIONS };

static const struct {
	enum message_type type;
	enum cargo cargo;
	void (*take)(struct worker_process *worker, struct brood_frame *frame);
} messages[] = {
	{MESSAGE_READY, CARGO_NONE, on_ready},
	{MESSAGE_GIVE, CARGO_CONNECTIONS, on_given},
	{MESSAGE_HANDED_OVER, CARGO_NONE, on_handed_over},
	{MESSAGE_TAKEN, CARGO_NONE, on_answer},
	{MESSAGE_REFUSED, CARGO_NONE, on_answer},
	{MESSAGE_REPLACE, CARGO_NONE, on_replace},
	{MESSAGE_HEARD, CARGO_NONE, broadcast_heard},
	{MESSAGE_CUT, CARGO_NONE, cut_heard},
};

static bool carries(const struct brood_frame *frame, enum cargo cargo)
{
	if (cargo == CARGO_NONE)
		return frame->fd_count == 0 && !frame->fds_lost;
	for (size_t i = 0; i < frame->fd_count; i++)
		if (!socket_is_connection(frame->fds[i]))
			return false;
	return true; /* how many there must be its own data say */
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct worker_process *worker = context;
	size_t at = 0, count = sizeof(messages) / sizeof(messages[0]);

	while (at < count && messages[at].type != frame->type)
		at++;
	if (!carries(frame, at < count ? messages[at].cargo : CARGO_NONE))
		worker_process_kill(worker, KILL_WRONG_CARGO);
	else if (at < count && is_timely(worker, frame->type))
		messages[at].take(worker, frame);
}

/* It closed its end: it is exiting or dead, which SIGCHLD says too. Nothing can be sent any more. */
static void on_closed(void *context, int error)
{
	struct worker_process *worker = context;

	if (error == -EPROTO)
		worker_process_kill(worker, KILL_GARBAGE);
	handoff_target_gone(&worker->master->handoff, &worker->target);
	brood_channel_free(worker->channel);
	worker->channel = NULL;
	place(worker->master);
}

static void on_discard(void *context, int fd)
{
	const struct worker_process *worker = context;

	master_discard(worker->master, fd);
}

void supervisor_open(struct master *master)
{
	static const struct brood_channel_handlers handlers = {
		.frame = on_frame,
		.closed = on_closed,
		.discard = on_discard,
	};

	list_init(&master->workers);
	master->worker_handlers = &handlers;
}
