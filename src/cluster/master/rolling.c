/* SPDX-License-Identifier: MIT
 *
 * Rolls: what roll.h says is to be done next, done. In order:
 *
 *     rolling_begin   asked for (or remembered, while another one runs); a reload is looked at first (look.h)
 *     prepare         the next configuration is read, its sockets are opened, beside what is in force
 *     begin           both are accepted on from here; the first slot
 *     start           a slot gets its new worker; its readiness (rolling_ready) or its end (rolling_lost) leads on
 *     commit          all slots have one: what was prepared is in force; or
 *     give_back       one failed, and the others have their former kind again: what was prepared is forgotten
 *     finish          the workers that drain hold nothing that could move: whoever asked is told. Master only. */
#include "cluster/master/rolling.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/adopt.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/leaving.h"
#include "cluster/master/look.h"
#include "cluster/master/obituaries.h"
#include "cluster/master/pending.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/program_call.h"

#include <stdio.h>
#include <string.h>

enum { LAST_WORDS_MAX = 1024 };

static bool draining(void *context, unsigned slot)
{
	struct master *master = context;

	return slot_is_draining(master->slots[slot]);
}

/* Of the old workers, what could move has; and nobody writes to logs that were there before. */
static bool settled(void *context)
{
	struct master *master = context;

	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker)) {
		/* One that stands still hands over when it goes on, or is ended: nobody has to wait for it. */
		if (worker->phase == WORKER_DRAINING && !worker->handed_over && worker->life != WORKER_STANDS_STILL)
			return false;
	}
	return !logger_is_waited_for(master);
}

static struct roll_view view_of(struct master *master)
{
	return (struct roll_view){
		.slots = master->slot_count, .draining = draining, .settled = settled, .context = master};
}

/* A roll that fails for this says so to whoever asked for it. */
static void report_failed_start(struct master *master, const struct slot *slot)
{
	struct roll_report *report = &master->report;

	if (master->roll.phase == ROLL_FORWARD && slot->failure.what)
		snprintf(report->reason, sizeof(report->reason), "slot %u: the new worker cannot be started: %s%s",
			 slot->index, slot->failure.what, strerror(slot->failure.error));
}

/* Gives the slot a worker of the kind that it is to have, if it has none yet. */
static enum roll_action start(struct master *master, struct slot *slot)
{
	struct roll_view view = view_of(master);
	bool next = master->roll.phase == ROLL_FORWARD;

	if (slot->disabled) { /* nothing to replace */
		slot->next_kind = next;
		return roll_ready(&master->roll, &view, slot->index);
	}
	if (slot->successor && slot->successor->next_kind != next)
		slot_drop_successor(slot);
	if (!slot->successor && (!slot->current || slot->current->next_kind != next))
		slot_replace(slot, next);
	if (slot->state == SLOT_SERVING && slot->current->next_kind == next)
		return roll_ready(&master->roll, &view, slot->index);
	if (slot->successor || (slot->state == SLOT_STARTING && slot->current->next_kind == next))
		return ROLL_NOTHING; /* its readiness or its death comes back here */
	report_failed_start(master, slot);
	return roll_died(&master->roll, &view, slot->index, false);
}

/* Whatever comes next is of the kind that is in force. */
static void level(struct master *master)
{
	for (unsigned i = 0; i < master->slot_room; i++)
		master->slots[i]->next_kind = false;
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		worker->next_kind = false;
	master->prepared = PREPARED_NOTHING;
}

static enum roll_action commit(struct master *master)
{
	struct roll_view view = view_of(master);
	unsigned workers = master->next_options.workers;

	master->options = master->next_options;
	master->generation = master->next_generation;
	if (master->prepared == PREPARED_ALL) {
		PROGRAM_TELL(master->program, master.commit);
		logger_reopened(master, false);
	}
	if (master->prepared >= PREPARED_SOCKETS) {
		listeners_commit(&master->listeners);
		leaving_follow(master);
	}
	level(master);
	dispatch_follow_mode(master);
	/* A number of workers that was set by TTIN or TTOU stays, unless the file says something new. */
	if (workers != master->configured_workers) {
		master->configured_workers = workers;
		if (slots_resize(master, workers) < 0)
			log_warn("going on with %u workers", master->slot_count);
		slots_start(master);
	}
	adopt_anew(master);
	return roll_settled(&master->roll, &view);
}

/* A slot whose old worker died meanwhile had nothing to return to but a start of the new kind. */
static void end_new_starts(struct master *master)
{
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->next_kind && worker->phase == WORKER_STARTING)
			worker_process_kill(worker, KILL_GIVEN_UP);
}

static enum roll_action give_back(struct master *master)
{
	struct roll_view view = view_of(master);

	end_new_starts(master);
	if (master->prepared == PREPARED_ALL) {
		PROGRAM_TELL(master->program, master.abandon);
		logger_tell(master);
	}
	if (master->prepared >= PREPARED_SOCKETS)
		listeners_abandon(&master->listeners);
	level(master);
	dispatch_follow_mode(master);
	return roll_settled(&master->roll, &view);
}

/* A reason may have several lines; the log has one for each. */
void rolling_tell_failure(struct master *master)
{
	const struct roll_report *report = &master->report;
	const char *line = report->reason;

	log_error("%s failed, everything is as it was:", roll_kind_name(report->kind));
	do {
		size_t size = strcspn(line, "\n");

		log_error("%.*s", (int)size, line);
		line += size + (line[size] == '\n');
	} while (*line != '\0');
	PROGRAM_TELL(master->program, master.failed, roll_kind_name(report->kind), report->reason);
}

static void finish(struct master *master, bool ok)
{
	enum roll_kind kind = master->again_kind;

	master->report.ok = ok;
	if (ok)
		log_info("%s done: %u workers of generation %u", roll_kind_name(master->report.kind),
			 master->slot_count, master->generation);
	if (ok && !logger_has_reopened(master))
		log_warn("the log process does not answer: some lines may still go to the old log files");
	if (!ok)
		rolling_tell_failure(master);
	PROGRAM_TELL(master->program, master.rolled);
	pending_roll_over(master, ok ? NULL : master->report.reason);
	master->again_kind = ROLL_KIND_NONE;
	if (ok && master->report.kind == ROLL_KIND_UPGRADE)
		admin_renew(master);
	if (!roll_wanted_again(&master->roll) || master_is_leaving(master))
		return;
	rolling_begin(master, kind != ROLL_KIND_NONE ? kind : ROLL_KIND_RELOAD);
}

static void act(struct master *master, enum roll_action action)
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
		log_info("%s waits for the old worker of slot %u", roll_kind_name(master->report.kind),
			 master->roll.slot);
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
	if (prepare_sockets(master) == 0)
		master->prepared = PREPARED_SOCKETS;
	else
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
	master->prepared = PREPARED_ALL;
	return true;
}

static void begin(struct master *master, bool reload)
{
	struct roll_view view = view_of(master);
	bool looked = master->roll.phase == ROLL_LOOKING;

	if (!prepare(master, reload)) {
		if (looked)
			act(master, roll_looked(&master->roll, &view, false));
		else
			finish(master, false);
		return;
	}
	master->next_generation++;
	log_info("%s: generation %u", roll_kind_name(master->report.kind), master->next_generation);
	for (unsigned i = 0; i < master->slot_room; i++)
		backoff_reset(&master->slots[i]->backoff);
	dispatch_follow_mode(master);
	adopt_follow(master, clock_now_ms()); /* connections come to the new sockets from now on */
	act(master, looked ? roll_looked(&master->roll, &view, true) : roll_begin(&master->roll, &view));
}

static void looked(struct master *master, const char *wrong)
{
	struct roll_view view = view_of(master);

	if (!wrong) {
		begin(master, true);
		return;
	}
	snprintf(master->report.reason, sizeof(master->report.reason), "%s", wrong);
	act(master, roll_looked(&master->roll, &view, false));
}

void rolling_begin(struct master *master, enum roll_kind kind)
{
	struct roll_view view = view_of(master);

	if (master_is_leaving(master))
		return;
	if (master->roll.phase == ROLL_IDLE && master->upgrade.phase != UPGRADE_IDLE) {
		log_info("an upgrade is on its way: it does what a %s does", roll_kind_name(kind));
		master->again_kind = ROLL_KIND_RELOAD; /* should it fail */
		return;
	}
	if (master->roll.phase != ROLL_IDLE) {
		log_info("a %s is running; another roll follows it", roll_kind_name(master->report.kind));
		/* One for all who ask: a reload does what a restart does, and more. */
		if (master->again_kind == ROLL_KIND_NONE || kind == ROLL_KIND_RELOAD)
			master->again_kind = kind;
		act(master, roll_begin(&master->roll, &view));
		return;
	}
	master->report = (struct roll_report){.kind = kind};
	PROGRAM_TELL(master->program, master.rolling);
	if (kind == ROLL_KIND_RESTART || !master->program->master.look) {
		begin(master, kind != ROLL_KIND_RESTART); /* a new version may read the file differently */
		return;
	}
	roll_look(&master->roll);
	look_begin(master, looked);
}

/* --- what happens to workers --- */

static void tell_progress(struct master *master, const struct worker_process *worker)
{
	const struct roll *roll = &master->roll;
	bool forward = roll->phase == ROLL_FORWARD;
	char text[100];

	if ((!forward && roll->phase != ROLL_BACK) || roll->slot != worker->slot)
		return;
	snprintf(text, sizeof(text), "slot %u: worker %d %s", worker->slot, worker->pid,
		 forward ? "serves" : "of the configuration in force serves again");
	pending_progress(master, forward ? worker->slot + 1 : worker->slot, text);
}

void rolling_ready(struct master *master, const struct worker_process *worker)
{
	struct roll_view view = view_of(master);

	tell_progress(master, worker);
	if (worker->next_kind == (master->roll.phase == ROLL_FORWARD))
		act(master, roll_ready(&master->roll, &view, worker->slot));
}

void rolling_report(struct master *master, const struct worker_process *worker, const struct brood_process_end *end)
{
	char how[64], words[LAST_WORDS_MAX];

	if (master->roll.phase != ROLL_FORWARD || !worker->next_kind || worker->phase != WORKER_STARTING)
		return;
	brood_process_describe(end, how, sizeof(how));
	obituary_last_words(worker, words, sizeof(words));
	snprintf(master->report.reason, sizeof(master->report.reason),
		 "slot %u: the new worker did not become ready: %s%s%s", worker->slot,
		 worker->killed != KILL_NOT ? worker_process_why_killed(worker) : how, words[0] ? "; it said:\n" : "",
		 words);
}

void rolling_lost(struct master *master, const struct slot *slot, enum slot_loss loss, bool accident)
{
	struct roll_view view = view_of(master);

	switch (loss) {
	case SLOT_LOST_CURRENT:
		report_failed_start(master, slot);
		act(master, roll_died(&master->roll, &view, slot->index, accident));
		break;
	case SLOT_LOST_SUCCESSOR:
		act(master, roll_died(&master->roll, &view, slot->index, accident));
		break;
	case SLOT_LOST_LAST_DRAINING:
		act(master, roll_drained(&master->roll, &view, slot->index));
		act(master, roll_settled(&master->roll, &view));
		break;
	case SLOT_LOST_NOTHING:
	case SLOT_LOST_FOR_GOOD:
		break;
	}
}

void rolling_settled(struct master *master)
{
	struct roll_view view = view_of(master);

	act(master, roll_settled(&master->roll, &view));
}

/* One that waited for the slot's new worker goes on without it; should it be wanted again, it gets such a one. */
void rolling_without(struct master *master, unsigned slot)
{
	struct roll_view view = view_of(master);

	if (master->roll.slot == slot)
		master->slots[slot]->next_kind = master->roll.phase == ROLL_FORWARD;
	act(master, roll_ready(&master->roll, &view, slot));
}

/* One that was about to replace a slot that is no more goes on without it. */
void rolling_resized(struct master *master)
{
	struct roll_view view = view_of(master);

	if (master->roll.slot >= master->slot_count)
		act(master, roll_died(&master->roll, &view, master->roll.slot, false));
}
