/* SPDX-License-Identifier: MIT
 *
 * The admin process and its commands. People's programs speak with the admin; the master gets fixed
 * little messages, does what they say, and tells the outcome when there is one. Master only. */
#include "cluster/master/master.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/policy/program_call.h"
#include "cluster/ipc/command.h"
#include "cluster/ipc/message.h"
#include "cluster/upgrade/saved.h"
#include "cluster/upgrade/state_record.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	AGAIN_MS = 1000,  /* between an admin's death and the next one */
	RETIRE_MS = 3000, /* for its last clients' requests, and its answers */
	KEEP_MAX = 16,
};

/* --- answers --- */

static struct pulse_of pulse_of(const struct admin *admin)
{
	return (struct pulse_of){
		.name = "the admin process", .pid = admin->pid, .channel = admin->channel, .type = MESSAGE_PING};
}

static void ask_for_sign(struct admin *admin)
{
	struct pulse_of process = pulse_of(admin);

	pulse_ask(&admin->pulse, &process);
}

void admin_watch(struct master *master, uint64_t now_ms, bool late)
{
	const struct cluster_options *options = &master->options;
	struct pulse_of process = pulse_of(&master->admin);

	if (process.pid > 0)
		pulse_look(&master->admin.pulse, &process, now_ms, options->watchdog_ms, options->start_timeout_ms,
			   late);
}

void admin_say(struct master *master, const struct brood_frame *frame)
{
	struct admin *admin = &master->admin;

	if (frame->type == MESSAGE_RESULT && frame->fd_count == 0)
		outcomes_tell(master, frame->data);
	/* One that does not read is of no use to anybody; its successor is. */
	if (admin->channel && brood_channel_send(admin->channel, frame) == -ENOBUFS)
		kill(admin->pid, SIGKILL);
	if (frame->type == MESSAGE_RESULT)
		ask_for_sign(admin); /* once that comes back it has heard this */
}

static void tell(struct master *master, uint64_t id, bool ok, const char *words)
{
	struct command_result result = {.id = id, .ok = ok};
	struct brood_frame frame = {.type = MESSAGE_RESULT, .data = &result, .size = sizeof(result)};

	snprintf(result.reason, sizeof(result.reason), "%s", words);
	admin_say(master, &frame);
}

void admin_tell_result(struct master *master, uint64_t id, const char *reason)
{
	tell(master, id, reason == NULL, reason ? reason : "");
}

void admin_tell_done(struct master *master, uint64_t id, const char *words)
{
	tell(master, id, true, words);
}

/* A longer text, in a memfd. */
static void tell_text(struct master *master, uint64_t id, const struct buffer *text)
{
	struct command_result result = {.id = id, .ok = 1};
	int fd = memfd_create("brood-text", MFD_CLOEXEC);
	struct brood_frame frame = {
		.type = MESSAGE_RESULT, .data = &result, .size = sizeof(result), .fds = &fd, .fd_count = 1};

	if (fd < 0 || (text->used > 0 && write(fd, text->data, text->used) != (ssize_t)text->used))
		admin_tell_result(master, id, "no room for the answer");
	else
		admin_say(master, &frame);
	fd_close(&fd);
}

/* The admin of the former version leaves once nobody waits for an outcome; what it was asked before is
 * answered. Whoever connects meanwhile waits for its successor, so that clients that hang must not hold
 * it up. */
static void renew(struct master *master, uint64_t now_ms)
{
	struct brood_frame retire = {.type = MESSAGE_RETIRE};
	struct admin *admin = &master->admin;

	if (admin->retired_ms == 0 && admin->pending_count == 0) {
		admin->retired_ms = now_ms;
		admin_say(master, &retire);
	} else if (admin->retired_ms != 0 && admin->pending_count > 0) {
		admin->retired_ms = now_ms; /* asked at the last moment: these are answered, too */
	} else if (admin->retired_ms != 0 && now_ms - admin->retired_ms >= RETIRE_MS) {
		kill(admin->pid, SIGKILL);
	}
}

void admin_renew(struct master *master)
{
	master->admin.renew = master->admin.pid > 0;
}

void admin_tick(struct master *master, uint64_t now_ms)
{
	admin_check(master);
	if (master->admin.renew)
		renew(master, now_ms);
}

/* --- commands --- */

static void do_roll(struct master *master, const struct command *command, const char *kind)
{
	admin_await(master, command, master->roll.phase != ROLL_IDLE);
	master_roll(master, kind);
}

static void do_scale(struct master *master, const struct command *command)
{
	char reason[128];

	if (command->argument < 1 || command->argument > CLUSTER_SLOTS_MAX) {
		snprintf(reason, sizeof(reason), "%d workers: want 1 to %d", command->argument, CLUSTER_SLOTS_MAX);
		admin_tell_result(master, command->id, reason);
	} else if (slots_resize(master, (unsigned)command->argument) < 0) {
		admin_tell_result(master, command->id, "cannot have so many workers: see the error log");
	} else {
		log_info("%u workers from now on", master->slot_count);
		admin_await(master, command, false);
	}
}

static void do_drain(struct master *master, const struct command *command, bool drain)
{
	unsigned index = (unsigned)command->argument, others = 0;
	char reason[128];

	for (unsigned i = 0; i < master->slot_count; i++)
		others += i != index && !master->slots[i]->drained;
	if (command->argument < 0 || index >= master->slot_count) {
		snprintf(reason, sizeof(reason), "slot %d: there are slots 0 to %u", command->argument,
			 master->slot_count - 1);
		admin_tell_result(master, command->id, reason);
	} else if (drain && others == 0) {
		admin_tell_result(master, command->id, "this is the last slot that serves; use stop");
	} else {
		slot_drain(master->slots[index], drain);
		admin_await(master, command, false);
	}
}

static void do_text(struct master *master, const struct command *command)
{
	const struct cluster_program *program = master->program;
	struct buffer text = {0};
	int error = -ENOTSUP;

	if (command->kind == COMMAND_CONFIG)
		error = PROGRAM_CALL(program, -ENOTSUP, master.config,
				     master->slot_count != master->configured_workers ? master->slot_count : 0, &text);
	if (command->kind == COMMAND_WHY && command->argument >= 0)
		error = PROGRAM_CALL(program, -ENOTSUP, master.why, (unsigned)command->argument, &text);
	if (error)
		admin_tell_result(master, command->id, strerror(-error));
	else
		tell_text(master, command->id, &text);
	buffer_free(&text);
}

static void obey(struct master *master, const struct command *command)
{
	if (command->kind == COMMAND_STATUS) {
		master_status(master, command->id);
		return;
	}
	if (outcomes_claim(master, command))
		return;
	if (master_is_leaving(master) && command->kind == COMMAND_STOP) {
		admin_tell_result(master, command->id, NULL); /* it is being done: wait for it, too */
		return;
	}
	if (master_is_leaving(master) && command->kind != COMMAND_STOP_NOW) {
		admin_tell_result(master, command->id, "the server is stopping");
		return;
	}
	switch (command->kind) {
	case COMMAND_RESTART:
		do_roll(master, command, "restart");
		break;
	case COMMAND_RELOAD:
		do_roll(master, command, "reload");
		break;
	case COMMAND_UPGRADE:
		admin_await(master, command, master->roll.phase != ROLL_IDLE);
		master_upgrade(master);
		break;
	case COMMAND_SCALE:
		do_scale(master, command);
		break;
	case COMMAND_DRAIN:
	case COMMAND_UNDRAIN:
		do_drain(master, command, command->kind == COMMAND_DRAIN);
		break;
	case COMMAND_STOP:
	case COMMAND_STOP_NOW:
		admin_tell_result(master, command->id, NULL);
		if (command->kind == COMMAND_STOP)
			master_stop(master, STOP_BY_COMMAND, "broodctl stop");
		else
			master_stop(master, STOP_NOW, "broodctl stop --now");
		break;
	case COMMAND_REOPEN:
		admin_await(master, command, false);
		master_reopen_logs(master);
		break;
	case COMMAND_WHY:
	case COMMAND_CONFIG:
		do_text(master, command);
		break;
	default:
		admin_tell_result(master, command->id, "not in this version");
		break;
	}
	admin_check(master);
}

static void heard(struct master *master, const struct brood_frame *frame)
{
	struct admin *admin = &master->admin;

	if (pulse_heard(&admin->pulse, frame->data, frame->size) && !outcomes_heard(admin))
		ask_for_sign(admin);
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct command command;

	if (frame->fd_count > 0 || frame->fds_lost) {
		struct admin *admin = &((struct master *)context)->admin;

		log_error("the admin process sent descriptors, of which none are asked: it is ended");
		if (admin->pid > 0)
			kill(admin->pid, SIGKILL);
		return;
	}
	if (frame->type == MESSAGE_PING)
		heard(context, frame);
	if (frame->type != MESSAGE_COMMAND || frame->size != sizeof(command))
		return; /* of a later version */
	memcpy(&command, frame->data, sizeof(command));
	obey(context, &command);
}

/* --- the process --- */

static void on_closed(void *context, int error)
{
	struct master *master = context;

	(void)error;
	brood_channel_free(master->admin.channel);
	master->admin.channel = NULL;
	outcomes_lose(&master->admin);
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

struct admin_life {
	struct master *master;
	int channel;
	struct log_birth log;
};

static int live(void *context)
{
	const struct admin_life *life = context;
	const struct master *master = life->master;
	struct log_outlet outlet;

	if (log_outlet_open(&outlet, &life->log) < 0)
		return CLUSTER_EXIT_RESOURCES;
	return master->program->admin.run(master->program->context, life->channel, master->boards, master->slot_room);
}

static pid_t fork_admin(struct master *master, int channel)
{
	struct admin_life life = {.master = master, .channel = channel};
	size_t room = 3 + master->slot_room * BOARD_RECORDS + KEEP_MAX, count = 0;
	struct brood_process_options options = {.main = live, .context = &life, .title = CLUSTER_CHILD_NAME "admin"};
	int *kept = malloc(room * sizeof(int)), error;
	struct log_source *source;
	pid_t pid;

	if (!kept)
		return -ENOMEM;
	error = logger_add_source(master, "admin", NULL, &life.log, &source);
	if (error) {
		free(kept);
		return error;
	}
	kept[count++] = channel;
	kept[count++] = life.log.queue;
	kept[count++] = life.log.pipe;
	count += spread_keep_boards(master, kept + count);
	count += PROGRAM_CALL(master->program, 0, master.admin_fds, kept + count, room - count);
	options.keep_fds = kept;
	options.keep_count = count;
	pid = brood_process_fork(&options);
	logger_source_born(master, source, &life.log, pid);
	free(kept);
	return pid;
}

/* Also while it stops, since people wait for that; but who has something to say has to be there before the log
 * process comes to its end. */
static bool wants_admin(const struct master *master)
{
	return master->state == MASTER_RUNNING ||
	       (master->state == MASTER_STOPPING && master->logger.phase == LOGGER_RUNNING);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;

	(void)fd, (void)what;
	if (wants_admin(master))
		admin_start(master);
}

void admin_start(struct master *master)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	struct pulse_of process;
	int ends[2];

	if (!master->program->admin.run)
		return;
	if (!admin->timer)
		admin->timer = evtimer_new(master->base, on_timer, master);
	if (!admin->timer || brood_channel_pair(ends) < 0)
		goto fail;
	if (brood_channel_open(&admin->channel, master->base, ends[0], &handlers, master) < 0) {
		fd_close(&ends[1]);
		goto fail;
	}
	admin->pid = fork_admin(master, ends[1]);
	fd_close(&ends[1]);
	admin->started_ms = clock_now_ms();
	process = pulse_of(admin);
	pulse_begin(&admin->pulse, &process);
	if (admin->pid > 0)
		return;
	admin->pid = 0;
	brood_channel_free(admin->channel);
	admin->channel = NULL;
fail:
	log_error("cannot start the admin process; trying again");
	if (admin->timer)
		evtimer_add(admin->timer, &later);
}

/* --- from one version to another --- */

void admin_save(const struct master *master, struct state_writer *writer)
{
	const struct admin *admin = &master->admin;
	struct saved_admin saved = {
		.pid = admin->pid,
		.channel = admin->channel ? state_keep_fd(writer, brood_channel_fd(admin->channel)) : -1,
		.retired = admin->retired_ms != 0,
	};

	state_put(writer, STATE_ADMIN, &saved, sizeof(saved));
	admin_save_pending(master, writer);
}

int admin_restore(struct master *master, pid_t pid, int channel, bool retired)
{
	struct admin *admin = &master->admin;

	admin->pid = pid;
	admin->renew = retired;
	admin->pulse = (struct pulse){0};
	admin->retired_ms = retired ? clock_now_ms() : 0;
	admin->timer = evtimer_new(master->base, on_timer, master);
	if (!admin->timer)
		return -ENOMEM;
	if (channel < 0)
		return 0;
	return brood_channel_open(&admin->channel, master->base, channel, &handlers, master);
}

bool admin_ended(struct master *master, const struct brood_process_end *end)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	bool retired = admin->retired_ms != 0;
	char how[64];

	if (admin->pid == 0 || end->pid != admin->pid)
		return false;
	brood_process_describe(end, how, sizeof(how));
	if (master->state == MASTER_RUNNING && !retired)
		log_warn("the admin process died: %s", how);
	admin->pid = 0;
	if (retired)
		outcomes_forget(admin, false); /* nobody waited any more */
	if (admin->channel)
		on_closed(master, 0);
	admin->renew = false;
	admin->retired_ms = 0;
	if (!wants_admin(master))
		return true;
	/* Whoever waited for an outcome waits for the next one now. */
	if (retired || clock_now_ms() - admin->started_ms >= AGAIN_MS)
		admin_start(master);
	else
		evtimer_add(admin->timer, &later);
	return true;
}

void admin_show_board(struct master *master, const struct brood_frame *frame)
{
	admin_say(master, frame);
}

void admin_close(struct master *master)
{
	struct admin *admin = &master->admin;

	admin_forget_pending(admin, true);
	outcomes_forget(admin, true);
	brood_channel_free(admin->channel);
	admin->channel = NULL;
	if (admin->timer)
		event_free(admin->timer);
}
