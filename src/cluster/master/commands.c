/* SPDX-License-Identifier: MIT
 *
 * What may be asked by way of the admin process. People's programs speak with that one; the master gets fixed
 * little messages, does what they say, and tells the outcome when there is one. Master only. */
#include "cluster/master/commands.h"

#include "base/buffer.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/master/outcomes.h"
#include "cluster/master/pending.h"
#include "cluster/master/rolling.h"
#include "cluster/master/status.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/upgrading.h"
#include "cluster/policy/program_call.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void do_roll(struct master *master, const struct command *command, enum roll_kind kind)
{
	pending_add(master, command, master->roll.phase != ROLL_IDLE);
	rolling_begin(master, kind);
}

static void do_scale(struct master *master, const struct command *command)
{
	char reason[128];

	if (command->argument < 1 || command->argument > CLUSTER_SLOTS_MAX) {
		snprintf(reason, sizeof(reason), "%d workers: want 1 to %d", command->argument, CLUSTER_SLOTS_MAX);
		outcome_tell(master, command->id, reason);
	} else if (supervisor_resize(master, (unsigned)command->argument) < 0) {
		outcome_tell(master, command->id, "cannot have so many workers: see the error log");
	} else {
		log_info("%u workers from now on", master->slot_count);
		pending_add(master, command, false);
	}
}

static void do_disable(struct master *master, const struct command *command, bool disable)
{
	unsigned index = (unsigned)command->argument, others = 0;
	char reason[128];

	for (unsigned i = 0; i < master->slot_count; i++)
		others += i != index && !master->slots[i]->disabled;
	if (command->argument < 0 || index >= master->slot_count) {
		snprintf(reason, sizeof(reason), "slot %d: there are slots 0 to %u", command->argument,
			 master->slot_count - 1);
		outcome_tell(master, command->id, reason);
	} else if (disable && others == 0) {
		outcome_tell(master, command->id, "this is the last slot that serves; use stop");
	} else {
		supervisor_disable(master->slots[index], disable);
		pending_add(master, command, false);
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
		outcome_tell(master, command->id, strerror(-error));
	else
		outcome_tell_text(master, command->id, &text);
	buffer_free(&text);
}

static void obey(struct master *master, const struct command *command)
{
	if (command->kind == COMMAND_STATUS) {
		status_tell(master, command->id);
		return;
	}
	if (pending_claim(master, command))
		return;
	if (master_is_leaving(master) && command->kind == COMMAND_STOP) {
		outcome_tell(master, command->id, NULL); /* it is being done: wait for it, too */
		return;
	}
	if (master_is_leaving(master) && command->kind != COMMAND_STOP_NOW) {
		outcome_tell(master, command->id, "the server is stopping");
		return;
	}
	switch (command->kind) {
	case COMMAND_RESTART:
		do_roll(master, command, ROLL_KIND_RESTART);
		break;
	case COMMAND_RELOAD:
		do_roll(master, command, ROLL_KIND_RELOAD);
		break;
	case COMMAND_UPGRADE:
		pending_add(master, command, master->roll.phase != ROLL_IDLE);
		upgrading_begin(master);
		break;
	case COMMAND_SCALE:
		do_scale(master, command);
		break;
	case COMMAND_DRAIN:
	case COMMAND_UNDRAIN:
		do_disable(master, command, command->kind == COMMAND_DRAIN);
		break;
	case COMMAND_STOP:
	case COMMAND_STOP_NOW:
		outcome_tell(master, command->id, NULL);
		if (command->kind == COMMAND_STOP)
			stopping_begin(master, STOP_BY_COMMAND, "broodctl stop");
		else
			stopping_begin(master, STOP_NOW, "broodctl stop --now");
		break;
	case COMMAND_REOPEN:
		pending_add(master, command, false);
		logger_reopen(master);
		break;
	case COMMAND_WHY:
	case COMMAND_CONFIG:
		do_text(master, command);
		break;
	default:
		outcome_tell(master, command->id, "not in this version");
		break;
	}
	pending_check(master);
}

static void heard(struct master *master, const struct brood_frame *frame)
{
	struct admin *admin = &master->admin;

	if (pulse_heard(&admin->pulse, frame->data, frame->size) && !outcomes_heard(admin))
		admin_ask_for_sign(admin);
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

static void on_closed(void *context, int error)
{
	struct admin *admin = &((struct master *)context)->admin;

	(void)error;
	brood_channel_free(admin->channel);
	admin->channel = NULL;
	pending_lose(admin);
}

static void on_discard(void *context, int fd)
{
	master_discard(context, fd);
}

void commands_open(struct master *master)
{
	static const struct brood_channel_handlers handlers = {
		.frame = on_frame,
		.closed = on_closed,
		.discard = on_discard,
	};

	list_init(&master->admin.pending);
	master->admin.handlers = &handlers;
}

bool commands_admin_ended(struct master *master, const struct brood_process_end *end)
{
	enum admin_end how = admin_ended(master, end);

	if (how == ADMIN_IS_ANOTHER)
		return false;
	if (how == ADMIN_HAS_LEFT)
		outcomes_forget(&master->admin, false); /* nobody waited any more */
	pending_lose(&master->admin);
	return true;
}
