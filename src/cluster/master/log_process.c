/* SPDX-License-Identifier: MIT
 *
 * The log process and what it reads. Each child that the master forks has a queue of lines and a pipe
 * (log_outlet.h); the master keeps a copy of both until the log process has said that all of it is written,
 * so that another one can go on when that process dies. The files are the program's (cluster_log_file).
 *
 *     none --start--> running --died--> none, and again at once, or in a second
 *                        |
 *                        +--finish--> finishing --ended--> the master leaves, or, of a former version, start
 *
 * Master only. */
#include "cluster/master/log_process.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/policy/program_call.h"
#include "cluster/ipc/log_message.h"
#include "cluster/master/common.h"
#include "cluster/master/master.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	AGAIN_MS = 1000,  /* between the death of one that has just begun and the next */
	FINISH_MS = 2500, /* for the last lines, when the master leaves */
	RENEW_MS = 10000, /* for those that one of a former version still has to write */
};

/* --- sources --- */

static struct log_source *source_of(struct list *link)
{
	return LIST_ENTRY(link, struct log_source, link);
}

struct log_source *logger_new_source(struct logger *logger, uint64_t serial, const char *tag, int queue, int pipe)
{
	struct log_source *source = calloc(1, sizeof(*source));

	if (!source) {
		fd_close(&queue);
		fd_close(&pipe);
		return NULL;
	}
	source->serial = serial;
	source->queue = queue;
	source->pipe = pipe;
	snprintf(source->tag, sizeof(source->tag), "%s", tag);
	list_init(&source->link);
	list_append(&logger->sources, &source->link);
	return source;
}

static void forget_source(struct log_source *source)
{
	list_remove(&source->link);
	fd_close(&source->queue);
	fd_close(&source->pipe);
	free(source);
}

int logger_add_source(struct master *master, const char *tag, const struct cluster_options *options,
		      struct log_birth *birth, struct log_source **out)
{
	struct logger *logger = &master->logger;
	int ends[2], queue;

	*birth = (struct log_birth){.queue = -1, .pipe = -1};
	*out = NULL;
	if (!master->program->log.run)
		return 0;
	queue = line_queue_create();
	if (queue < 0)
		return queue;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		int error = -errno;

		fd_close(&queue);
		return error;
	}
	*out = logger_new_source(logger, ++logger->last_source, tag, queue, ends[0]);
	if (!*out) {
		fd_close(&ends[1]);
		return -ENOMEM;
	}
	(*out)->configuration = options ? options->number : 0;
	(*out)->error_log = options ? options->error_log : master->options.error_log;
	birth->queue = queue; /* the child has its copy by the fork */
	birth->pipe = ends[1];
	return 0;
}

void logger_source_born(struct master *master, struct log_source *source, struct log_birth *birth, pid_t pid)
{
	fd_close(&birth->pipe);
	if (!source)
		return;
	if (pid <= 0) {
		forget_source(source);
		return;
	}
	source->pid = pid;
	logger_tell(master);
}

bool cluster_has_log_source(const struct master *master, unsigned first, unsigned last)
{
	const struct logger *logger = &master->logger;

	for (struct list *at = logger->sources.next; at != &logger->sources; at = at->next)
		if (source_of(at)->configuration >= first && source_of(at)->configuration <= last)
			return true;
	return false;
}

/* --- telling the log process --- */

static int say(struct logger *logger, const struct brood_frame *frame)
{
	return logger->channel ? brood_channel_send(logger->channel, frame) : -EPIPE;
}

int cluster_log_file(struct master *master, unsigned log, unsigned kind, int fd)
{
	struct log_file_message message = {.log = log, .kind = kind};
	struct brood_frame frame = {.type = MESSAGE_LOG_FILE,
				    .data = &message,
				    .size = sizeof(message),
				    .fds = &fd,
				    .fd_count = fd >= 0 ? 1 : 0};

	return say(&master->logger, &frame);
}

static int tell_source(struct logger *logger, struct log_source *source)
{
	struct log_source_message message = {
		.serial = source->serial, .pid = source->pid, .error_log = source->error_log};
	int fds[] = {source->queue, source->pipe}, error;
	struct brood_frame frame = {
		.type = MESSAGE_LOG_SOURCE, .data = &message, .size = sizeof(message), .fds = fds, .fd_count = 2};

	memcpy(message.tag, source->tag, sizeof(message.tag));
	error = say(logger, &frame);
	source->told = !error;
	return error;
}

static int send_number(struct logger *logger, enum log_message type, uint64_t number)
{
	struct log_sync_message message = {.number = number};
	struct brood_frame frame = {.type = type, .data = &message, .size = sizeof(message)};

	return say(logger, &frame);
}

static int tell_files(struct master *master, bool all)
{
	return PROGRAM_CALL(master->program, 0, master.log_files, master, all);
}

/* Files first: a source's lines are for files that are known. Then, to one that is new, that these are all: it
 * has to know who was written for last before it reads from anybody (log_reader.h). What finds no room now is
 * told in the next tick. */
void logger_tell(struct master *master)
{
	struct logger *logger = &master->logger;

	if (!master->program->log.run || !logger->channel || logger->phase == LOGGER_FINISHING)
		return;
	if (tell_files(master, logger->is_new) < 0)
		return;
	for (struct list *at = logger->sources.next; at != &logger->sources; at = at->next) {
		struct log_source *source = source_of(at);

		if (source->configuration == 0 && source->error_log != master->options.error_log) {
			source->error_log = master->options.error_log;
			source->told = false;
		}
		if (source->pid > 0 && !source->told && tell_source(logger, source) < 0)
			return;
	}
	if (logger->is_new && (send_number(logger, MESSAGE_LOG_SYNC, 0) < 0 || tell_files(master, false) < 0))
		return;
	logger->is_new = false;
	if (logger->sync_told != logger->sync_wanted && send_number(logger, MESSAGE_LOG_SYNC, logger->sync_wanted) == 0)
		logger->sync_told = logger->sync_wanted;
}

static void check_reopened(struct master *master)
{
	struct logger *logger = &master->logger;

	if (logger->is_asked && logger_has_reopened(master)) {
		logger->is_asked = false;
		log_info("log files reopened");
	}
	logger->check(master);
}

void logger_reopened(struct master *master, bool asked)
{
	struct logger *logger = &master->logger;

	logger->sync_wanted++;
	logger->wanted_ms = clock_now_ms();
	logger->is_asked = logger->is_asked || asked;
	logger_tell(master);
}

void logger_reopen(struct master *master)
{
	PROGRAM_TELL(master->program, master.reopen);
	logger_reopened(master, true);
}

/* Where there is no log process, the next one begins with what is there for the old files. */
bool logger_has_reopened(const struct master *master)
{
	return !master->program->log.run || master->logger.synced >= master->logger.sync_wanted;
}

/* As long as it takes to replace one that stands still, and to start the next. */
bool logger_is_waited_for(const struct master *master)
{
	return !logger_has_reopened(master) &&
	       clock_now_ms() - master->logger.wanted_ms < master->options.watchdog_ms + RENEW_MS;
}

/* --- what it says --- */

static void on_frame(void *context, struct brood_frame *frame)
{
	struct master *master = context;
	struct logger *logger = &master->logger;
	struct log_sync_message message;

	if (frame->fd_count > 0 || frame->fds_lost) {
		log_error("the log process sent a descriptor: it is replaced");
		kill(logger->pid, SIGKILL); /* not reaped yet, so the number is its own */
	}
	if (frame->type == MESSAGE_LOG_PING)
		(void)pulse_heard(&logger->pulse, frame->data, frame->size);
	if (frame->size != sizeof(message))
		return;
	memcpy(&message, frame->data, sizeof(message));
	if (frame->type == MESSAGE_LOG_SYNC && message.number > logger->synced && message.number <= logger->sync_told) {
		logger->synced = message.number;
		check_reopened(master);
	}
	if (frame->type != MESSAGE_LOG_DRAINED)
		return;
	for (struct list *at = logger->sources.next; at != &logger->sources; at = at->next)
		if (source_of(at)->serial == message.number) {
			forget_source(source_of(at));
			break;
		}
	logger_tell(master); /* perhaps a file has lost its last writer */
}

static void on_closed(void *context, int error)
{
	struct master *master = context;

	(void)error;
	brood_channel_free(master->logger.channel);
	master->logger.channel = NULL;
}

static void on_discard(void *context, int fd)
{
	master_discard(context, fd);
}

static const struct brood_channel_handlers handlers = {
	.frame = on_frame,
	.closed = on_closed,
	.discard = on_discard,
};

int logger_open_channel(struct master *master, int fd)
{
	return brood_channel_open(&master->logger.channel, master->base, fd, &handlers, master);
}

/* --- the process --- */

static struct pulse_of pulse_of(const struct logger *logger)
{
	return (struct pulse_of){
		.name = "the log process", .pid = logger->pid, .channel = logger->channel, .type = MESSAGE_LOG_PING};
}

/* One that has been told to leave has a time limit of its own. */
void logger_watch(struct master *master, uint64_t now_ms, bool late)
{
	const struct cluster_options *options = &master->options;
	struct logger *logger = &master->logger;
	struct pulse_of process = pulse_of(logger);

	if (logger->pid > 0 && logger->phase == LOGGER_RUNNING)
		pulse_look(&logger->pulse, &process, now_ms, options->watchdog_ms, options->start_timeout_ms, late);
	check_reopened(master); /* or its time is over */
}

struct life {
	const struct cluster_program *program;
	int channel;
};

static int live(void *context)
{
	const struct life *life = context;

	log_set_tag("log");
	return life->program->log.run(life->program->context, life->channel);
}

/* Its pid, or -errno. */
static pid_t fork_it(struct master *master)
{
	struct logger *logger = &master->logger;
	struct life life = {.program = master->program};
	struct brood_process_options options = {.main = live, .context = &life, .title = CLUSTER_CHILD_NAME "log"};
	int ends[2], error = brood_channel_pair(ends);
	pid_t pid;

	if (error)
		return error;
	error = logger_open_channel(master, ends[0]);
	life.channel = ends[1];
	options.keep_fds = &life.channel;
	options.keep_count = 1;
	pid = error ? error : brood_process_fork(&options);
	fd_close(&ends[1]);
	if (pid < 0) {
		brood_channel_free(logger->channel);
		logger->channel = NULL;
	}
	return pid;
}

static void again_in(struct logger *logger, unsigned delay_ms)
{
	struct timeval delay = {delay_ms / 1000, (delay_ms % 1000) * 1000};

	if (logger->timer)
		evtimer_add(logger->timer, &delay);
}

void logger_start(struct master *master)
{
	struct logger *logger = &master->logger;
	struct pulse_of process;
	pid_t pid;

	if (!master->program->log.run || logger->pid > 0)
		return;
	pid = fork_it(master);
	if (pid < 0) {
		log_error("cannot start the log process: %s; trying again", strerror(-pid));
		again_in(logger, AGAIN_MS);
		return;
	}
	logger->pid = pid;
	process = pulse_of(logger);
	pulse_begin(&logger->pulse, &process);
	logger->phase = LOGGER_RUNNING;
	logger->started_ms = clock_now_ms();
	logger->is_new = true;
	logger->sync_told = logger->synced;
	for (struct list *at = logger->sources.next; at != &logger->sources; at = at->next)
		source_of(at)->told = false;
	logger_tell(master);
}

/* When it is over with: what a process that stands still has not written is lost. */
static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;
	struct logger *logger = &master->logger;

	(void)fd, (void)what;
	if (logger->pid == 0) {
		logger_start(master);
		return;
	}
	log_warn("the log process does not come to an end: killing it");
	kill(logger->pid, SIGKILL); /* not reaped yet, so the number is its own */
	if (master->state != MASTER_RUNNING)
		event_base_loopexit(master->base, NULL);
}

int logger_open(struct master *master, void (*check)(struct master *master))
{
	struct logger *logger = &master->logger;

	logger->check = check;
	list_init(&logger->sources);
	logger->timer = evtimer_new(master->base, on_timer, master);
	return logger->timer ? 0 : -ENOMEM;
}

static void finish(struct master *master, unsigned limit_ms)
{
	struct logger *logger = &master->logger;

	logger_tell(master);
	if (send_number(logger, MESSAGE_LOG_FINISH, 0) < 0)
		kill(logger->pid, SIGKILL);
	logger->phase = LOGGER_FINISHING;
	again_in(logger, limit_ms);
}

bool logger_finish(struct master *master)
{
	struct logger *logger = &master->logger;

	if (logger->pid == 0 && !list_empty(&logger->sources) && !logger->last_try) {
		logger->last_try = true;
		logger_start(master);
	}
	if (logger->pid == 0)
		return true;
	if (logger->phase == LOGGER_RUNNING)
		finish(master, FINISH_MS);
	return false;
}

void logger_renew(struct master *master)
{
	logger_reopened(master, false); /* this version has opened them by itself */
	if (master->logger.pid == 0)
		logger_start(master);
	else if (master->logger.phase == LOGGER_RUNNING)
		finish(master, RENEW_MS);
}

bool logger_ended(struct master *master, const struct brood_process_end *end)
{
	struct logger *logger = &master->logger;
	bool told = logger->phase == LOGGER_FINISHING;
	char how[64];

	if (logger->pid == 0 || end->pid != logger->pid)
		return false;
	if (logger->channel)
		brood_channel_drain(logger->channel);
	brood_process_describe(end, how, sizeof(how));
	if (!told)
		log_warn("the log process died: %s", how);
	logger->pid = 0;
	if (logger->channel)
		on_closed(master, 0);
	event_del(logger->timer);
	if (master->state != MASTER_RUNNING)
		return true;
	if (told || end->signal == SIGKILL || clock_now_ms() - logger->started_ms >= AGAIN_MS)
		logger_start(master); /* it was not its own fault, or is no habit */
	else
		again_in(logger, AGAIN_MS);
	return true;
}

void logger_close(struct master *master)
{
	struct logger *logger = &master->logger;

	while (logger->timer && !list_empty(&logger->sources))
		forget_source(source_of(logger->sources.next));
	brood_channel_free(logger->channel);
	logger->channel = NULL;
	if (logger->timer)
		event_free(logger->timer);
	logger->timer = NULL;
}
