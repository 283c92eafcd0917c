/* SPDX-License-Identifier: MIT
 *
 * One worker process as the master sees it: fork, messages, end. Master only. */
#include "cluster/master/worker_process.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/policy/program_call.h"
#include "cluster/worker/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MAX = 32768, DRAIN_GRACE_MS = 1000 };

struct board_record *worker_process_record(const struct worker_process *worker)
{
	return &worker->master->boards[worker->slot].cells[worker->record]->record;
}

struct worker_process *worker_process_find(const struct master *master, uint64_t serial)
{
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->serial == serial)
			return worker;
	return NULL;
}

struct worker_process *worker_process_find_pid(const struct master *master, pid_t pid)
{
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->pid == pid)
			return worker;
	return NULL;
}

void worker_processes_show_board(struct master *master, unsigned slot, int record)
{
	struct message_board message = {.slot = slot, .record = (uint32_t)record};
	int fd;
	struct brood_frame frame = {
		.type = MESSAGE_BOARD, .data = &message, .size = sizeof(message), .fds = &fd, .fd_count = 1};

	if (list_empty(&master->workers))
		return; /* whoever is forked later has it anyway */
	fd = board_open_readonly(&master->boards[slot], record);
	if (fd < 0)
		return; /* they go on with the mean of those that they know */
	admin_say(master, &frame);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->channel && brood_channel_send(worker->channel, &frame) < 0)
			log_debug("worker %u was not told of slot %u", worker->slot, slot);
	fd_close(&fd);
}

const char *worker_process_why_killed(const struct worker_process *worker)
{
	return worker->own_why[0] != '\0' ? worker->own_why : kill_reason_words(worker->killed);
}

static void arm(struct worker_process *worker, unsigned delay_ms)
{
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	event_add(worker->timer, &delay);
}

void worker_process_kill(struct worker_process *worker, enum kill_reason why)
{
	if (worker->killed == KILL_NOT)
		worker->killed = why;
	if (worker->life != WORKER_IS_REAPED) /* so the number cannot be another's */
		kill(worker->pid, SIGKILL);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct worker_process *worker = argument;

	(void)fd, (void)what;
	if (worker->phase == WORKER_STARTING)
		worker_process_kill(worker, KILL_START_TIMEOUT);
	else
		worker_process_kill(worker, KILL_DRAIN_TIMEOUT);
}

void worker_process_send(struct worker_process *worker, const struct brood_frame *frame)
{
	int error = worker->channel ? brood_channel_send(worker->channel, frame) : -EPIPE;

	/* One that has left its channel is on its way out; one that does not read must be ended. */
	if (error < 0 && error != -EPIPE)
		worker_process_kill(worker, KILL_DEAF);
}

static void send_simple(struct worker_process *worker, enum message_type type)
{
	worker_process_send(worker, &(struct brood_frame){.type = type});
}

void worker_process_drain(struct worker_process *worker)
{
	if (worker->phase == WORKER_DRAINING)
		return;
	worker->phase = WORKER_DRAINING;
	send_simple(worker, MESSAGE_DRAIN);
	arm(worker, worker->master->options.drain_timeout_ms + DRAIN_GRACE_MS);
}

void worker_process_announce_stop(struct worker_process *worker)
{
	send_simple(worker, MESSAGE_LEAVING);
}

void worker_process_stop(struct worker_process *worker)
{
	worker->phase = WORKER_DRAINING;
	event_del(worker->timer); /* stop_timeout rules from here on */
	send_simple(worker, MESSAGE_STOP);
}

/* --- birth and end --- */

/* What the child is to keep besides its channel: its sockets, all boards, what the program needs. */
static size_t list_kept(struct master *master, const struct birth *birth, int *fds, size_t room)
{
	size_t count = 0;

	fds[count++] = birth->channel;
	fds[count++] = birth->log.queue;
	fds[count++] = birth->log.pipe;
	for (size_t i = 0; i < birth->socket_count; i++)
		fds[count++] = birth->sockets[i];
	count += master_keep_boards(master, fds + count);
	return count + PROGRAM_CALL(master->program, 0, master.worker_fds, fds + count, room - count);
}

static pid_t fork_worker(struct master *master, struct birth *birth)
{
	char title[16];
	size_t room = 3 + birth->socket_count + birth->board_count * BOARD_RECORDS + KEEP_MAX;
	struct brood_process_options options = {.main = worker_main, .context = birth, .title = title};
	int *kept = malloc(room * sizeof(int));
	pid_t pid;

	if (!kept)
		return -ENOMEM;
	snprintf(title, sizeof(title), CLUSTER_CHILD_NAME "w%u", birth->slot);
	options.keep_fds = kept;
	options.keep_count = list_kept(master, birth, kept, room);
	pid = brood_process_fork(&options);
	free(kept);
	return pid;
}

/* Keeps errno. */
void worker_process_free(struct worker_process *worker)
{
	int error = errno;

	if (worker->record >= 0)
		board_free_record(&worker->master->boards[worker->slot], worker->record);
	if (worker->timer)
		event_free(worker->timer);
	brood_channel_free(worker->channel);
	free(worker->hang);
	free(worker);
	errno = error;
}

/* Everything that can fail before the fork, so that a child is never without its parent's half. */
static struct worker_process *prepare(struct master *master, struct slot *slot, bool next_kind, struct birth *birth,
				      struct log_source **source)
{
	const struct cluster_options *options = next_kind ? &master->next_options : &master->options;
	bool of_next = next_kind && master->prepared >= PREPARED_SOCKETS;
	struct worker_process *worker = calloc(1, sizeof(*worker));
	char tag[LOG_TAG_MAX];
	int ends[2], error;

	if (!worker)
		return NULL;
	worker->master = master;
	worker->serial = ++master->last_serial;
	worker->slot = slot->index;
	worker->next_kind = next_kind;
	worker->generation = next_kind ? master->next_generation : master->generation;
	worker->accept = options->accept;
	worker->sockets = listeners_sockets(&master->listeners);
	worker->started_ms = clock_now_ms();
	worker->limits = recycle_decide(&options->recycle, master_random(master));
	handoff_target_init(&worker->target, NULL);
	worker->timer = evtimer_new(master->base, on_timer, worker);
	worker->record = board_take_record(&master->boards[slot->index]);
	if (worker->record < 0)
		errno = -worker->record;
	if (worker->record >= BOARD_RECORDS_KEPT)
		worker_processes_show_board(master, slot->index, worker->record);
	if (worker->record < 0 || !worker->timer || brood_channel_pair(ends) < 0)
		goto fail;
	if (brood_channel_open(&worker->channel, master->base, ends[0], master->worker_handlers, worker) < 0) {
		fd_close(&ends[1]);
		goto fail;
	}
	*birth = (struct birth){
		.slot = slot->index,
		.generation = worker->generation,
		.options = options,
		.program = master->program,
		.channel = ends[1],
		.boards = master->boards,
		.board_count = master->slot_room,
		.record = worker->record,
	};
	birth->tag_count =
		listeners_tags(&master->listeners, of_next, birth->tags, sizeof(birth->tags) / sizeof(birth->tags[0]));
	if (options->accept != CLUSTER_ACCEPT_HANDOFF)
		birth->socket_count = listeners_of_worker(&master->listeners, of_next, options->accept, slot->index,
							  birth->sockets, birth->listeners, WORKER_SOCKETS_MAX);
	snprintf(tag, sizeof(tag), "worker %u", slot->index);
	error = logger_add_source(master, tag, options, &birth->log, source);
	if (!error)
		return worker;
	errno = -error;
	fd_close(&ends[1]);
fail:
	worker_process_free(worker);
	return NULL;
}

static struct worker_process *cannot_start(const struct slot *slot, struct start_failure *failure, const char *what,
					   int error)
{
	log_error("cannot start worker %u: %s%s", slot->index, what, strerror(error));
	*failure = (struct start_failure){.what = what, .error = error};
	return NULL;
}

struct worker_process *worker_process_start(struct master *master, struct slot *slot, bool next_kind,
					    struct start_failure *failure)
{
	struct birth birth;
	struct log_source *source = NULL;
	struct worker_process *worker = prepare(master, slot, next_kind, &birth, &source);

	if (!worker)
		return cannot_start(slot, failure, "", errno);
	PROGRAM_TELL(master->program, master.use_config, next_kind);
	worker->pid = fork_worker(master, &birth);
	fd_close(&birth.channel);
	logger_source_born(master, source, &birth.log, worker->pid);
	if (worker->pid < 0) {
		cannot_start(slot, failure, "fork: ", -worker->pid);
		worker_process_free(worker);
		return NULL;
	}
	failure->what = NULL;
	worker_process_record(worker)->pid = worker->pid;
	list_append(&master->workers, &worker->link);
	arm(worker, (next_kind ? &master->next_options : &master->options)->start_timeout_ms);
	if (master_is_leaving(master))
		worker_process_announce_stop(worker);
	log_debug("worker %u [%d] of generation %u starts", slot->index, worker->pid, worker->generation);
	return worker;
}

struct worker_process *worker_process_restore(struct master *master, const struct worker_process *like, int channel,
					      unsigned timer_ms)
{
	struct worker_process *worker = malloc(sizeof(*worker));

	if (!worker)
		return NULL;
	*worker = *like;
	worker->master = master;
	worker->channel = NULL;
	worker->timer = evtimer_new(master->base, on_timer, worker);
	board_keep_record(&master->boards[worker->slot], worker->record);
	list_init(&worker->link);
	list_append(&master->workers, &worker->link);
	if (!worker->timer || (channel >= 0 && brood_channel_open(&worker->channel, master->base, channel,
								  master->worker_handlers, worker) < 0))
		return NULL; /* the restoring is over anyway */
	handoff_target_init(&worker->target, worker->ready_ms > 0 ? worker->channel : NULL);
	worker->target.given = like->target.given;
	worker->target.refused = like->target.refused;
	if (timer_ms > 0)
		arm(worker, timer_ms);
	return worker;
}

void worker_process_let_go(struct worker_process *worker)
{
	/* It is for who comes next, perhaps at once. */
	board_free_record(&worker->master->boards[worker->slot], worker->record);
	worker->record = -1;
	list_remove(&worker->link);
}

void worker_process_serve(struct worker_process *worker)
{
	event_del(worker->timer);
	worker->phase = WORKER_SERVING;
	worker->ready_ms = clock_now_ms();
	handoff_target_init(&worker->target, worker->channel);
}
