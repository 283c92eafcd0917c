/* SPDX-License-Identifier: MIT
 *
 * What the master says to a worker, and its silence. Worker only. */
#include "cluster/worker/worker_self.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/acceptor.h"
#include "cluster/policy/program_call.h"

#include <stdlib.h>

static void on_adopt(struct worker *worker, struct brood_frame *frame)
{
	const struct message_sockets *message = frame->data;

	if (!worker->acceptor || frame->size != sizeof(*message) || message->count > MESSAGE_BATCH ||
	    frame->fd_count != message->count)
		return;
	for (unsigned i = 0; i < message->count; i++) {
		int fd = frame->fds[i];

		frame->fds[i] = -1;
		if (acceptor_add(worker->acceptor, fd, message->listeners[i], message->slot) < 0)
			log_error("no memory to listen for slot %u", message->slot);
	}
}

static void on_release(struct worker *worker, const struct brood_frame *frame)
{
	const struct message_sockets *message = frame->data;

	if (worker->acceptor && frame->size == sizeof(*message) && message->slot != worker->birth->slot)
		acceptor_remove_group(worker->acceptor, message->slot);
}

/* Another configuration is in force: what was bound for it listens from now on, and what it does not have goes. */
static void on_listeners(struct worker *worker, const struct brood_frame *frame)
{
	const struct message_sockets *message = frame->data;

	if (worker->acceptor && frame->size == sizeof(*message) && message->count <= MESSAGE_BATCH)
		acceptor_keep(worker->acceptor, message->listeners, message->count);
}

/* A record was made: it is needed to know the mean. */
static void on_board(struct worker *worker, struct brood_frame *frame)
{
	const struct message_board *message = frame->data;
	struct board *boards;

	if (frame->size != sizeof(*message) || frame->fd_count != 1 || message->slot >= CLUSTER_SLOTS_MAX ||
	    message->record >= BOARD_RECORDS ||
	    (message->slot == worker->birth->slot && (int)message->record == worker->birth->record))
		return;
	if (message->slot >= worker->board_count) {
		boards = realloc(worker->boards, (message->slot + 1) * sizeof(*boards));
		if (!boards)
			return;
		worker->boards = boards;
		while (worker->board_count <= message->slot)
			board_init(&boards[worker->board_count++]);
	}
	if (board_show(&worker->boards[message->slot], (int)message->record, frame->fds[0]) < 0)
		log_warn("cannot see the scoreboard of slot %u", message->slot);
	frame->fds[0] = -1;
}

/* A master that cannot be answered is gone, or ends whoever does not read. */
static void answer(const struct worker *worker, uint32_t question, bool taken)
{
	struct message_heard heard = {question, taken};
	struct brood_frame frame = {.type = MESSAGE_HEARD, .data = &heard, .size = sizeof(heard)};

	if (brood_channel_send(worker->channel, &frame) < 0)
		log_warn("the master cannot be told what has become of its news");
}

static void on_broadcast(struct worker *worker, struct brood_frame *frame)
{
	const struct message_broadcast *message = frame->data;
	bool taken;

	if (frame->size < sizeof(*message))
		return;
	taken = PROGRAM_CALL(worker->program, false, worker.broadcast, message->kind, message + 1,
			     frame->size - sizeof(*message), frame->fds, frame->fd_count);
	if (message->question != 0 && worker->channel)
		answer(worker, message->question, taken);
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct worker *worker = context;

	switch (frame->type) {
	case MESSAGE_CONNECTIONS:
		worker_take_frame(worker, frame);
		break;
	case MESSAGE_TAKEN:
	case MESSAGE_REFUSED:
		worker_give_answered(worker, frame);
		break;
	case MESSAGE_LEAVING:
		PROGRAM_TELL(worker->program, worker.leaving);
		break;
	case MESSAGE_DRAIN:
		worker_drain(worker);
		break;
	case MESSAGE_STOP:
		worker_stop(worker, true, worker->birth->options->stop_timeout_ms);
		break;
	case MESSAGE_ABORT:
		worker_abort(worker);
		break;
	case MESSAGE_ADOPT:
		on_adopt(worker, frame);
		break;
	case MESSAGE_RELEASE:
		on_release(worker, frame);
		break;
	case MESSAGE_LISTENERS:
		on_listeners(worker, frame);
		break;
	case MESSAGE_BOARD:
		on_board(worker, frame);
		break;
	case MESSAGE_BROADCAST:
		on_broadcast(worker, frame);
		break;
	default: /* of a later version: not for us */
		break;
	}
}

/* The master is gone without a word. Nobody owns the sockets any more, so listening ends at once. */
static void on_orphaned(void *context, int error)
{
	struct worker *worker = context;

	(void)error;
	log_warn("the master is gone: finishing");
	brood_channel_free(worker->channel);
	worker->channel = NULL;
	worker_stop_giving(worker);
	worker_stop(worker, false, worker->birth->options->drain_timeout_ms);
}

const struct brood_channel_handlers worker_channel_handlers = {
	.frame = on_frame,
	.closed = on_orphaned,
};
