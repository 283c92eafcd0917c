/* SPDX-License-Identifier: MIT
 *
 * One worker process as the master sees it: fork, messages, end. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/socket.h"
#include "brood/channel.h"
#include "cluster/policy/program_call.h"
#include "cluster/ipc/message.h"
#include "cluster/worker/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MAX = 32768, DRAIN_GRACE_MS = 1000, LAST_WORDS_MAX = 1024 };

struct board_record *instance_record(const struct instance *instance)
{
	return &instance->master->boards[instance->slot].cells[instance->record]->record;
}

unsigned cluster_numbers(const struct master *master)
{
	return master->slot_room * BOARD_RECORDS;
}

bool cluster_number_is_used(const struct master *master, unsigned number)
{
	unsigned slot = number / BOARD_RECORDS;

	return slot < master->slot_room && master->boards[slot].in_use & 1u << number % BOARD_RECORDS;
}

static void arm(struct instance *instance, unsigned delay_ms)
{
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	event_add(instance->timer, &delay);
}

void instance_kill(struct instance *instance, const char *why)
{
	if (!instance->killed)
		instance->killed = why;
	if (!instance->reaped) /* so the number cannot be another's */
		kill(instance->pid, SIGKILL);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct instance *instance = argument;

	(void)fd, (void)what;
	if (instance->phase == INSTANCE_STARTING)
		instance_kill(instance, "not ready within start_timeout");
	else
		instance_kill(instance, "not gone at drain_timeout");
}

void instance_send(struct instance *instance, const struct brood_frame *frame)
{
	int error = instance->channel ? brood_channel_send(instance->channel, frame) : -EPIPE;

	/* One that has left its channel is on its way out; one that does not read must be ended. */
	if (error < 0 && error != -EPIPE)
		instance_kill(instance, "does not read its messages");
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

/* --- what the worker says --- */

/* What a worker says may cross with what ends it, or with being told to do something else; a worker that was taken
 * over says anything at any time. So each message counts in the phase that it belongs to only, and not from one that
 * was killed, since its end will come and be dealt with. But what a draining one gave before goes to others, and
 * answers count in any case: a connection that was taken must not be given to another one. */
static bool is_timely(const struct instance *instance, uint32_t type)
{
	switch (type) {
	case MESSAGE_READY:
		return instance->phase == INSTANCE_STARTING && !instance->killed && !instance->reaped;
	case MESSAGE_REPLACE:
		return instance->phase == INSTANCE_SERVING && !instance->killed && !instance->reaped;
	case MESSAGE_HANDED_OVER:
		return instance->phase == INSTANCE_DRAINING;
	case MESSAGE_GIVE:
		return instance->phase == INSTANCE_DRAINING || !instance->killed;
	default:
		return true;
	}
}

static void on_ready(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;

	(void)frame;
	event_del(instance->timer);
	instance->phase = INSTANCE_SERVING;
	instance->ready_ms = clock_now_ms();
	handoff_target_init(&instance->target, instance->channel);
	slot_instance_ready(master->slots[instance->slot], instance);
	spread_resume(master);
}

static void on_handed_over(struct instance *instance, struct brood_frame *frame)
{
	struct roll_view view = master_roll_view(instance->master);

	(void)frame;
	instance->handed_over = true;
	master_roll_event(instance->master, roll_settled(&instance->master->roll, &view));
}

static void on_answer(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;

	if (!handoff_answer(&master->handoff, &instance->target, frame))
		instance_kill(instance, "answered for a connection it was not given");
	else if (master->handoff.waiting_count > 0)
		spread_resume(master);
}

static void on_replace(struct instance *instance, struct brood_frame *frame)
{
	struct master *master = instance->master;

	(void)frame;
	if (master->state == MASTER_RUNNING && master->slots[instance->slot]->lead == instance)
		slot_replace(master->slots[instance->slot], instance->next);
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
	{MESSAGE_GIVE, CARGO_CONNECTIONS, spread_given},
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
	struct instance *instance = context;
	size_t at = 0, count = sizeof(messages) / sizeof(messages[0]);

	while (at < count && messages[at].type != frame->type)
		at++;
	if (!carries(frame, at < count ? messages[at].cargo : CARGO_NONE))
		instance_kill(instance, "sent descriptors that its message must not carry");
	else if (at < count && is_timely(instance, frame->type))
		messages[at].take(instance, frame);
}

/* It closed its end: it is exiting or dead, which SIGCHLD says too. Nothing can be sent any more. */
static void on_closed(void *context, int error)
{
	struct instance *instance = context;

	if (error == -EPROTO)
		instance_kill(instance, "sent garbage");
	handoff_target_gone(&instance->master->handoff, &instance->target);
	brood_channel_free(instance->channel);
	instance->channel = NULL;
	spread_resume(instance->master);
}

static void on_discard(void *context, int fd)
{
	const struct instance *instance = context;

	master_discard(instance->master, fd);
}

static const struct brood_channel_handlers handlers = {
	.frame = on_frame,
	.closed = on_closed,
	.discard = on_discard,
};

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
	count += spread_keep_boards(master, fds + count);
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
static void discard(struct instance *instance)
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
	slot->crowded = instance->record == -EBUSY; /* by those of this slot that still finish */
	if (instance->record < 0)
		errno = -instance->record;
	if (instance->record >= BOARD_RECORDS_KEPT)
		spread_show_board(master, slot->index, instance->record);
	if (instance->record < 0 || !instance->timer || brood_channel_pair(ends) < 0)
		goto fail;
	if (brood_channel_open(&instance->channel, master->base, ends[0], &handlers, instance) < 0) {
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
	discard(instance);
	return NULL;
}

/* A roll that fails for this says so, too. */
static void cannot_start(struct master *master, const struct slot *slot, bool next_kind, const char *what, int error)
{
	struct roll_report *report = &master->report;

	log_error("cannot start worker %u: %s%s", slot->index, what, strerror(error));
	if (master->roll.phase == ROLL_FORWARD && next_kind)
		snprintf(report->reason, sizeof(report->reason), "slot %u: the new worker cannot be started: %s%s",
			 slot->index, what, strerror(error));
}

struct instance *instance_start(struct master *master, struct slot *slot, bool next_kind)
{
	struct birth birth;
	struct log_source *source = NULL;
	struct instance *instance = prepare(master, slot, next_kind, &birth, &source);

	if (!instance) {
		cannot_start(master, slot, next_kind, "", errno);
		return NULL;
	}
	PROGRAM_TELL(master->program, master.use_config, next_kind);
	instance->pid = fork_worker(master, &birth);
	fd_close(&birth.channel);
	logger_source_born(master, source, &birth.log, instance->pid);
	if (instance->pid < 0) {
		cannot_start(master, slot, next_kind, "fork: ", -instance->pid);
		discard(instance);
		return NULL;
	}
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
	if (!instance->timer ||
	    (channel >= 0 && brood_channel_open(&instance->channel, master->base, channel, &handlers, instance) < 0))
		return NULL; /* the restoring is over anyway */
	handoff_target_init(&instance->target, instance->ready_ms > 0 ? instance->channel : NULL);
	instance->target.given = like->target.given;
	instance->target.refused = like->target.refused;
	if (timer_ms > 0)
		arm(instance, timer_ms);
	return instance;
}

/* A roll that fails for this says so to whoever asked for it. */
static void report_failure(const struct instance *instance, const struct brood_process_end *end)
{
	struct master *master = instance->master;
	char how[64], words[LAST_WORDS_MAX];

	if (master->roll.phase != ROLL_FORWARD || !instance->next || instance->phase != INSTANCE_STARTING)
		return;
	brood_process_describe(end, how, sizeof(how));
	obituary_last_words(instance, words, sizeof(words));
	snprintf(master->report.reason, sizeof(master->report.reason),
		 "slot %u: the new worker did not become ready: %s%s%s", instance->slot,
		 instance->killed ? instance->killed : how, words[0] ? "; it said:\n" : "", words);
}

static struct instance *find(const struct master *master, pid_t pid)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		if (LIST_ENTRY(at, struct instance, link)->pid == pid)
			return LIST_ENTRY(at, struct instance, link);
	return NULL;
}

/* Its heartbeat would tell too, but only after a second of connections that nobody answers. */
void instance_changed(void *context, pid_t pid, int stopped)
{
	struct master *master = context;
	struct instance *instance = find(master, pid);
	struct roll_view view = master_roll_view(master);

	if (stopped)
		closer_stopped(&master->closer, pid);
	if (!instance || instance->stopped == (stopped != 0))
		return;
	instance->stopped = stopped != 0;
	log_warn("worker %u [%d] was %s", instance->slot, pid, stopped ? "stopped" : "continued");
	if (master->state != MASTER_RUNNING)
		return;
	spread_adopt(master, clock_now_ms());
	spread_resume(master);
	master_roll_event(master, roll_settled(&master->roll, &view));
}

void instance_ended(void *context, const struct brood_process_end *end)
{
	struct master *master = context;
	struct instance *instance = find(master, end->pid);
	struct slot *slot;

	if (!instance && closer_ended(&master->closer, end->pid)) {
		master_leave_if_done(master);
		return;
	}
	if (!instance && (admin_ended(master, end) || logger_ended(master, end) || upgrade_ended(master, end)))
		return;
	if (!instance) {
		log_debug("reaped a stranger, pid %d", end->pid);
		return;
	}
	/* What it said last counts: read its channel to the end before deciding what it left undone. */
	instance->reaped = true;
	if (instance->channel)
		brood_channel_drain(instance->channel);
	handoff_target_gone(&master->handoff, &instance->target);
	PROGRAM_TELL(master->program, master.worker_ended, master,
		     board_worker_number(instance->slot, instance->record));
	obituary_of_end(instance, end);
	cut_ended(instance);
	report_failure(instance, end);
	slot = master->slots[instance->slot];
	/* It is for who comes next, perhaps at once. */
	board_free_record(&master->boards[instance->slot], instance->record);
	instance->record = -1;
	list_remove(&instance->link);
	slot_instance_ended(slot, instance, end);
	discard(instance);
	slot_has_room(slot);
	master_leave_if_done(master);
}
