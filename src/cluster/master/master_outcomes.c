/* SPDX-License-Identifier: MIT
 *
 * What was asked for outlives the admin process that has passed it on. Whoever waits for an outcome (broodctl)
 * sees its connection end when an admin dies, connects to the next one and asks again; the master knows the
 * process and what it wants, and does not do it twice, but tells it what came, or will come, of the first time.
 *
 *     EXPECTED --the outcome--> TOLD --the admin has heard it--> gone
 *        \______ the admin dies ______/ --> LOST --asked again--> EXPECTED, or told at once
 *
 * Ids are the admin's: in their upper half is the process that asks, 0 for one that it cannot see, which begins
 * anew when it asks again. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"

#include <stdlib.h>
#include <string.h>

enum {
	OUTCOMES_MAX = 64,
	KEPT_MS = 60000, /* for whoever has to connect to the next admin first */
	HALF = 32,
};

struct kept_outcome {
	struct kept_outcome *next; /* newer */
	struct command command;
	bool lost;                     /* the admin that passed it on has gone */
	struct command_result *result; /* owned; NULL: there is none yet */
	uint64_t told_ms;
	uint32_t heard_by; /* the first ping that comes back after it was told */
};

static uint64_t asker(uint64_t id)
{
	return id >> HALF;
}

static void discard(struct kept_outcome **at)
{
	struct kept_outcome *outcome = *at;

	*at = outcome->next;
	free(outcome->result);
	free(outcome);
}

/* Those that nobody has asked for in time, and the oldest of too many. */
static void trim(struct admin *admin)
{
	uint64_t now_ms = clock_now_ms();
	unsigned count = 0;

	for (struct kept_outcome **at = &admin->outcomes; *at;) {
		const struct kept_outcome *outcome = *at;

		if (outcome->lost && outcome->result && now_ms - outcome->told_ms >= KEPT_MS) {
			discard(at);
		} else {
			at = &(*at)->next;
			count++;
		}
	}
	if (count >= OUTCOMES_MAX)
		discard(&admin->outcomes);
}

void outcomes_expect(struct master *master, const struct command *command)
{
	struct admin *admin = &master->admin;
	struct kept_outcome *outcome, **at = &admin->outcomes;

	if (asker(command->id) == 0)
		return;
	trim(admin);
	outcome = calloc(1, sizeof(*outcome));
	if (!outcome) /* it is told as long as this admin lives */
		return;
	outcome->command = *command;
	outcome->lost = (command->id & COMMAND_ID_LOST) != 0; /* a former version has lost it */
	if (outcome->lost && (uint32_t)command->id > admin->last_lost)
		admin->last_lost = (uint32_t)command->id;
	while (*at)
		at = &(*at)->next;
	*at = outcome;
}

void outcomes_tell(struct master *master, const struct command_result *result)
{
	for (struct kept_outcome *at = master->admin.outcomes; at; at = at->next) {
		if (at->command.id != result->id || at->result)
			continue;
		at->result = malloc(sizeof(*result));
		if (at->result)
			memcpy(at->result, result, sizeof(*result));
		at->told_ms = clock_now_ms();
		at->heard_by = master->admin.pulse.sent + 1;
		return;
	}
}

bool outcomes_heard(struct admin *admin)
{
	bool all = true;

	for (struct kept_outcome **at = &admin->outcomes; *at;) {
		if ((*at)->result && !(*at)->lost && (*at)->heard_by <= admin->pulse.back) {
			discard(at);
			continue;
		}
		all = all && (!(*at)->result || (*at)->lost);
		at = &(*at)->next;
	}
	return all;
}

/* What an admin tells of it from now on has no meaning to the next one, whose ids may be the same. */
static void lose(struct admin *admin, struct kept_outcome *outcome)
{
	uint64_t id = asker(outcome->command.id) << HALF | COMMAND_ID_LOST | ++admin->last_lost;

	admin_rename_pending(admin, outcome->command.id, id);
	outcome->command.id = id;
	outcome->lost = true;
}

void outcomes_lose(struct admin *admin)
{
	for (struct kept_outcome *at = admin->outcomes; at; at = at->next)
		if (!at->lost)
			lose(admin, at);
	admin_forget_pending(admin, false);
}

static bool is_same(const struct kept_outcome *outcome, const struct command *command)
{
	return outcome->lost && asker(outcome->command.id) == asker(command->id) &&
	       outcome->command.kind == command->kind && outcome->command.argument == command->argument;
}

/* A sign that it is known, and goes on. */
static void say_that_it_runs(struct master *master, uint64_t id)
{
	struct command_progress progress = {.id = id, .total = 0, .text = "it goes on"};
	struct brood_frame frame = {.type = MESSAGE_PROGRESS, .data = &progress, .size = sizeof(progress)};

	admin_say(master, &frame);
}

bool outcomes_claim(struct master *master, const struct command *command)
{
	struct admin *admin = &master->admin;
	struct kept_outcome **at = &admin->outcomes, *outcome;

	trim(admin);
	while (*at && !is_same(*at, command))
		at = &(*at)->next;
	outcome = *at;
	if (!outcome || asker(command->id) == 0)
		return false;
	admin_rename_pending(admin, outcome->command.id, command->id);
	outcome->command.id = command->id;
	outcome->lost = false;
	if (outcome->result) {
		struct command_result result = *outcome->result;
		struct brood_frame frame = {.type = MESSAGE_RESULT, .data = &result, .size = sizeof(result)};

		result.id = outcome->result->id = command->id;
		outcome->heard_by = admin->pulse.sent + 1;
		admin_say(master, &frame);
	} else {
		say_that_it_runs(master, command->id);
	}
	return true;
}

void outcomes_forget(struct admin *admin, bool all)
{
	for (struct kept_outcome **at = &admin->outcomes; *at;) {
		if (all || (*at)->result)
			discard(at);
		else
			at = &(*at)->next;
	}
}
