/* SPDX-License-Identifier: MIT
 *
 * The admin process and its commands. People's programs speak with the admin; the master gets fixed
 * little messages, does what they say, and tells the outcome when there is one. Master only. */
#include "cluster/master.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/command.h"
#include "cluster/message.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	AGAIN_MS = 1000,    /* between an admin's death and the next one */
	PENDING_MAX = 256,  /* commands whose outcome is awaited */
	KEEP_MAX = 16,
};

/* A command whose outcome is not known yet. */
struct pending {
	struct list link;
	struct command command;
	bool next; /* of the roll that follows the one that runs */
};

/* --- answers --- */

void admin_say(struct master *master, const struct brood_frame *frame)
{
	struct admin *admin = &master->admin;

	/* One that does not read is of no use to anybody; its successor is. */
	if (admin->channel && brood_channel_send(admin->channel, frame) == -ENOBUFS)
		kill(admin->pid, SIGKILL);
}

void admin_tell_result(struct master *master, uint64_t id, const char *reason)
{
	struct command_result result = {.id = id, .ok = reason == NULL};
	struct brood_frame frame = {.type = MESSAGE_RESULT, .data = &result, .size = sizeof(result)};

	if (reason)
		snprintf(result.reason, sizeof(result.reason), "%s", reason);
	admin_say(master, &frame);
}

/* A longer text, in a memfd. */
static void tell_text(struct master *master, uint64_t id, const struct buffer *text)
{
	struct command_result result = {.id = id, .ok = 1};
	int fd = memfd_create("brood-text", MFD_CLOEXEC);
	struct brood_frame frame = {.type = MESSAGE_RESULT,
				    .data = &result,
				    .size = sizeof(result),
				    .fds = &fd,
				    .fd_count = 1};

	if (fd < 0 || (text->used > 0 && write(fd, text->data, text->used) != (ssize_t)text->used))
		admin_tell_result(master, id, "no room for the answer");
	else
		admin_say(master, &frame);
	fd_close(&fd);
}

void admin_progress(struct master *master, unsigned done, const char *text)
{
	struct admin *admin = &master->admin;
	struct command_progress progress = {.done = done, .total = master->slot_count};
	struct brood_frame frame = {
		.type = MESSAGE_PROGRESS, .data = &progress, .size = sizeof(progress)};

	snprintf(progress.text, sizeof(progress.text), "%s", text);
	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		const struct pending *pending = LIST_ENTRY(at, struct pending, link);

		if (pending->next)
			continue;
		progress.id = pending->command.id;
		admin_say(master, &frame);
	}
}

/* --- commands whose outcome comes later --- */

static bool is_roll(uint32_t kind)
{
	return kind == COMMAND_RESTART || kind == COMMAND_RELOAD || kind == COMMAND_UPGRADE;
}

static void await(struct master *master, const struct command *command, bool next)
{
	struct admin *admin = &master->admin;
	struct pending *pending =
		admin->pending_count < PENDING_MAX ? malloc(sizeof(*pending)) : NULL;

	if (!pending) {
		admin_tell_result(master, command->id, "it is being done, but too many wait for outcomes");
		return;
	}
	*pending = (struct pending){.command = *command, .next = next};
	list_init(&pending->link);
	list_append(&admin->pending, &pending->link);
	admin->pending_count++;
}

static void settle(struct master *master, struct pending *pending, const char *reason)
{
	admin_tell_result(master, pending->command.id, reason);
	list_remove(&pending->link);
	master->admin.pending_count--;
	free(pending);
}

void admin_roll_over(struct master *master, const char *reason)
{
	struct list *at = master->admin.pending.next;

	while (at != &master->admin.pending) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);

		at = at->next;
		if (is_roll(pending->command.kind) && !pending->next)
			settle(master, pending, reason);
		else
			pending->next = false; /* its roll comes now */
	}
}

/* Have those that are not wanted given away all they can? */
static bool has_handed_over(const struct master *master, unsigned slot)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		const struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->slot == slot && instance->phase == INSTANCE_DRAINING &&
		    !instance->handed_over)
			return false;
	}
	return true;
}

enum outcome { NOT_YET, GOOD, BAD };

static enum outcome outcome_of_slot(const struct master *master, unsigned index)
{
	const struct slot *slot = master->slots[index];
	bool wanted = index < master->slot_count && !slot->drained;

	if (wanted)
		return slot->state == SLOT_SERVING ? GOOD
						   : slot->state == SLOT_PARKED ? BAD : NOT_YET;
	return !slot->lead && !slot->next && has_handed_over(master, index) ? GOOD : NOT_YET;
}

static enum outcome outcome_of(const struct master *master, const struct command *command)
{
	if (command->kind == COMMAND_DRAIN || command->kind == COMMAND_UNDRAIN)
		return outcome_of_slot(master, (unsigned)command->argument);
	for (unsigned i = 0; i < master->slot_room; i++) {
		enum outcome outcome = outcome_of_slot(master, i);

		if (outcome != GOOD)
			return outcome;
	}
	return GOOD;
}

void admin_check(struct master *master)
{
	struct list *at = master->admin.pending.next;

	while (at != &master->admin.pending) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);
		enum outcome outcome;

		at = at->next;
		if (is_roll(pending->command.kind))
			continue;
		outcome = outcome_of(master, &pending->command);
		if (outcome != NOT_YET)
			settle(master, pending,
			       outcome == GOOD ? NULL : "a slot is parked: its workers do not start");
	}
}

/* --- commands --- */

static void do_roll(struct master *master, const struct command *command, const char *kind)
{
	await(master, command, master->roll.phase != ROLL_IDLE);
	master_roll(master, kind);
}

static void do_scale(struct master *master, const struct command *command)
{
	char reason[128];

	if (command->argument < 1 || command->argument > CLUSTER_SLOTS_MAX) {
		snprintf(reason, sizeof(reason), "%d workers: want 1 to %d", command->argument,
			 CLUSTER_SLOTS_MAX);
		admin_tell_result(master, command->id, reason);
	} else if (slots_resize(master, (unsigned)command->argument) < 0) {
		admin_tell_result(master, command->id, "cannot have so many workers: see the error log");
	} else {
		log_info("%u workers from now on", master->slot_count);
		await(master, command, false);
	}
}

static void do_drain(struct master *master, const struct command *command, bool drain)
{
	unsigned index = (unsigned)command->argument, others = 0;
	char reason[128];

	for (unsigned i = 0; i < master->slot_count; i++)
		others += i != index && !master->slots[i]->drained;
	if (command->argument < 0 || index >= master->slot_count) {
		snprintf(reason, sizeof(reason), "slot %d: there are slots 0 to %u",
			 command->argument, master->slot_count - 1);
		admin_tell_result(master, command->id, reason);
	} else if (drain && others == 0) {
		admin_tell_result(master, command->id, "this is the last slot that serves; use stop");
	} else {
		slot_drain(master->slots[index], drain);
		await(master, command, false);
	}
}

static void do_text(struct master *master, const struct command *command)
{
	const struct cluster_program *program = master->program;
	struct buffer text = {0};
	int error = -ENOTSUP;

	if (command->kind == COMMAND_CONFIG && program->config)
		error = program->config(program->context, &text);
	if (command->kind == COMMAND_WHY && program->why && command->argument >= 0)
		error = program->why(program->context, (unsigned)command->argument, &text);
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
	if (master->state != MASTER_RUNNING && command->kind != COMMAND_STOP_NOW) {
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
		master_stop(master, "broodctl stop");
		if (command->kind == COMMAND_STOP_NOW && master->state == MASTER_STOPPING)
			master_stop(master, "broodctl stop --now");
		break;
	case COMMAND_REOPEN:
		master_reopen_logs(master);
		admin_tell_result(master, command->id, NULL);
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

static void on_frame(void *context, struct brood_frame *frame)
{
	struct command command;

	if (frame->type != MESSAGE_COMMAND || frame->size != sizeof(command))
		return; /* of a later version */
	memcpy(&command, frame->data, sizeof(command));
	obey(context, &command);
}

/* --- the process --- */

static void forget_all(struct admin *admin)
{
	while (!list_empty(&admin->pending)) {
		struct pending *pending = LIST_ENTRY(admin->pending.next, struct pending, link);

		list_remove(&pending->link);
		free(pending);
	}
	admin->pending_count = 0;
}

static void on_closed(void *context, int error)
{
	struct master *master = context;

	(void)error;
	brood_channel_free(master->admin.channel);
	master->admin.channel = NULL;
	forget_all(&master->admin);
}

static const struct brood_channel_handlers handlers = {
	.frame = on_frame,
	.closed = on_closed,
};

struct admin_life {
	struct master *master;
	int channel;
};

static int live(void *context)
{
	const struct admin_life *life = context;
	const struct master *master = life->master;

	return master->program->admin(master->program->context, life->channel, master->boards,
				      master->slot_room);
}

static pid_t fork_admin(struct master *master, int channel)
{
	struct admin_life life = {.master = master, .channel = channel};
	size_t room = 1 + master->slot_room + KEEP_MAX, count = 0;
	struct brood_process_options options = {
		.main = live, .context = &life, .title = "brood: admin"};
	int *kept = malloc(room * sizeof(int));
	pid_t pid;

	if (!kept)
		return -ENOMEM;
	kept[count++] = channel;
	for (unsigned i = 0; i < master->slot_room; i++)
		kept[count++] = master->boards[i].fd;
	count += master->program->keep_admin(master->program->context, kept + count, room - count);
	options.keep_fds = kept;
	options.keep_count = count;
	pid = brood_process_fork(&options);
	free(kept);
	return pid;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;

	(void)fd, (void)what;
	if (master->state == MASTER_RUNNING)
		admin_start(master);
}

void admin_start(struct master *master)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	int ends[2];

	if (!master->program->admin)
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

bool admin_ended(struct master *master, const struct brood_process_end *end)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	char how[64];

	if (end->pid != admin->pid)
		return false;
	brood_process_describe(end, how, sizeof(how));
	if (master->state == MASTER_RUNNING)
		log_warn("the admin process died: %s", how);
	admin->pid = 0;
	if (admin->channel)
		on_closed(master, 0);
	if (master->state == MASTER_RUNNING)
		evtimer_add(admin->timer, &later);
	return true;
}

void admin_show_board(struct master *master, const struct brood_frame *frame)
{
	admin_say(master, frame);
}

void admin_send_logs(struct master *master, const int *fds, size_t count)
{
	struct brood_frame frame = {
		.type = MESSAGE_LOGS, .fds = (int *)fds, .fd_count = count > 0 ? 1 : 0};

	admin_say(master, &frame);
}

void admin_close(struct master *master)
{
	struct admin *admin = &master->admin;

	forget_all(admin);
	brood_channel_free(admin->channel);
	admin->channel = NULL;
	if (admin->timer)
		event_free(admin->timer);
}
