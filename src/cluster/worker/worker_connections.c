/* SPDX-License-Identifier: MIT
 *
 * A worker's connections: accepted, taken from the master, given away when it drains. Worker only. */
#include "cluster/worker/worker_self.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/socket.h"
#include "brood/channel.h"
#include "cluster/ipc/acceptor.h"
#include "cluster/policy/balance.h"
#include "cluster/policy/program_call.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

_Static_assert((int)MESSAGE_BATCH <= (int)CLUSTER_EXPECTED_MAX, "so many come at a time");

enum {
	FULL_MS = 100,    /* pause at max_connections, cut short when one ends */
	FREE_AT_ONCE = 8, /* descriptors */
	STUCK_MS = 5,     /* the master could not be given more; look again */
};

/* --- counting --- */

static void count_opened(struct worker *worker)
{
	worker->connections++;
	board_store64(&worker->record->opened, ++worker->opened);
}

static void count_closed(struct worker *worker)
{
	worker->connections--;
	board_store64(&worker->record->closed, ++worker->closed);
	if (worker->acceptor && worker->connections + 1 == worker->max_connections)
		acceptor_resume(worker->acceptor);
}

void worker_leave(struct worker *worker, int code)
{
	worker->exit_code = code;
	event_base_loopexit(worker->base, NULL);
}

/* The last connection of one that drains or stops takes it along. */
void worker_leave_if_finished(struct worker *worker)
{
	if (worker->phase >= WORKER_DRAINING && worker->connections + worker->parting == 0)
		worker_leave(worker, CLUSTER_EXIT_DONE);
}

void worker_connection_closed(struct worker *worker)
{
	count_closed(worker);
	worker_leave_if_finished(worker);
}

/* --- giving way --- */

/* Whoever comes now gets the place of an idle one. */
static bool can_make_room(const struct worker *worker, unsigned already)
{
	return worker->connections + already <
	       worker->max_connections + PROGRAM_CALL(worker->program, 0, worker.evictable);
}

static void make_room(struct worker *worker)
{
	while (worker->connections > worker->max_connections && PROGRAM_CALL(worker->program, false, worker.make_room))
		;
}

static bool free_descriptor(struct worker *worker)
{
	return PROGRAM_CALL(worker->program, false, worker.free_descriptor);
}

/* For some there was no descriptor left. New ones are going to be sent again, and there will be others; one that moves
 * goes elsewhere, and nobody gives way to it. */
static void free_descriptors(struct worker *worker, const struct handoff_item *lost, size_t count)
{
	unsigned fresh = 0;

	for (size_t i = 0; i < count; i++)
		fresh += lost[i].state == NULL;
	for (unsigned i = 0; fresh > 0 && i < fresh + FREE_AT_ONCE && free_descriptor(worker); i++)
		;
}

void worker_connection_parting(struct worker *worker)
{
	worker->parting++;
	count_closed(worker);
}

void worker_connection_parted(struct worker *worker)
{
	worker->parting--;
	worker_leave_if_finished(worker);
}

/* --- accepting --- */

/* A worker that is full looks away for a moment first where others, who may have room, hear of the same
 * connection. */
static enum acceptor_verdict may_accept(void *context, bool after_pause, unsigned *pause_ms)
{
	struct worker *worker = context;
	bool ours = after_pause || worker->birth->options->accept != CLUSTER_ACCEPT_SHARED;
	uint64_t total;
	unsigned workers;

	if (worker->connections >= worker->max_connections) {
		*pause_ms = ours ? FULL_MS : BALANCE_STEP_BACK_MS;
		return ours && can_make_room(worker, 0) ? ACCEPTOR_GO_ON : ACCEPTOR_PAUSE;
	}
	if (ours)
		return ACCEPTOR_GO_ON;
	board_sum(worker->boards, worker->board_count, clock_now_ms(), &workers, &total);
	*pause_ms = BALANCE_STEP_BACK_MS;
	return balance_steps_back(worker->connections, total, workers) ? ACCEPTOR_PAUSE : ACCEPTOR_GO_ON;
}

static void discard(struct worker *worker, int fd)
{
	fd_close(&fd);
	worker_connection_closed(worker);
}

static void take_new(struct worker *worker, int fd, unsigned listener, unsigned flags)
{
	const struct cluster_program *program = worker->program;

	count_opened(worker);
	make_room(worker);
	if (program->worker.connection)
		program->worker.connection(program->context, fd, listener, flags);
	else
		discard(worker, fd);
}

static void accepted(void *context, int fd, unsigned listener, bool scarce)
{
	take_new(context, fd, listener, scarce ? CLUSTER_SCARCE : 0);
}

static bool relieve(void *context)
{
	return free_descriptor(context);
}

static const struct acceptor_handlers acceptor_handlers = {
	.may_accept = may_accept,
	.accepted = accepted,
	.relieve = relieve,
};

int worker_start_accepting(struct worker *worker)
{
	const struct birth *birth = worker->birth;
	int error;

	if (birth->options->accept == CLUSTER_ACCEPT_HANDOFF)
		return 0;
	worker->acceptor = acceptor_new(worker->base, &acceptor_handlers, worker);
	if (!worker->acceptor)
		return -ENOMEM;
	for (size_t i = 0; i < birth->socket_count; i++) {
		error = acceptor_add(worker->acceptor, birth->sockets[i], birth->listeners[i], birth->slot);
		if (error)
			return error;
	}
	return 0;
}

void worker_stop_accepting(struct worker *worker)
{
	acceptor_free(worker->acceptor);
	worker->acceptor = NULL;
}

/* --- taking --- */

/* One that moves here is, as a rule, idle itself, so no other gives way to it. */
static bool can_take(const struct worker *worker, const struct handoff_item *item, unsigned already)
{
	bool full = worker->connections + already >= worker->max_connections;

	if (worker->phase != WORKER_SERVING)
		return false;
	if (!item->state)
		return !full || can_make_room(worker, already);
	return !full && PROGRAM_CALL(worker->program, false, worker.understands, item->state, item->state_size);
}

static void take(struct worker *worker, int fd, const struct handoff_item *item)
{
	if (!item->state) {
		take_new(worker, fd, item->listener, CLUSTER_GIVEN);
		return;
	}
	count_opened(worker);
	if (PROGRAM_CALL(worker->program, -EINVAL, worker.moved, fd, item->listener, item->state, item->state_size) <
	    0) {
		log_error("a connection that moved here could not be taken");
		discard(worker, fd);
	}
}

void worker_take_frame(struct worker *worker, struct brood_frame *frame)
{
	struct handoff_item items[MESSAGE_BATCH], taken[MESSAGE_BATCH], refused[MESSAGE_BATCH];
	int fds[MESSAGE_BATCH], count = handoff_read(frame, items), error;
	unsigned taken_count = 0, refused_count = 0;

	for (int i = 0; i < count; i++) {
		if ((size_t)i >= frame->fd_count || !can_take(worker, &items[i], taken_count)) {
			refused[refused_count++] = items[i];
			continue;
		}
		fds[taken_count] = frame->fds[i];
		frame->fds[i] = -1;
		taken[taken_count++] = items[i];
		if (items[i].state)
			PROGRAM_TELL(worker->program, worker.expect, items[i].state, items[i].state_size);
	}
	if (count > 0 && (size_t)count > frame->fd_count)
		free_descriptors(worker, &items[frame->fd_count], (size_t)count - frame->fd_count);
	/* "Taken" goes out before a byte is read: after it the giver forgets, before it it would give
	 * the connection to somebody else if this process died. An answer that cannot be sent means
	 * that the master is gone, which its end-of-file will say. */
	worker->taken += taken_count;
	board_store64(&worker->record->taken, worker->taken);
	error = handoff_reply(worker->channel, MESSAGE_TAKEN, taken, taken_count);
	if (!error)
		error = handoff_reply(worker->channel, MESSAGE_REFUSED, refused, refused_count);
	if (error)
		log_debug("an answer to the master was lost: %d", error);
	for (unsigned i = 0; i < taken_count; i++)
		take(worker, fds[i], &taken[i]);
}

/* --- giving --- */

static struct handoff_target *choose(void *context, const struct transfer *transfer)
{
	struct worker *worker = context;

	(void)transfer;
	return handoff_target_has_room(&worker->master, clock_now_ms()) ? &worker->master : NULL;
}

static void gone_elsewhere(void *context, const struct transfer *transfer)
{
	(void)transfer;
	worker_connection_closed(context);
}

static void take_back(struct worker *worker, int fd, unsigned listener, const void *state, size_t size)
{
	const struct cluster_program *program = worker->program;

	if (program->worker.returned)
		program->worker.returned(program->context, fd, listener, state, size);
	else
		discard(worker, fd);
}

static bool come_back(void *context, struct transfer *transfer)
{
	int fd = transfer->fd;

	transfer->fd = -1;
	take_back(context, fd, transfer->listener, transfer->state, transfer->state_size);
	return true;
}

static void stay_here(void *context, struct transfer *transfer, int error)
{
	log_warn("a connection cannot be passed on and stays: %s", strerror(-error));
	(void)come_back(context, transfer);
}

/* The taker may have it closed by now, and may have set it to linger. */
static void let_go(void *context, int fd)
{
	(void)context;
	if (fd != -1)
		socket_close_promptly(fd);
}

static const struct handoff_rules rules = {
	.choose = choose,
	.taken = gone_elsewhere,
	.refused = come_back,
	.unsendable = stay_here,
	.discard = let_go,
};

static void give_in(struct worker *worker, unsigned delay_ms)
{
	struct timeval delay = {0, delay_ms * 1000};

	if (!evtimer_pending(worker->give, NULL))
		evtimer_add(worker->give, &delay);
}

/* All that became movable in one turn of the loop goes together. */
static void on_give(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd, (void)what;
	worker->master.stuck = false;
	handoff_flush(&worker->handoff, MESSAGE_GIVE);
	if (worker->handoff.waiting_count > 0)
		give_in(worker, STUCK_MS);
}

int worker_prepare_giving(struct worker *worker)
{
	worker->give = evtimer_new(worker->base, on_give, worker);
	handoff_target_init(&worker->master, worker->channel);
	return worker->give ? handoff_init(&worker->handoff, &rules, worker) : -ENOMEM;
}

void worker_give(struct worker *worker, int fd, unsigned listener, const void *state, size_t size)
{
	if (worker->phase == WORKER_DRAINING && worker->channel &&
	    handoff_offer(&worker->handoff, fd, listener, state, size))
		give_in(worker, 0);
	else
		take_back(worker, fd, listener, state, size);
}

void worker_give_answered(struct worker *worker, const struct brood_frame *frame)
{
	if (!handoff_answer(&worker->handoff, &worker->master, frame))
		log_error("the master answered for a connection that it was not given");
	if (worker->handoff.waiting_count > 0)
		give_in(worker, 0);
	worker_check_handed_over(worker);
}

void worker_stop_giving(struct worker *worker)
{
	struct transfer *transfer;

	handoff_target_gone(&worker->handoff, &worker->master);
	while ((transfer = handoff_take_stale(&worker->handoff, UINT64_MAX))) {
		come_back(worker, transfer);
		handoff_discard(&worker->handoff, transfer);
	}
}

void worker_check_handed_over(struct worker *worker)
{
	struct brood_frame frame = {.type = MESSAGE_HANDED_OVER};

	if (worker->phase != WORKER_DRAINING || worker->handed_over || !worker->channel ||
	    worker->handoff.waiting_count + worker->master.unanswered_count > 0 ||
	    PROGRAM_CALL(worker->program, 0, worker.movable) > 0)
		return;
	worker->handed_over = brood_channel_send(worker->channel, &frame) == 0;
}
