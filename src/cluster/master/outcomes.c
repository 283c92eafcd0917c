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
#include "cluster/master/outcomes.h"

#include "base/clock.h"
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

void outcomes_expect(struct admin *admin, const struct command *command)
{
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

void outcomes_note(struct admin *admin, const struct command_result *result)
{
	for (struct kept_outcome *at = admin->outcomes; at; at = at->next) {
		if (at->command.id != result->id || at->result)
			continue;
		at->result = malloc(sizeof(*result));
		if (at->result)
			memcpy(at->result, result, sizeof(*result));
		at->told_ms = clock_now_ms();
		at->heard_by = admin->pulse.sent + 1;
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
bool outcomes_lose(struct admin *admin, uint64_t *from, uint64_t *to)
{
	struct kept_outcome *outcome = admin->outcomes;

	while (outcome && outcome->lost)
		outcome = outcome->next;
	if (!outcome)
		return false;
	*from = outcome->command.id;
	*to = asker(*from) << HALF | COMMAND_ID_LOST | ++admin->last_lost;
	outcome->command.id = *to;
	outcome->lost = true;
	return true;
}

static bool is_same(const struct kept_outcome *outcome, const struct command *command)
{
	return outcome->lost && asker(outcome->command.id) == asker(command->id) &&
	       outcome->command.kind == command->kind && outcome->command.argument == command->argument;
}

bool outcomes_claim(struct admin *admin, const struct command *command, uint64_t *from,
		    const struct command_result **result)
{
	struct kept_outcome *outcome;

	trim(admin);
	outcome = admin->outcomes;
	while (outcome && !is_same(outcome, command))
		outcome = outcome->next;
	if (!outcome || asker(command->id) == 0)
		return false;
	*from = outcome->command.id;
	*result = outcome->result;
	outcome->command.id = command->id;
	outcome->lost = false;
	if (outcome->result) {
		outcome->result->id = command->id;
		outcome->heard_by = admin->pulse.sent + 1;
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
