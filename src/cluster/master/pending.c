/* SPDX-License-Identifier: MIT
 *
 * Commands whose outcome comes later: it is told when there is one. Master only. */
#include "cluster/master/pending.h"

#include "base/buffer.h"
#include "base/fd.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/master/outcomes.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PENDING_MAX = 256 };

/* A command whose outcome is not known yet. */
struct pending {
	struct list link;
	struct command command;
	bool next; /* of the roll that follows the one that runs */
};

/* --- telling --- */

static void tell(struct master *master, const struct command_result *result, const int *text)
{
	struct brood_frame frame = {.type = MESSAGE_RESULT,
				    .data = result,
				    .size = sizeof(*result),
				    .fds = (int *)text,
				    .fd_count = text ? 1 : 0};

	if (!text)
		outcomes_note(&master->admin, result);
	admin_say(master, &frame);
	admin_ask_for_sign(&master->admin); /* once that comes back it has heard this */
}

static void tell_words(struct master *master, uint64_t id, bool ok, const char *words)
{
	struct command_result result = {.id = id, .ok = ok};

	snprintf(result.reason, sizeof(result.reason), "%s", words);
	tell(master, &result, NULL);
}

void outcome_tell(struct master *master, uint64_t id, const char *reason)
{
	tell_words(master, id, reason == NULL, reason ? reason : "");
}

void outcome_tell_text(struct master *master, uint64_t id, const struct buffer *text)
{
	struct command_result result = {.id = id, .ok = 1};
	int fd = memfd_create("brood-text", MFD_CLOEXEC);

	if (fd < 0 || (text->used > 0 && write(fd, text->data, text->used) != (ssize_t)text->used))
		outcome_tell(master, id, "no room for the answer");
	else
		tell(master, &result, &fd);
	fd_close(&fd);
}

/* --- those that wait --- */

static bool is_roll(uint32_t kind)
{
	return kind == COMMAND_RESTART || kind == COMMAND_RELOAD || kind == COMMAND_UPGRADE;
}

void pending_add(struct master *master, const struct command *command, bool next)
{
	struct admin *admin = &master->admin;
	struct pending *pending = admin->pending_count < PENDING_MAX ? malloc(sizeof(*pending)) : NULL;

	if (!pending) {
		outcome_tell(master, command->id, "it is being done, but too many wait for outcomes");
		return;
	}
	outcomes_expect(admin, command);
	*pending = (struct pending){.command = *command, .next = next};
	list_init(&pending->link);
	list_append(&admin->pending, &pending->link);
	admin->pending_count++;
}

static void settle(struct master *master, struct pending *pending, const char *reason)
{
	if (!reason && pending->command.kind == COMMAND_UPGRADE)
		tell_words(master, pending->command.id, true, master->upgraded);
	else
		outcome_tell(master, pending->command.id, reason);
	list_remove(&pending->link);
	master->admin.pending_count--;
	free(pending);
}

void pending_roll_over(struct master *master, const char *reason)
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

void pending_upgrade_failed(struct master *master, const char *reason)
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
	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->slot == slot && worker->phase == WORKER_DRAINING && !worker->handed_over)
			return false;
	return true;
}

enum outcome { NOT_YET, GOOD, BAD };

static enum outcome outcome_of_slot(const struct master *master, unsigned index)
{
	const struct slot *slot = master->slots[index];
	bool wanted = index < master->slot_count && !slot->disabled;

	if (wanted)
		return slot->state == SLOT_SERVING ? GOOD : slot->state == SLOT_PARKED ? BAD : NOT_YET;
	return !slot->current && !slot->successor && has_handed_over(master, index) ? GOOD : NOT_YET;
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

void pending_progress(struct master *master, unsigned done, const char *text)
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

void pending_check(struct master *master)
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

void pending_forget(struct admin *admin, bool all)
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

static void rename_one(struct admin *admin, uint64_t from, uint64_t to)
{
	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		struct pending *pending = LIST_ENTRY(at, struct pending, link);

		if (pending->command.id == from)
			pending->command.id = to;
	}
}

void pending_lose(struct admin *admin)
{
	uint64_t from, to;

	while (outcomes_lose(admin, &from, &to))
		rename_one(admin, from, to);
	pending_forget(admin, false);
}

/* With no result yet it gets a sign that it is known, and goes on. */
bool pending_claim(struct master *master, const struct command *command)
{
	struct command_progress progress = {.id = command->id, .total = 0, .text = "it goes on"};
	struct brood_frame frame = {.type = MESSAGE_PROGRESS, .data = &progress, .size = sizeof(progress)};
	const struct command_result *result;
	uint64_t from;

	if (!outcomes_claim(&master->admin, command, &from, &result))
		return false;
	rename_one(&master->admin, from, command->id);
	if (result)
		tell(master, result, NULL);
	else
		admin_say(master, &frame);
	return true;
}

/* --- from one version to another --- */

void pending_save(const struct master *master, struct upgrade_writer *writer)
{
	const struct admin *admin = &master->admin;

	for (struct list *at = admin->pending.next; at != &admin->pending; at = at->next) {
		const struct pending *pending = LIST_ENTRY(at, struct pending, link);
		struct upgrade_pending one = {.command = pending->command, .next = pending->next};

		upgrade_put(writer, RECORD_PENDING, &one, sizeof(one));
	}
}
