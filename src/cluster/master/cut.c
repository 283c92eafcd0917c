/* SPDX-License-Identifier: MIT
 *
 * See cut.h. Master only. */
#include "cluster/master/cut.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/master/master.h"
#include "cluster/master/worker_process.h"

#include <event2/event.h>
#include <stdio.h>

enum { CUT_MS = 200, SAID_MAX = 1000000 /* of one worker, which may say anything */ };

/* Connections that nobody has read from yet; those that have a past are between two requests, as a rule. */
static unsigned count_new(const struct handoff *handoff)
{
	unsigned count = 0;

	for (const struct list *at = handoff->waiting.next; at != &handoff->waiting; at = at->next)
		count += LIST_ENTRY(at, struct transfer, link)->state == NULL;
	return count;
}

static void tell(struct worker_process *worker)
{
	struct brood_frame frame = {.type = MESSAGE_ABORT};

	worker->phase = WORKER_DRAINING;
	event_del(worker->timer);
	/* One that cannot be told is killed with those that do not obey. */
	if (worker->channel)
		(void)!brood_channel_send(worker->channel, &frame);
}

void cut_begin(struct master *master)
{
	struct timeval limit = {0, CUT_MS * 1000};

	master->cut.begun = true;
	master->cut.requests = count_new(&master->handoff);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		tell(worker);
	event_add(master->deadline, &limit);
}

void cut_heard(struct worker_process *worker, struct brood_frame *frame)
{
	const struct message_cut *message = frame->data;

	if (frame->size != sizeof(*message) || !worker->master->cut.begun || worker->said_cut)
		return;
	worker->said_cut = true;
	worker->master->cut.requests += message->requests < SAID_MAX ? message->requests : SAID_MAX;
}

/* It has ended without a word: what it showed last has to do. */
void cut_ended(struct worker_process *worker)
{
	struct board_figures figures = board_figures(worker_process_record(worker));
	struct cut *cut = &worker->master->cut;

	if (!cut->begun || worker->said_cut || figures.connections == figures.idle)
		return;
	cut->silent++;
	cut->unsaid += figures.connections - figures.idle < SAID_MAX ? (unsigned)(figures.connections - figures.idle)
								     : SAID_MAX;
}

void cut_tell(struct master *master)
{
	struct cut *cut = &master->cut;
	char silent[96] = "";

	if (!cut->begun || cut->told)
		return;
	cut->told = true;
	if (cut->silent > 0)
		snprintf(silent, sizeof(silent),
			 "; %u more connections were not idle in %u worker%s that had to be killed", cut->unsaid,
			 cut->silent, cut->silent == 1 ? "" : "s");
	if (cut->requests + cut->unsaid == 0) {
		log_info("nothing was cut");
		return;
	}
	log_warn("%u request%s cut%s", cut->requests, cut->requests == 1 ? "" : "s", silent);
	if (master->exit_status == CLUSTER_EXIT_DONE)
		master->exit_status = CLUSTER_EXIT_CUT;
}
