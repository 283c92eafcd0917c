/* SPDX-License-Identifier: MIT
 *
 * Rolls: roll.c says in which order, this does it. A reload is a roll to a configuration that was
 * prepared before and is committed, or abandoned, at its end. Master only. */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/policy/program_call.h"

#include <stdio.h>
#include <string.h>

static bool draining(void *context, unsigned slot)
{
	struct master *master = context;

	return slot_is_draining(master->slots[slot]);
}

/* Of the old workers, what could move has; and nobody writes to logs that were there before. */
static bool settled(void *context)
{
	struct master *master = context;

	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		const struct instance *instance = LIST_ENTRY(at, struct instance, link);

		/* One that stands still hands over when it goes on, or is ended: nobody has to wait for it. */
		if (instance->phase == INSTANCE_DRAINING && !instance->handed_over && !instance->stopped)
			return false;
	}
	return !logger_is_waited_for(master);
}

struct roll_view master_roll_view(struct master *master)
{
	return (struct roll_view){
		.slots = master->slot_count, .draining = draining, .settled = settled, .context = master};
}

/* Gives the slot a worker of the kind that it is to have, if it has none yet. */
static enum roll_action start(struct master *master, struct slot *slot)
{
	struct roll_view view = master_roll_view(master);
	bool next = master->roll.phase == ROLL_FORWARD;

	if (slot->drained) { /* nothing to replace */
		slot->next_kind = next;
		return roll_ready(&master->roll, &view, slot->index);
	}
	if (slot->next && slot->next->next != next) {
		instance_kill(slot->next, "replaced before it was ready");
		slot->next = NULL;
	}
	if (!slot->next && (!slot->lead || slot->lead->next != next))
		slot_replace(slot, next);
	if (slot->state == SLOT_SERVING && slot->lead->next == next)
		return roll_ready(&master->roll, &view, slot->index);
	if (slot->next || slot->state == SLOT_STARTING)
		return ROLL_NOTHING; /* its readiness or its death comes back here */
	return roll_died(&master->roll, &view, slot->index, false);
}

/* Whatever comes next is of the kind that is in force. */
static void level(struct master *master)
{
	for (unsigned i = 0; i < master->slot_room; i++)
		master->slots[i]->next_kind = false;
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		LIST_ENTRY(at, struct instance, link)->next = false;
	master->prepared = master->sockets_prepared = false;
}

static enum roll_action commit(struct master *master)
{
	struct roll_view view = master_roll_view(master);
	unsigned workers = master->next_options.workers;

	master->options = master->next_options;
	master->generation = master->next_generation;
	if (master->prepared) {
		PROGRAM_TELL(master->program, master.commit);
		logger_reopened(master, false);
	}
	if (master->sockets_prepared) {
		listeners_commit(&master->listeners);
		leaving_follow(master);
	}
	level(master);
	spread_follow_mode(master);
	/* A number of workers that was set by TTIN or TTOU stays, unless the file says something new. */
	if (workers != master->configured_workers) {
		master->configured_workers = workers;
		if (slots_resize(master, workers) < 0)
			log_warn("going on with %u workers", master->slot_count);
	}
	spread_adopt_anew(master);
	return roll_settled(&master->roll, &view);
}

/* A slot whose old worker died meanwhile had nothing to return to but a start of the new kind. */
static void end_new_starts(struct master *master)
{
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next) {
		struct instance *instance = LIST_ENTRY(at, struct instance, link);

		if (instance->next && instance->phase == INSTANCE_STARTING)
			instance_kill(instance, "of a configuration that was given up");
	}
}

static enum roll_action give_back(struct master *master)
{
	struct roll_view view = master_roll_view(master);

	end_new_starts(master);
	if (master->prepared) {
		PROGRAM_TELL(master->program, master.abandon);
		logger_tell(master);
	}
	if (master->sockets_prepared)
		listeners_abandon(&master->listeners);
	level(master);
	spread_follow_mode(master);
	return roll_settled(&master->roll, &view);
}

/* A reason may have several lines; the log has one for each. */
void master_tell_failure(struct master *master)
{
	const struct roll_report *report = &master->report;
	const char *line = report->reason;

	log_error("%s failed, everything is as it was:", report->kind);
	do {
		size_t size = strcspn(line, "\n");

		log_error("%.*s", (int)size, line);
		line += size + (line[size] == '\n');
	} while (*line != '\0');
	PROGRAM_TELL(master->program, master.failed, report->kind, report->reason);
}

static void finish(struct master *master, bool ok)
{
	const char *kind = master->again_kind;

	master->report.ok = ok;
	if (ok)
		log_info("%s done: %u workers of generation %u", master->report.kind, master->slot_count,
			 master->generation);
	if (ok && !logger_has_reopened(master))
		log_warn("the log process does not answer: some lines may still go to the old log files");
	if (!ok)
		master_tell_failure(master);
	PROGRAM_TELL(master->program, master.rolled);
	admin_roll_over(master, ok ? NULL : master->report.reason);
	master->again_kind = NULL;
	if (ok && strcmp(master->report.kind, "upgrade") == 0)
		admin_renew(master);
	if (!roll_wanted_again(&master->roll) || master_is_leaving(master))
		return;
	master_roll(master, kind ? kind : "reload");
}

void master_roll_event(struct master *master, enum roll_action action)
{
	while (action == ROLL_START || action == ROLL_COMMIT || action == ROLL_GIVE_BACK)
		action = action == ROLL_START    ? start(master, master->slots[master->roll.slot])
			 : action == ROLL_COMMIT ? commit(master)
						 : give_back(master);
	switch (action) {
	case ROLL_DONE:
		finish(master, true);
		break;
	case ROLL_FAILED:
		finish(master, false);
		break;
	case ROLL_WAIT:
		log_info("%s waits for the old worker of slot %u", master->report.kind, master->roll.slot);
		break;
	default:
		break;
	}
}

/* Opens the next generation's sockets. There may be more slots than the file says (TTIN); and for a
 * while, or for good if the roll fails, more sockets than slots that are wanted: each needs a slot, too,
 * so that somebody adopts it. */
static int prepare_sockets(struct master *master)
{
	const struct cluster_options *next = &master->next_options;
	struct roll_report *report = &master->report;
	int error = listeners_prepare(&master->listeners, next, report->reason, sizeof(report->reason));

	if (error)
		return error;
	if (next->accept == CLUSTER_ACCEPT_REUSEPORT)
		error = listeners_grow(&master->listeners, master->slot_count, report->reason, sizeof(report->reason));
	if (error == 0) {
		snprintf(report->reason, sizeof(report->reason), "no room for further slots");
		error = slots_make_room(master, listeners_sockets(&master->listeners));
	}
	if (error)
		listeners_abandon(&master->listeners);
	return error;
}

/* A restart changes no address, but a Unix socket whose file was removed comes back with it. It does not fail for that.
 */
static void mend_sockets(struct master *master)
{
	struct roll_report *report = &master->report;

	if (listeners_are_reached(&master->listeners))
		return;
	master->sockets_prepared = prepare_sockets(master) == 0;
	if (!master->sockets_prepared)
		log_warn("%s", report->reason);
	report->reason[0] = '\0';
}

/* Reads and opens what the next generation is to have. What fails here has changed nothing. */
static bool prepare(struct master *master, bool reload)
{
	struct roll_report *report = &master->report;

	master->next_options = master->options;
	if (!reload || !master->program->master.prepare) {
		mend_sockets(master);
		return true;
	}
	if (master->program->master.prepare(master->program->context, &master->next_options, report->reason,
					    sizeof(report->reason)) < 0)
		return false;
	if (prepare_sockets(master) < 0) {
		PROGRAM_TELL(master->program, master.abandon);
		return false;
	}
	report->reason[0] = '\0';
	logger_tell(master); /* before anybody writes to its files */
	master->prepared = master->sockets_prepared = true;
	return true;
}

static void begin(struct master *master, bool reload)
{
	struct roll_view view = master_roll_view(master);
	bool looked = master->roll.phase == ROLL_LOOKING;

	if (!prepare(master, reload)) {
		if (looked)
			master_roll_event(master, roll_looked(&master->roll, &view, false));
		else
			finish(master, false);
		return;
	}
	master->next_generation++;
	log_info("%s: generation %u", master->report.kind, master->next_generation);
	for (unsigned i = 0; i < master->slot_room; i++)
		backoff_reset(&master->slots[i]->backoff);
	spread_follow_mode(master);
	spread_adopt(master, clock_now_ms()); /* connections come to the new sockets from now on */
	master_roll_event(master, looked ? roll_looked(&master->roll, &view, true) : roll_begin(&master->roll, &view));
}

void master_looked(struct master *master, const char *wrong)
{
	struct roll_view view = master_roll_view(master);

	if (!wrong) {
		begin(master, true);
		return;
	}
	snprintf(master->report.reason, sizeof(master->report.reason), "%s", wrong);
	master_roll_event(master, roll_looked(&master->roll, &view, false));
}

void master_roll(struct master *master, const char *kind)
{
	struct roll_view view = master_roll_view(master);

	if (master_is_leaving(master))
		return;
	if (master->roll.phase == ROLL_IDLE && master->upgrade.phase != UPGRADE_IDLE) {
		log_info("an upgrade is on its way: it does what a %s does", kind);
		master->again_kind = "reload"; /* should it fail */
		return;
	}
	if (master->roll.phase != ROLL_IDLE) {
		log_info("a %s is running; another roll follows it", master->report.kind);
		/* One for all who ask: a reload does what a restart does, and more. */
		if (!master->again_kind || strcmp(kind, "reload") == 0)
			master->again_kind = kind;
		master_roll_event(master, roll_begin(&master->roll, &view));
		return;
	}
	master->report = (struct roll_report){.kind = kind};
	PROGRAM_TELL(master->program, master.rolling);
	if (strcmp(kind, "restart") == 0) /* a new version may read the file differently */
		begin(master, false);
	else if (!look_begin(master))
		begin(master, true);
}
