/* SPDX-License-Identifier: MIT
 *
 * Commands whose outcome comes later: it is told when there is one. Master only. */
#include "cluster/master/master.h"

#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "cluster/upgrade/saved.h"
#include "cluster/upgrade/state_record.h"

#include <stdio.h>
#include <stdlib.h>

enum { PENDING_MAX = 256 };

/* A command whose outcome is not known yet. */
struct pending {
	struct list link;
	struct command command;
	bool next; /* of the roll that follows the one that runs */
};

static bool is_roll(uint32_t kind)
{
	return kind == COMMAND_RESTART || kind == COMMAND_RELOAD || kind == COMMAND_UPGRADE;
}

void admin_await(struct master *master, const struct command *command, bool next)
{
	struct admin *admin = &master->admin;
	struct pending *pending = admin->pending_count < PENDING_MAX ? malloc(sizeof(*pending)) : NULL;

	if (!pending) {
		admin_tell_result(master, command->id, "it is being done, but too many wait for outcomes");
		return;
	}
	outcomes_expect(master, command);
	*pending = (struct pending){.command = *command, .next = next};
	list_init(&pending->link);
	list_append(&admin->pending, &pending->link);
	admin->pending_count++;
}

static void settle(struct master *master, struct pending *pending, const char *reason)
{
	if (!reason && pending->command.kind == COMMAND_UPGRADE)
		admin_tell_done(master, pending->command.id, master->upgraded);
	else
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

void admin_upgrade_failed(struct master *master, const char *reason)
{
	struct list *at = master->admin.pending.next;

	while (at != &master->admin.pending) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);

		at = at->next;
		if (pending->command.kind == COMMAND_UPGRADE)
			settle(master, pending, reason);
	}
}

/* Have those that are not wanted given away all they can? */
static bool has_handed_over(const struct master *master, unsigned slot)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		const struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->slot == slot && instance->phase == INSTANCE_DRAINING && !instance->handed_over)
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
		return slot->state == SLOT_SERVING ? GOOD : slot->state == SLOT_PARKED ? BAD : NOT_YET;
	return !slot->lead && !slot->next && has_handed_over(master, index) ? GOOD : NOT_YET;
}

static enum outcome outcome_of(const struct master *master, const struct command *command)
{
	if (command->kind == COMMAND_REOPEN)
		return logger_has_reopened(master) ? GOOD : NOT_YET;
	if (command->kind == COMMAND_DRAIN || command->kind == COMMAND_UNDRAIN)
		return outcome_of_slot(master, (unsigned)command->argument);
	for (unsigned i = 0; i < master->slot_room; i++) {
		enum outcome outcome = outcome_of_slot(master, i);

		if (outcome != GOOD)
			return outcome;
	}
	return GOOD;
}

void admin_progress(struct master *master, unsigned done, const char *text)
{
	struct admin *admin = &master->admin;
	struct command_progress progress = {.done = done, .total = master->slot_count};
	struct brood_frame frame = {.type = MESSAGE_PROGRESS, .data = &progress, .size = sizeof(progress)};

	snprintf(progress.text, sizeof(progress.text), "%s", text);
	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		const struct pending *pending = LIST_ENTRY(at, struct pending, link);

		if (pending->next)
			continue;
		progress.id = pending->command.id;
		admin_say(master, &frame);
	}
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
			settle(master, pending, outcome == GOOD ? NULL : "a slot is parked: its workers do not start");
	}
}

void admin_forget_pending(struct admin *admin, bool all)
{
	for (struct list *at = admin->pending.next; at != &admin->pending;) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);

		at = at->next;
		if (!all && (pending->command.id & COMMAND_ID_LOST))
			continue;
		list_remove(&pending->link);
		free(pending);
		admin->pending_count--;
	}
}

void admin_rename_pending(struct admin *admin, uint64_t from, uint64_t to)
{
	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);

		if (pending->command.id == from)
			pending->command.id = to;
	}
}

/* --- from one version to another --- */

void admin_save_pending(const struct master *master, struct state_writer *writer)
{
	const struct admin *admin = &master->admin;

	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		const struct pending *pending = LIST_ENTRY(at, struct pending, link);
		struct saved_pending one = {.command = pending->command, .next = pending->next};

		state_put(writer, STATE_PENDING, &one, sizeof(one));
	}
}
