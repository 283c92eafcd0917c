/* SPDX-License-Identifier: MIT
 *
 * One worker process as the master sees it: fork, messages, end. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/worker/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MAX = 32768, DRAIN_GRACE_MS = 1000 };

struct board_record *instance_record(const struct instance *instance)
{
	return &instance->master->boards[instance->slot].cells[instance->record]->record;
}

struct instance *instance_find(const struct master *master, uint64_t serial)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		if (LIST_ENTRY(at, struct instance, link)->serial == serial)
			return LIST_ENTRY(at, struct instance, link);
	return NULL;
}

struct instance *instance_find_pid(const struct master *master, pid_t pid)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		if (LIST_ENTRY(at, struct instance, link)->pid == pid)
			return LIST_ENTRY(at, struct instance, link);
	return NULL;
}

void instances_show_board(struct master *master, unsigned slot, int record)
{
	struct message_board message = {.slot = slot, .record = (uint32_t)record};
	int fd;
	struct brood_frame frame = {
		.type = MESSAGE_BOARD, .data = &message, .size = sizeof(message), .fds = &fd, .fd_count = 1};

	if (list_empty(&master->instances))
		return; /* whoever is forked later has it anyway */
	fd = board_open_readonly(&master->boards[slot], record);
	if (fd < 0)
		return; /* they go on with the mean of those that they know */
	admin_say(master, &frame);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->channel && brood_channel_send(instance->channel, &frame) < 0)
			log_debug("worker %u was not told of slot %u", instance->slot, slot);
	}
	fd_close(&fd);
}

const char *instance_why_killed(const struct instance *instance)
{
	return instance->own_why[0] != '\0' ? instance->own_why : kill_reason_words(instance->killed);
}

static void arm(struct instance *instance, unsigned delay_ms)
{
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	event_add(instance->timer, &delay);
}

void instance_kill(struct instance *instance, enum kill_reason why)
{
	if (instance->killed == KILL_NOT)
		instance->killed = why;
	if (!instance->reaped) /* so the number cannot be another's */
		kill(instance->pid, SIGKILL);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct instance *instance = argument;

	(void)fd, (void)what;
	if (instance->phase == INSTANCE_STARTING)
		instance_kill(instance, KILL_START_TIMEOUT);
	else
		instance_kill(instance, KILL_DRAIN_TIMEOUT);
}

void instance_send(struct instance *instance, const struct brood_frame *frame)
{
	int error = instance->channel ? brood_channel_send(instance->channel, frame) : -EPIPE;

	/* One that has left its channel is on its way out; one that does not read must be ended. */
	if (error < 0 && error != -EPIPE)
		instance_kill(instance, KILL_DEAF);
}

static void send_simple(struct instance *instance, enum message_type type)
{
	instance_send(instance, &(struct brood_frame){.type = type});
}

void instance_retire(struct instance *instance)
{
	if (instance->phase == INSTANCE_DRAINING)
		return;
	instance->phase = INSTANCE_DRAINING;
	send_simple(instance, MESSAGE_RETIRE);
	arm(instance, instance->master->options.drain_timeout_ms + DRAIN_GRACE_MS);
}

void instance_announce_stop(struct instance *instance)
{
	send_simple(instance, MESSAGE_LEAVING);
}

void instance_stop(struct instance *instance)
{
	instance->phase = INSTANCE_DRAINING;
	event_del(instance->timer); /* stop_timeout rules from here on */
	send_simple(instance, MESSAGE_STOP);
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
	return count + master->program->keep(master->program->context, fds + count, room - count);
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
void instance_free(struct instance *instance)
{
	int error = errno;

	if (instance->record >= 0)
		board_free_record(&instance->master->boards[instance->slot], instance->record);
	if (instance->timer)
		event_free(instance->timer);
	brood_channel_free(instance->channel);
	free(instance->hang);
	free(instance);
	errno = error;
}

/* Everything that can fail before the fork, so that a child is never without its parent's half. */
static struct instance *prepare(struct master *master, struct slot *slot, bool next_kind, struct birth *birth,
				struct log_source **source)
{
	const struct cluster_options *options = next_kind ? &master->next_options : &master->options;
	struct instance *instance = calloc(1, sizeof(*instance));
	char tag[LOG_TAG_MAX];
	int ends[2], error;

	if (!instance)
		return NULL;
	instance->master = master;
	instance->serial = ++master->last_serial;
	instance->slot = slot->index;
	instance->next = next_kind;
	instance->generation = next_kind ? master->next_generation : master->generation;
	instance->accept = options->accept;
	instance->sockets = listeners_sockets(&master->listeners);
	instance->started_ms = clock_now_ms();
	instance->limits = recycle_decide(&options->recycle, master_random(master));
	handoff_target_init(&instance->target, NULL);
	instance->timer = evtimer_new(master->base, on_timer, instance);
	instance->record = board_take_record(&master->boards[slot->index]);
	if (instance->record < 0)
		errno = -instance->record;
	if (instance->record >= BOARD_RECORDS_KEPT)
		instances_show_board(master, slot->index, instance->record);
	if (instance->record < 0 || !instance->timer || brood_channel_pair(ends) < 0)
		goto fail;
	if (brood_channel_open(&instance->channel, master->base, ends[0], master->worker_handlers, instance) < 0) {
		fd_close(&ends[1]);
		goto fail;
	}
	*birth = (struct birth){
		.slot = slot->index,
		.generation = instance->generation,
		.options = options,
		.program = master->program,
		.channel = ends[1],
		.boards = master->boards,
		.board_count = master->slot_room,
		.record = instance->record,
	};
	birth->tag_count = listeners_tags(&master->listeners, next_kind && master->sockets_prepared, birth->tags,
					  sizeof(birth->tags) / sizeof(birth->tags[0]));
	if (options->accept != CLUSTER_ACCEPT_HANDOFF)
		birth->socket_count =
			listeners_of_worker(&master->listeners, next_kind && master->sockets_prepared, options->accept,
					    slot->index, birth->sockets, birth->listeners, WORKER_SOCKETS_MAX);
	snprintf(tag, sizeof(tag), "worker %u", slot->index);
	error = logger_add_source(master, tag, options, &birth->log, source);
	if (!error)
		return instance;
	errno = -error;
	fd_close(&ends[1]);
fail:
	instance_free(instance);
	return NULL;
}

static struct instance *cannot_start(const struct slot *slot, struct start_failure *failure, const char *what,
				     int error)
{
	log_error("cannot start worker %u: %s%s", slot->index, what, strerror(error));
	*failure = (struct start_failure){.what = what, .error = error};
	return NULL;
}

struct instance *instance_start(struct master *master, struct slot *slot, bool next_kind, struct start_failure *failure)
{
	struct birth birth;
	struct log_source *source = NULL;
	struct instance *instance = prepare(master, slot, next_kind, &birth, &source);

	if (!instance)
		return cannot_start(slot, failure, "", errno);
	master->program->select(master->program->context, next_kind);
	instance->pid = fork_worker(master, &birth);
	fd_close(&birth.channel);
	logger_source_born(master, source, &birth.log, instance->pid);
	if (instance->pid < 0) {
		cannot_start(slot, failure, "fork: ", -instance->pid);
		instance_free(instance);
		return NULL;
	}
	failure->what = NULL;
	instance_record(instance)->pid = instance->pid;
	list_append(&master->instances, &instance->link);
	arm(instance, (next_kind ? &master->next_options : &master->options)->start_timeout_ms);
	if (master_is_leaving(master))
		instance_announce_stop(instance);
	log_debug("worker %u [%d] of generation %u starts", slot->index, instance->pid, instance->generation);
	return instance;
}

struct instance *instance_restore(struct master *master, const struct instance *like, int channel, unsigned timer_ms)
{
	struct instance *instance = malloc(sizeof(*instance));

	if (!instance)
		return NULL;
	*instance = *like;
	instance->master = master;
	instance->channel = NULL;
	instance->timer = evtimer_new(master->base, on_timer, instance);
	board_keep_record(&master->boards[instance->slot], instance->record);
	list_init(&instance->link);
	list_append(&master->instances, &instance->link);
	if (!instance->timer || (channel >= 0 && brood_channel_open(&instance->channel, master->base, channel,
								    master->worker_handlers, instance) < 0))
		return NULL; /* the restoring is over anyway */
	handoff_target_init(&instance->target, instance->ready_ms > 0 ? instance->channel : NULL);
	instance->target.given = like->target.given;
	instance->target.refused = like->target.refused;
	if (timer_ms > 0)
		arm(instance, timer_ms);
	return instance;
}

void instance_let_go(struct instance *instance)
{
	/* It is for who comes next, perhaps at once. */
	board_free_record(&instance->master->boards[instance->slot], instance->record);
	instance->record = -1;
	list_remove(&instance->link);
}

void instance_serve(struct instance *instance)
{
	event_del(instance->timer);
	instance->phase = INSTANCE_SERVING;
	instance->ready_ms = clock_now_ms();
	handoff_target_init(&instance->target, instance->channel);
}
