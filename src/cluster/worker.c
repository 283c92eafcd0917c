/* SPDX-License-Identifier: MIT
 *
 * A worker process (worker.h): born, set up, serving, retiring, gone. Worker only. What is done with
 * connections is the program's affair; see cluster.h.
 *
 *     STARTING --worker_ready--> SERVING --retire--> RETIRING --last connection, or deadline--> exit
 *                                   \--stop, or the master is gone--> STOPPING --/ */
#include "cluster/worker.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "brood/channel.h"
#include "cluster/acceptor.h"
#include "cluster/balance.h"
#include "cluster/message.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_MS = 250,
	FULL_MS = 1000,  /* pause at max_connections, cut short when one ends */
	SPARE_FDS = 16,  /* for files and logs, besides connections and cached files */
};

enum phase { STARTING, SERVING, RETIRING, STOPPING };

struct worker {
	const struct birth *birth;
	const struct cluster_program *program;
	struct event_base *base;
	struct brood_channel *channel;
	struct acceptor *acceptor; /* NULL in mode handoff, and when it accepts no more */
	struct event *signals, *tick, *deadline;
	int signal_fd;
	struct board *boards; /* of all slots; read-only but for the own one */
	unsigned board_count;
	struct board_record *record;
	enum phase phase;
	unsigned connections, max_connections;
	uint64_t opened, closed;
	int exit_code;
};

static void leave(struct worker *worker, int code)
{
	worker->exit_code = code;
	event_base_loopexit(worker->base, NULL);
}

static void leave_if_finished(struct worker *worker)
{
	if (worker->phase >= RETIRING && worker->connections == 0)
		leave(worker, CLUSTER_EXIT_DONE);
}

/* --- connections --- */

static void take(struct worker *worker, int fd, unsigned listener, bool scarce)
{
	worker->connections++;
	board_store64(&worker->record->opened, ++worker->opened);
	worker->program->connection(worker->program->context, fd, listener, scarce);
}

void worker_connection_closed(struct worker *worker)
{
	worker->connections--;
	board_store64(&worker->record->closed, ++worker->closed);
	if (worker->acceptor && worker->connections + 1 == worker->max_connections)
		acceptor_resume(worker->acceptor);
	leave_if_finished(worker);
}

static enum acceptor_verdict may_accept(void *context, bool after_pause, unsigned *pause_ms)
{
	struct worker *worker = context;
	uint64_t total;
	unsigned workers;

	if (worker->connections >= worker->max_connections) {
		*pause_ms = FULL_MS;
		return ACCEPTOR_PAUSE;
	}
	if (worker->birth->accept != CLUSTER_ACCEPT_SHARED || after_pause)
		return ACCEPTOR_GO_ON;
	board_sum(worker->boards, worker->board_count, clock_now_ms(), &workers, &total);
	*pause_ms = BALANCE_STEP_BACK_MS;
	return balance_steps_back(worker->connections, total, workers) ? ACCEPTOR_PAUSE
								       : ACCEPTOR_GO_ON;
}

static void accepted(void *context, int fd, unsigned listener, bool scarce)
{
	take(context, fd, listener, scarce);
}

static const struct acceptor_handlers acceptor_handlers = {
	.may_accept = may_accept,
	.accepted = accepted,
};

static int start_accepting(struct worker *worker)
{
	const struct birth *birth = worker->birth;
	int error;

	if (birth->accept == CLUSTER_ACCEPT_HANDOFF)
		return 0;
	worker->acceptor = acceptor_new(worker->base, &acceptor_handlers, worker);
	if (!worker->acceptor)
		return -ENOMEM;
	for (size_t i = 0; i < birth->socket_count; i++) {
		error = acceptor_add(worker->acceptor, birth->sockets[i], birth->listeners[i],
				     birth->slot);
		if (error)
			return error;
	}
	return 0;
}

static void stop_accepting(struct worker *worker)
{
	acceptor_free(worker->acceptor);
	worker->acceptor = NULL;
}

/* --- the end of a life --- */

static void arm_deadline(struct worker *worker, unsigned timeout_ms)
{
	struct timeval delay = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

	event_add(worker->deadline, &delay);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd, (void)what;
	if (worker->connections > 0)
		log_info("time is up: closing %u connections", worker->connections);
	worker->program->abort(worker->program->context);
	leave(worker, CLUSTER_EXIT_DONE);
}

static void retire(struct worker *worker)
{
	if (worker->phase >= RETIRING)
		return;
	worker->phase = RETIRING;
	board_store32(&worker->record->state, BOARD_DRAINING);
	stop_accepting(worker);
	worker->program->retire(worker->program->context);
	arm_deadline(worker, worker->birth->options->drain_timeout_ms);
	leave_if_finished(worker);
}

/* Idle connections end now; what is queued on the sockets is still answered where nobody else will. */
static void stop(struct worker *worker, bool answer_queued, unsigned timeout_ms)
{
	if (worker->phase == STOPPING)
		return;
	worker->phase = STOPPING;
	board_store32(&worker->record->state, BOARD_DRAINING);
	worker->program->stop(worker->program->context);
	if (worker->acceptor && answer_queued)
		acceptor_drain(worker->acceptor);
	stop_accepting(worker);
	arm_deadline(worker, timeout_ms);
	leave_if_finished(worker);
}

/* --- what the master says --- */

static void answer(struct worker *worker, enum message_type type, struct message_ids *ids)
{
	struct brood_frame frame = {
		.type = type,
		.data = ids,
		.size = offsetof(struct message_ids, ids) + ids->count * sizeof(ids->ids[0]),
	};

	/* An answer that cannot be sent means that the master is gone; its end-of-file says so. */
	if (ids->count > 0 && brood_channel_send(worker->channel, &frame) < 0)
		log_debug("an answer to the master was lost");
}

static void on_connections(struct worker *worker, struct brood_frame *frame)
{
	const struct message_connections *message = frame->data;
	struct message_ids taken = {0}, refused = {0};

	if (frame->size < offsetof(struct message_connections, each) ||
	    message->count > MESSAGE_BATCH || frame->fd_count > message->count)
		return;
	for (unsigned i = 0; i < message->count; i++) {
		/* Descriptors are installed in order, so those that were lost are the last ones. */
		bool room = i < frame->fd_count && worker->phase == SERVING &&
			    worker->connections + taken.count < worker->max_connections;
		struct message_ids *ids = room ? &taken : &refused;

		ids->ids[ids->count++] = message->each[i].id;
	}
	/* "Taken" goes out before a byte is read: after it the master forgets, before it it would give
	 * the connection to somebody else if this process died. */
	answer(worker, MESSAGE_TAKEN, &taken);
	answer(worker, MESSAGE_REFUSED, &refused);
	for (unsigned i = 0; i < taken.count; i++) {
		int fd = frame->fds[i];

		frame->fds[i] = -1;
		take(worker, fd, message->each[i].listener, false);
	}
}

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

/* A slot was added: its page is needed to know the mean. */
static void on_board(struct worker *worker, struct brood_frame *frame)
{
	const struct message_board *message = frame->data;
	struct board *boards;

	if (frame->size != sizeof(*message) || frame->fd_count != 1 ||
	    message->slot >= CLUSTER_SLOTS_MAX || message->slot == worker->birth->slot)
		return;
	if (message->slot >= worker->board_count) {
		boards = realloc(worker->boards, (message->slot + 1) * sizeof(*boards));
		if (!boards)
			return;
		worker->boards = boards;
		while (worker->board_count <= message->slot)
			boards[worker->board_count++] = (struct board){.fd = -1};
	}
	board_close(&worker->boards[message->slot]);
	if (board_map_readonly(&worker->boards[message->slot], frame->fds[0]) < 0)
		log_warn("cannot see the scoreboard of slot %u", message->slot);
	frame->fds[0] = -1;
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct worker *worker = context;

	switch (frame->type) {
	case MESSAGE_CONNECTIONS:
		on_connections(worker, frame);
		break;
	case MESSAGE_RETIRE:
		retire(worker);
		break;
	case MESSAGE_STOP:
		stop(worker, true, worker->birth->options->stop_timeout_ms);
		break;
	case MESSAGE_LOGS:
		worker->program->logs(worker->program->context, frame->fds, frame->fd_count);
		for (size_t i = 0; i < frame->fd_count; i++)
			frame->fds[i] = -1;
		break;
	case MESSAGE_ADOPT:
		on_adopt(worker, frame);
		break;
	case MESSAGE_RELEASE:
		on_release(worker, frame);
		break;
	case MESSAGE_BOARD:
		on_board(worker, frame);
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
	stop(worker, false, worker->birth->options->drain_timeout_ms);
}

static const struct brood_channel_handlers channel_handlers = {
	.frame = on_frame,
	.closed = on_orphaned,
};

/* --- events of its own --- */

/* TERM or QUIT to a worker means "this one shall go": the master is asked for a successor first. The
 * other signals are meant for the master and come here only from a terminal. */
static void on_signal(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;
	struct signals_received received;
	struct brood_frame frame = {.type = MESSAGE_REPLACE};

	(void)what;
	while (signals_read(fd, &received) > 0) {
		if ((received.signal != SIGTERM && received.signal != SIGQUIT) ||
		    worker->phase != SERVING)
			continue;
		if (brood_channel_send(worker->channel, &frame) < 0)
			retire(worker);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd, (void)what;
	board_store64(&worker->record->heartbeat_ms, clock_now_ms());
	worker->program->tick(worker->program->context);
}

void worker_ready(struct worker *worker)
{
	struct brood_frame frame = {.type = MESSAGE_READY};

	if (worker->phase != STARTING)
		return;
	if (start_accepting(worker) < 0 || brood_channel_send(worker->channel, &frame) < 0) {
		leave(worker, CLUSTER_EXIT_RESOURCES);
		return;
	}
	worker->phase = SERVING;
	board_store64(&worker->record->heartbeat_ms, clock_now_ms());
	board_store32(&worker->record->state, BOARD_SERVING);
}

void worker_report(struct worker *worker, uint64_t requests, unsigned idle)
{
	board_store64(&worker->record->requests, requests);
	board_store32(&worker->record->idle, idle);
}

void worker_fail(struct worker *worker, enum cluster_exit code)
{
	leave(worker, code);
}

unsigned worker_slot(const struct worker *worker)
{
	return worker->birth->slot;
}

unsigned worker_generation(const struct worker *worker)
{
	return worker->birth->generation;
}

/* --- birth --- */

/* Files that are kept open for sending have an eighth of the limit (see http.h), connections what is
 * left. */
static unsigned connections_by_limit(void)
{
	size_t limit = fd_raise_limit();
	size_t files = limit / 8 < 1024 ? limit / 8 : 1024;
	size_t other = fd_count_open() + files + SPARE_FDS;

	if (limit <= other)
		return 1;
	return limit - other < 1000000 ? (unsigned)(limit - other) : 1000000;
}

static int map_boards(struct worker *worker)
{
	const struct birth *birth = worker->birth;
	int error = 0;

	worker->boards = birth->boards;
	worker->board_count = birth->board_count;
	worker->record = &birth->boards[birth->slot].page->records[birth->record];
	fd_close(&birth->boards[birth->slot].fd);
	for (unsigned i = 0; i < birth->board_count && error == 0; i++)
		if (i != birth->slot)
			error = board_demote(&worker->boards[i]);
	return error;
}

static int watch(struct worker *worker)
{
	static const int wanted[] = {SIGTERM, SIGQUIT, SIGINT,  SIGHUP, SIGUSR1,
				     SIGUSR2, SIGTTIN, SIGTTOU, SIGALRM};
	struct timeval interval = {0, TICK_MS * 1000};

	worker->signal_fd = signals_open(wanted, sizeof(wanted) / sizeof(wanted[0]));
	if (worker->signal_fd < 0)
		return worker->signal_fd;
	worker->signals = event_new(worker->base, worker->signal_fd, EV_READ | EV_PERSIST, on_signal,
				    worker);
	worker->tick = event_new(worker->base, -1, EV_PERSIST, on_tick, worker);
	worker->deadline = evtimer_new(worker->base, on_deadline, worker);
	if (!worker->signals || !worker->tick || !worker->deadline ||
	    event_add(worker->signals, NULL) < 0 || event_add(worker->tick, &interval) < 0)
		return -ENOMEM;
	return 0;
}

/* In this order: what needs the old rights, the rights, what must not have them. */
static int set_up(struct worker *worker)
{
	const struct birth *birth = worker->birth;
	int error = map_boards(worker);

	if (error) {
		log_error("cannot map the scoreboard: %s", strerror(-error));
		return CLUSTER_EXIT_RESOURCES;
	}
	error = privilege_drop(&birth->options->privilege);
	if (error) {
		log_error("cannot become user '%s': %s", birth->options->privilege.user,
			  strerror(-error));
		return CLUSTER_EXIT_FATAL;
	}
	worker->base = event_base_new();
	if (!worker->base || watch(worker) < 0 ||
	    brood_channel_open(&worker->channel, worker->base, birth->channel, &channel_handlers,
			       worker) < 0) {
		log_error("cannot set up an event loop");
		return CLUSTER_EXIT_RESOURCES;
	}
	worker->max_connections = birth->options->max_connections;
	if (worker->max_connections == 0)
		worker->max_connections = connections_by_limit();
	return worker->program->start(worker->program->context, worker, worker->base);
}

int worker_main(void *argument)
{
	const struct birth *birth = argument;
	struct worker worker = {.birth = birth, .program = birth->program, .signal_fd = -1};
	char tag[32];
	int code;

	snprintf(tag, sizeof(tag), "worker %u", birth->slot);
	log_set_tag(tag);
	code = set_up(&worker);
	if (code != 0)
		return code;
	event_base_dispatch(worker.base);
	worker.program->finish(worker.program->context);
	return worker.exit_code;
}
