/* SPDX-License-Identifier: MIT
 *
 * A worker process: born, set up, serving, draining, gone. Worker only. What is done with connections
 * is the program's affair; see cluster.h.
 *
 *     STARTING --worker_ready--> SERVING --drain--> DRAINING --last connection, or deadline--> exit
 *                                   |                   |           gone
 *                                   +---------+---------+
 *                                             | stop, or the master is gone
 *                                             +--> STOPPING --the same--> exit */
#include "cluster/worker/worker.h"

#include "cluster/worker/worker_self.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/signals.h"
#include "brood/channel.h"
#include "brood/process.h"
#include "cluster/policy/program_call.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

enum {
	TICK_MS = 250,
	SPARE_FDS = 16, /* for files and logs, besides connections and cached files */
	PARTING_FDS = 256,
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
		if ((received.signal != SIGTERM && received.signal != SIGQUIT) || worker->phase != WORKER_SERVING)
			continue;
		if (brood_channel_send(worker->channel, &frame) < 0)
			worker_drain(worker);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd, (void)what;
	board_store64(&worker->record->heartbeat_ms, clock_now_ms());
	PROGRAM_TELL(worker->program, worker.tick);
	log_outlet_ring(&worker->log);
	heap_tick(&worker->heap, clock_now_ms());
	worker_check_handed_over(worker);
}

void worker_ready(struct worker *worker)
{
	struct brood_frame frame = {.type = MESSAGE_READY};

	if (worker->phase != WORKER_STARTING)
		return;
	/* On the board first: once the master has heard of it, it looks there before it gives anything. */
	worker->phase = WORKER_SERVING;
	board_store64(&worker->record->heartbeat_ms, clock_now_ms());
	board_store32(&worker->record->state, BOARD_SERVING);
	if (worker_start_accepting(worker) < 0 || brood_channel_send(worker->channel, &frame) < 0)
		worker_leave(worker, CLUSTER_EXIT_RESOURCES);
}

void worker_report(struct worker *worker, uint64_t requests)
{
	board_store64(&worker->record->requests, requests);
}

void worker_report_idle(struct worker *worker, unsigned idle)
{
	board_store32(&worker->record->idle, idle);
}

void worker_fail(struct worker *worker, enum cluster_exit code)
{
	worker_leave(worker, code);
}

unsigned worker_listener_tag(const struct worker *worker, unsigned listener)
{
	const struct birth *birth = worker->birth;

	for (size_t i = 0; i < birth->tag_count; i++)
		if (birth->tags[i].id == listener)
			return birth->tags[i].tag;
	return 0;
}

struct log_outlet *worker_log(struct worker *worker)
{
	return &worker->log;
}

unsigned worker_slot(const struct worker *worker)
{
	return worker->birth->slot;
}

unsigned worker_generation(const struct worker *worker)
{
	return worker->birth->generation;
}

unsigned worker_number(const struct worker *worker)
{
	return board_worker_number(worker->birth->slot, worker->birth->record);
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
	/* Those that have given way are open for a moment beside those that came. */
	limit -= other;
	limit -= limit / 8 < PARTING_FDS ? limit / 8 : PARTING_FDS;
	return limit < 1000000 ? (unsigned)limit : 1000000;
}

static int map_boards(struct worker *worker)
{
	const struct birth *birth = worker->birth;
	int error = 0;

	worker->boards = birth->boards;
	worker->board_count = birth->board_count;
	worker->record = &birth->boards[birth->slot].cells[birth->record]->record;
	for (unsigned i = 0; i < birth->board_count && error == 0; i++)
		error = board_demote(&worker->boards[i], i == birth->slot ? birth->record : -1);
	return error;
}

static int watch(struct worker *worker)
{
	static const int wanted[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGALRM};
	struct timeval interval = {0, TICK_MS * 1000};

	worker->signal_fd = signals_open(wanted, sizeof(wanted) / sizeof(wanted[0]));
	if (worker->signal_fd < 0)
		return worker->signal_fd;
	worker->signals = event_new(worker->base, worker->signal_fd, EV_READ | EV_PERSIST, on_signal, worker);
	worker->tick = event_new(worker->base, -1, EV_PERSIST, on_tick, worker);
	if (!worker->signals || !worker->tick || event_add(worker->signals, NULL) < 0 ||
	    event_add(worker->tick, &interval) < 0)
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
		log_error("cannot become user '%s': %s", birth->options->privilege.user, strerror(-error));
		return CLUSTER_EXIT_FATAL;
	}
	brood_process_wake_at_end();
	/* For each descriptor it keeps a few octets for good. */
	event_set_mem_functions(heap_lasting_malloc, heap_lasting_realloc, heap_lasting_free);
	worker->base = event_base_new();
	if (!worker->base || watch(worker) < 0 ||
	    brood_channel_open(&worker->channel, worker->base, birth->channel, &worker_channel_handlers, worker) < 0 ||
	    worker_prepare_end(worker) < 0 || worker_prepare_giving(worker) < 0) {
		log_error("cannot set up an event loop");
		return CLUSTER_EXIT_RESOURCES;
	}
	worker->max_connections = birth->options->max_connections;
	if (worker->max_connections == 0)
		worker->max_connections = connections_by_limit();
	if (worker->program->worker.start)
		return worker->program->worker.start(worker->program->context, worker, worker->base);
	worker_ready(worker);
	return 0;
}

/* Before the first octet of a client is read. Where there is no filter, rights and limits must do. */
static void lock(void)
{
	int error = sandbox_enter();

	if (error)
		log_debug("no filter of system calls: %s", strerror(-error));
}

int worker_main(void *argument)
{
	const struct birth *birth = argument;
	struct worker worker = {.birth = birth, .program = birth->program, .signal_fd = -1};
	char tag[LOG_TAG_MAX];
	int code;

	snprintf(tag, sizeof(tag), "worker %u", birth->slot);
	log_set_tag(tag);
	if (log_outlet_open(&worker.log, &birth->log) < 0)
		return CLUSTER_EXIT_RESOURCES; /* nobody would hear why */
	log_set_tap(log_ring_add, &birth->boards[birth->slot].cells[birth->record]->log);
	code = set_up(&worker);
	if (code != 0)
		return code;
	/* Whatever is to be forked off a worker is forked here: all is set up, and nothing has been read. */
	lock();
	event_base_dispatch(worker.base);
	return worker.exit_code;
}
