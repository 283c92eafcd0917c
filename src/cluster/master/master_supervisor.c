/* SPDX-License-Identifier: MIT
 *
 * What happens to workers, and all that follows from it, in order: each handler here is the whole story. What it calls
 * acts on its own part only, and says what has come of it. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/socket.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"

#include <errno.h>

/* Waits no longer than it has to: connections for a worker, a stop for the last of them. */
static void place(struct master *master)
{
	spread_resume(master);
	master_stop_workers(master);
}

/* Every slot has been ready once, or is parked: the server is ready, or never will be. */
static void check_start(struct master *master)
{
	unsigned ready = 0, parked = 0;

	if (master->ready_told || master->state != MASTER_RUNNING)
		return;
	for (unsigned i = 0; i < master->slot_count; i++) {
		ready += master->slots[i]->ready_once;
		parked += !master->slots[i]->ready_once && master->slots[i]->state == SLOT_PARKED;
	}
	if (ready + parked < master->slot_count)
		return;
	if (ready == 0) {
		master_give_up(master, CLUSTER_EXIT_CRASH);
		return;
	}
	master->ready_told = true;
	master->program->ready(master->program->context, &master->listeners, ready);
	logger_tell(master); /* what standard error is may have changed with that */
}

/* --- a worker is ready --- */

static void on_ready(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;
	struct slot *slot = master->slots[instance->slot];
	bool served = slot->state == SLOT_SERVING;

	(void)frame;
	instance_serve(instance);
	if (slot_worker_ready(slot, instance)) { /* it leads, and who led before drains */
		if (!served)
			adopt_release(slot);
		check_start(master);
		rolling_ready(master, instance);
	}
	place(master);
}

/* --- it gives connections, or answers for those that it was given --- */

static void on_given(struct instance *instance, struct brood_frame *frame)
{
	enum kill_reason wrong = spread_given(instance, frame);

	if (wrong != KILL_NOT)
		instance_kill(instance, wrong);
}

static void on_answer(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;

	if (!handoff_answer(&master->handoff, &instance->target, frame))
		instance_kill(instance, KILL_WRONG_ANSWER);
	else if (master->handoff.waiting_count > 0)
		place(master);
}

/* --- it holds only what cannot move --- */

static void on_handed_over(struct instance *instance, struct brood_frame *frame)
{
	(void)frame;
	instance->handed_over = true;
	rolling_settled(instance->master);
}

/* --- somebody asked it to leave --- */

static void on_replace(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;
	struct slot *slot = master->slots[instance->slot];

	(void)frame;
	if (master->state == MASTER_RUNNING && slot->lead == instance)
		slot_replace(slot, instance->next);
}

/* --- it was stopped, or goes on --- */

/* Its heartbeat would tell too, but only after a second of connections that nobody answers. */
void supervisor_changed(void *context, pid_t pid, int stopped)
{
	struct master *master = context;
	struct instance *instance = instance_find_pid(master, pid);

	if (stopped)
		closer_stopped(&master->closer, pid);
	if (!instance || instance->stopped == (stopped != 0))
		return;
	instance->stopped = stopped != 0;
	log_warn("worker %u [%d] was %s", instance->slot, pid, stopped ? "stopped" : "continued");
	if (master->state != MASTER_RUNNING)
		return;
	adopt_follow(master, clock_now_ms());
	place(master);
	rolling_settled(master);
}

/* --- it has ended --- */

void supervisor_ended(struct instance *instance, const struct brood_process_end *end)
{
	struct master *master = instance->master;
	struct slot *slot = master->slots[instance->slot];
	bool accident = end->signal != 0 && instance->killed == KILL_NOT;
	enum slot_loss loss;

	/* What it said last counts: its channel is read to the end before it is decided what it left undone. */
	instance->reaped = true;
	if (instance->channel)
		brood_channel_drain(instance->channel);
	handoff_target_gone(&master->handoff, &instance->target);
	if (master->program->ended)
		master->program->ended(master->program->context, master, board_place(instance->slot, instance->record));
	/* What there is to say about it. */
	obituary_of_end(instance, end);
	cut_ended(instance);
	rolling_report(master, instance, end);
	/* What its slot does without it; then who comes next. */
	instance_let_go(instance);
	loss = slot_worker_ended(slot, instance, end);
	instance_free(instance);
	if (loss == SLOT_LOST_FOR_GOOD)
		master_give_up(master, CLUSTER_EXIT_CRASH);
	if (loss == SLOT_LOST_LEAD && slot->state == SLOT_PARKED)
		check_start(master);
	slots_start(master);
	rolling_lost(master, slot, loss, accident);
	slot_has_room(slot);
	/* What waited for its end. */
	master_leave_if_done(master);
}

/* --- slots change --- */

int supervisor_resize(struct master *master, unsigned count)
{
	int error = slots_resize(master, count);

	if (error)
		return error;
	slots_start(master);
	rolling_resized(master);
	adopt_follow(master, clock_now_ms());
	return 0;
}

void supervisor_drain(struct slot *slot, bool drain)
{
	struct master *master = slot->master;

	slot_drain(slot, drain);
	slots_start(master);
	if (drain)
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
static bool is_timely(const struct instance *instance, uint32_t type)
{
	switch (type) {
	case MESSAGE_READY:
		return instance->phase == INSTANCE_STARTING && instance->killed == KILL_NOT && !instance->reaped;
	case MESSAGE_REPLACE:
		return instance->phase == INSTANCE_SERVING && instance->killed == KILL_NOT && !instance->reaped;
	case MESSAGE_HANDED_OVER:
		return instance->phase == INSTANCE_DRAINING;
	case MESSAGE_GIVE:
		return instance->phase == INSTANCE_DRAINING || instance->killed == KILL_NOT;
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
	void (*take)(struct instance *instance, struct brood_frame *frame);
} messages[] = {
	{MESSAGE_READY, CARGO_NONE, on_ready},
	{MESSAGE_GIVE, CARGO_CONNECTIONS, on_given},
	{MESSAGE_HANDED_OVER, CARGO_NONE, on_handed_over},
	{MESSAGE_TAKEN, CARGO_NONE, on_answer},
	{MESSAGE_REFUSED, CARGO_NONE, on_answer},
	{MESSAGE_REPLACE, CARGO_NONE, on_replace},
	{MESSAGE_HEARD, CARGO_NONE, news_heard},
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
	struct instance *instance = context;
	size_t at = 0, count = sizeof(messages) / sizeof(messages[0]);

	while (at < count && messages[at].type != frame->type)
		at++;
	if (!carries(frame, at < count ? messages[at].cargo : CARGO_NONE))
		instance_kill(instance, KILL_WRONG_CARGO);
	else if (at < count && is_timely(instance, frame->type))
		messages[at].take(instance, frame);
}

/* It closed its end: it is exiting or dead, which SIGCHLD says too. Nothing can be sent any more. */
static void on_closed(void *context, int error)
{
	struct instance *instance = context;

	if (error == -EPROTO)
		instance_kill(instance, KILL_GARBAGE);
	handoff_target_gone(&instance->master->handoff, &instance->target);
	brood_channel_free(instance->channel);
	instance->channel = NULL;
	place(instance->master);
}

static void on_discard(void *context, int fd)
{
	const struct instance *instance = context;

	master_discard(instance->master, fd);
}

void supervisor_open(struct master *master)
{
	static const struct brood_channel_handlers handlers = {
		.frame = on_frame,
		.closed = on_closed,
		.discard = on_discard,
	};

	list_init(&master->instances);
	master->worker_handlers = &handlers;
}
