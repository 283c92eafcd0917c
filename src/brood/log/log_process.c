/* SPDX-License-Identifier: MIT
 *
 * See log_process.h. Log process only. */
#include "brood/log/log_process.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/sandbox.h"
#include "base/signals.h"
#include "brood/channel.h"
#include "brood/process.h"
#include "brood/log/log_reader.h"
#include "cluster/cluster.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PASSES_PER_TURN = 16, /* of one source, before others have their turn */
	PASSES_MAX = 4096,    /* of one that may go on writing for ever */
	TICK_MS = 250,
	LAST_WAIT_MS = 1000, /* for who reads a pipe, at the end */
};

struct log_process {
	struct event_base *base;
	struct brood_channel *channel; /* NULL: the master is gone */
	struct list sources;           /* of struct source */
	struct list sinks;             /* of struct log_sink_file */
	unsigned error_log;            /* for what we have to say ourselves */
	bool begun;                    /* to read: all who were there before us are known */
	struct event *tick;            /* pending while something waits to be written, or told */
};

struct source {
	struct log_reader reader;
	struct log_process *process;
	int pipe; /* owned; -1: it has ended */
	struct event *readable;
};

static struct source *source_of(struct list *link)
{
	return LIST_ENTRY(LIST_ENTRY(link, struct log_reader, link), struct source, reader);
}

static void tick_soon(struct log_process *process)
{
	static const struct timeval soon = {0, TICK_MS * 1000};

	if (!evtimer_pending(process->tick, NULL))
		evtimer_add(process->tick, &soon);
}

/* --- what we say ourselves --- */

static void say(void *context, const struct log_entry *entry)
{
	struct log_process *process = context;
	struct log_sink_file *file = log_sink_find(&process->sinks, process->error_log);
	char line[LOG_LINE_MAX];

	if (!file || file->kind != LOG_KIND_MESSAGES) {
		log_write(STDERR_FILENO, entry);
		return;
	}
	if (!log_writer_add(file->writer, line, log_compose(line, entry, log_writer_kind(file->writer))))
		log_writer_drop(file->writer, 1);
	log_writer_flush(file->writer);
}

/* --- reading --- */

/* All that is there, also of one that goes on writing, up to a bound. */
static void read_all(struct source *source)
{
	unsigned passes = 0;

	while (passes++ < PASSES_MAX && log_reader_pass(&source->reader, &source->process->sinks))
		;
}

static void end_source(struct source *source)
{
	read_all(source);
	log_reader_end_stray(&source->reader, &source->process->sinks);
	log_reader_report(&source->reader, true);
	log_reader_close(&source->reader);
	if (source->readable)
		event_free(source->readable);
	fd_close(&source->pipe);
	free(source);
}

/* The master forgets the queue once it is told. Where that cannot be said now, the next tick does. */
static bool drained(struct source *source)
{
	struct log_process *process = source->process;
	struct log_sync_message message = {.number = source->reader.who.serial};
	struct brood_frame frame = {.type = MESSAGE_LOG_DRAINED, .data = &message, .size = sizeof(message)};

	read_all(source);
	if (process->channel && brood_channel_send(process->channel, &frame) == -ENOBUFS) {
		tick_soon(process);
		return false;
	}
	end_source(source);
	if (!process->channel && list_empty(&process->sources))
		event_base_loopexit(process->base, NULL);
	return true;
}

static bool is_behind(const struct log_process *process)
{
	for (struct list *at = process->sinks.next; at != &process->sinks; at = at->next)
		if (log_writer_left(LIST_ENTRY(at, struct log_sink_file, link)->writer) > 0)
			return true;
	return false;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct source *source = argument;
	struct log_process *process = source->process;
	unsigned passes = 0;
	char octets[4096];
	ssize_t size = read(fd, octets, sizeof(octets));

	(void)what;
	if (size > 0)
		log_reader_stray(&source->reader, &process->sinks, octets, (size_t)size);
	while (passes < PASSES_PER_TURN && log_reader_pass(&source->reader, &process->sinks))
		passes++;
	if (passes == PASSES_PER_TURN)
		event_active(source->readable, EV_READ, 0);
	log_reader_report(&source->reader, false);
	if (is_behind(process))
		tick_soon(process);
	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
		event_del(source->readable);
		fd_close(&source->pipe);
		(void)drained(source);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct log_process *process = argument;

	(void)fd, (void)what;
	for (struct list *at = process->sinks.next; at != &process->sinks; at = at->next) {
		struct log_writer *writer = LIST_ENTRY(at, struct log_sink_file, link)->writer;

		log_writer_flush(writer);
		log_writer_report(writer, false);
	}
	for (struct list *at = process->sources.next, *next; at != &process->sources; at = next) {
		next = at->next;
		if (source_of(at)->pipe < 0 && !drained(source_of(at)))
			break;
	}
	if (is_behind(process))
		tick_soon(process);
}

static void read_all_sources(struct log_process *process)
{
	for (struct list *at = process->sources.next; at != &process->sources; at = at->next)
		read_all(source_of(at));
}

/* --- what the master says --- */

static void forget_file(struct log_sink_file *file)
{
	list_remove(&file->link);
	log_writer_free(file->writer);
	free(file);
}

/* What was said before goes to the file that there was then. */
static void change_file(struct log_process *process, struct log_sink_file *file, int fd)
{
	if (process->begun)
		read_all_sources(process);
	if (fd < 0)
		forget_file(file);
	else
		log_writer_reopen(file->writer, fd);
}

static void add_file(struct log_process *process, const struct log_file_message *message, int fd)
{
	struct log_sink_file *file = calloc(1, sizeof(*file));

	if (file)
		file->writer = log_writer_new(fd);
	if (!file || !file->writer) {
		log_error("no memory for a log");
		fd_close(&fd);
		free(file);
		return;
	}
	file->number = message->log;
	file->kind = (enum log_kind)message->kind;
	file->size_at_first = log_writer_size(file->writer);
	list_init(&file->link);
	list_append(&process->sinks, &file->link);
}

static void on_file(struct log_process *process, struct brood_frame *frame)
{
	struct log_file_message message;
	struct log_sink_file *file;
	int fd = -1;

	if (frame->size != sizeof(message) || frame->fd_count > 1 || frame->fds_lost)
		return;
	memcpy(&message, frame->data, sizeof(message));
	if (frame->fd_count == 1) {
		fd = frame->fds[0];
		frame->fds[0] = -1;
	}
	file = log_sink_find(&process->sinks, message.log);
	if (file)
		change_file(process, file, fd);
	else if (fd >= 0)
		add_file(process, &message, fd);
}

static struct source *find_source(const struct log_process *process, uint64_t serial)
{
	for (struct list *at = process->sources.next; at != &process->sources; at = at->next)
		if (source_of(at)->reader.who.serial == serial)
			return source_of(at);
	return NULL;
}

static void on_source(struct log_process *process, struct brood_frame *frame)
{
	struct log_source_message who;
	struct source *source;
	int error = -ENOMEM;

	if (frame->size != sizeof(who) || frame->fd_count != 2)
		return;
	memcpy(&who, frame->data, sizeof(who));
	process->error_log = who.error_log;
	source = find_source(process, who.serial);
	if (source) {
		source->reader.who.error_log = who.error_log;
		return;
	}
	source = calloc(1, sizeof(*source));
	if (!source)
		return;
	source->process = process;
	source->pipe = frame->fds[1];
	source->readable = event_new(process->base, source->pipe, EV_READ | EV_PERSIST, on_readable, source);
	if (source->readable)
		error = log_reader_open(&source->reader, &who, frame->fds[0]);
	if (error) {
		log_error("the lines of %.*s [%d] cannot be read: %s", (int)sizeof(who.tag), who.tag, (int)who.pid,
			  strerror(-error));
		if (source->readable)
			event_free(source->readable);
		free(source);
		return;
	}
	frame->fds[1] = -1;
	list_append(&process->sources, &source->reader.link);
	if (process->begun) {
		event_add(source->readable, NULL);
		read_all(source);
	}
}

/* Whoever was read from last when another log process died goes first: nothing may be written before it is known
 * how much of that is there. */
static void begin(struct log_process *process)
{
	if (process->begun)
		return;
	process->begun = true;
	for (struct list *at = process->sources.next; at != &process->sources; at = at->next)
		if (log_reader_take_over(&source_of(at)->reader, &process->sinks))
			read_all(source_of(at));
	read_all_sources(process);
	for (struct list *at = process->sources.next; at != &process->sources; at = at->next)
		event_add(source_of(at)->readable, NULL);
}

static void on_sync(struct log_process *process, const struct brood_frame *frame)
{
	struct brood_frame answer = {.type = MESSAGE_LOG_SYNC, .data = frame->data, .size = frame->size};

	begin(process);
	read_all_sources(process);
	if (brood_channel_send(process->channel, &answer) < 0)
		log_debug("the master does not listen");
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct log_process *process = context;

	switch (frame->type) {
	case MESSAGE_LOG_FILE:
		on_file(process, frame);
		break;
	case MESSAGE_LOG_SOURCE:
		on_source(process, frame);
		break;
	case MESSAGE_LOG_SYNC:
		on_sync(process, frame);
		break;
	case MESSAGE_LOG_PING:
		if (brood_channel_send(process->channel, frame) < 0)
			log_debug("no room for a sign of life");
		break;
	case MESSAGE_LOG_FINISH:
		event_base_loopexit(process->base, NULL);
		break;
	default: /* of a later version: not for us */
		break;
	}
}

/* The master is gone without a word: those that it has left behind still have something to say. */
static void on_orphaned(void *context, int error)
{
	struct log_process *process = context;

	(void)error;
	brood_channel_free(process->channel);
	process->channel = NULL;
	begin(process);
	if (list_empty(&process->sources))
		event_base_loopexit(process->base, NULL);
}

static const struct brood_channel_handlers channel_handlers = {
	.frame = on_frame,
	.closed = on_orphaned,
};

/* --- birth and end --- */

static int set_up(struct log_process *process, int channel, const struct privilege *privilege)
{
	int error = privilege_drop(privilege);

	if (error) {
		log_error("cannot become user '%s': %s", privilege->user, strerror(-error));
		return CLUSTER_EXIT_FATAL;
	}
	brood_process_wake_at_end();
	process->base = event_base_new();
	if (!process->base || signals_leave_to_parent() < 0 ||
	    !(process->tick = evtimer_new(process->base, on_tick, process)) ||
	    brood_channel_open(&process->channel, process->base, channel, &channel_handlers, process) < 0) {
		log_error("cannot set up an event loop");
		return CLUSTER_EXIT_RESOURCES;
	}
	error = sandbox_enter();
	if (error)
		log_debug("no filter of system calls: %s", strerror(-error));
	return CLUSTER_EXIT_DONE;
}

/* Who reads a pipe may be a moment late. */
static void write_last(struct log_writer *writer, uint64_t until_ms)
{
	struct pollfd ready = {.fd = log_writer_fd(writer), .events = POLLOUT};
	uint64_t now_ms;

	log_writer_flush(writer);
	while (log_writer_left(writer) > 0 && log_writer_kind(writer) != OUTPUT_FILE &&
	       (now_ms = clock_now_ms()) < until_ms && poll(&ready, 1, (int)(until_ms - now_ms)) > 0 &&
	       !(ready.revents & (POLLERR | POLLHUP)))
		log_writer_flush(writer);
}

static void finish(struct log_process *process)
{
	uint64_t until_ms = clock_now_ms() + LAST_WAIT_MS;

	begin(process);
	while (!list_empty(&process->sources))
		end_source(source_of(process->sources.next));
	for (struct list *at = process->sinks.next; at != &process->sinks; at = at->next)
		write_last(LIST_ENTRY(at, struct log_sink_file, link)->writer, until_ms);
	/* Their own losses, too, are told in the error log, as long as that is there. */
	for (struct list *at = process->sinks.next, *next; at != &process->sinks; at = next) {
		struct log_sink_file *file = LIST_ENTRY(at, struct log_sink_file, link);

		next = at->next;
		if (file->number != process->error_log)
			forget_file(file);
	}
	log_set_sink(NULL, NULL);
	while (!list_empty(&process->sinks))
		forget_file(LIST_ENTRY(process->sinks.next, struct log_sink_file, link));
}

int log_process_main(int channel, const struct privilege *privilege)
{
	struct log_process process = {.error_log = 0};
	int code;

	list_init(&process.sources);
	list_init(&process.sinks);
	log_set_sink(say, &process);
	code = set_up(&process, channel, privilege);
	if (code != CLUSTER_EXIT_DONE)
		return code;
	event_base_dispatch(process.base);
	finish(&process);
	return CLUSTER_EXIT_DONE;
}
