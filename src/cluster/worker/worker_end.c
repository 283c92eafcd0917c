/* SPDX-License-Identifier: MIT
 *
 * The end of a worker's life: draining or stopping, up to its deadline. Worker only. */
#include "cluster/worker/worker_self.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/acceptor.h"
#include "cluster/policy/program_call.h"

#include <errno.h>
#include <event2/event.h>

enum { LAST_MS = 600 }; /* when the time to drain is over; the master waits for a little longer */

static void arm_deadline(struct worker *worker, unsigned timeout_ms)
{
	struct timeval delay = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

	event_add(worker->deadline, &delay);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd, (void)what;
	if (worker->phase == WORKER_DRAINING && !worker->finishing && worker->program->worker.close_idle) {
		worker->finishing = true;
		worker->program->worker.close_idle(worker->program->context);
		arm_deadline(worker, LAST_MS);
		return;
	}
	if (worker->connections > 0)
		log_info("time is up: closing %u connections", worker->connections);
	(void)PROGRAM_CALL(worker->program, 0, worker.abort);
	worker_leave(worker, CLUSTER_EXIT_DONE);
}

void worker_abort(struct worker *worker)
{
	struct message_cut cut = {.requests = PROGRAM_CALL(worker->program, 0, worker.abort)};
	struct brood_frame frame = {.type = MESSAGE_CUT, .data = &cut, .size = sizeof(cut)};

	/* What cannot be said the master makes out by itself. */
	if (worker->channel)
		(void)!brood_channel_send(worker->channel, &frame);
	worker_leave(worker, CLUSTER_EXIT_DONE);
}

void worker_drain(struct worker *worker)
{
	if (worker->phase >= WORKER_DRAINING)
		return;
	worker->phase = WORKER_DRAINING;
	board_store32(&worker->record->state, BOARD_DRAINING);
	worker_stop_accepting(worker);
	PROGRAM_TELL(worker->program, worker.drain);
	arm_deadline(worker, worker->birth->options->drain_timeout_ms);
	worker_check_handed_over(worker);
	worker_leave_if_finished(worker);
}

void worker_stop(struct worker *worker, bool answer_queued, unsigned timeout_ms)
{
	if (worker->phase == WORKER_STOPPING)
		return;
	worker->phase = WORKER_STOPPING;
	board_store32(&worker->record->state, BOARD_DRAINING);
	PROGRAM_TELL(worker->program, worker.stop);
	if (worker->acceptor && answer_queued)
		acceptor_take_queued(worker->acceptor);
	worker_stop_accepting(worker);
	arm_deadline(worker, timeout_ms);
	worker_leave_if_finished(worker);
}

int worker_prepare_end(struct worker *worker)
{
	worker->deadline = evtimer_new(worker->base, on_deadline, worker);
	return worker->deadline ? 0 : -ENOMEM;
}
