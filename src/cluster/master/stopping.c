/* SPDX-License-Identifier: MIT
 *
 * A stop, from its first word to the last worker's end: stop.c says what a call for it means. In this order, each step
 * at its time or when the one before it is done:
 *
 *     said     workers are told that it comes, and serve on          drain_delay
 *     doors    no new client comes in, the last ones still do        LAST_CALL_MS
 *     closed   what was accepted is placed, at most for              PLACING_MS
 *     told     workers finish what is in flight                      stop_timeout
 *     killed   who is left
 *     left     when all processes are reaped
 *
 * One that does not wait goes from anywhere to: cut (cut.h), killed, left. Master only. */
#include "cluster/master/stopping.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/leaving.h"
#include "cluster/master/look.h"
#include "cluster/master/slots.h"
#include "cluster/master/upgrading.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/program_call.h"

#include <errno.h>
#include <event2/event.h>

enum {
	LAST_CALL_MS = 100, /* for clients whose handshake has begun when a stop does */
	PLACING_MS = 1000,  /* a stop waits so long for workers that take what was accepted */
};

void stopping_leave_if_done(struct master *master)
{
	if (master->state == MASTER_RUNNING || !list_empty(&master->workers))
		return;
	cut_tell(master);
	if (logger_finish(master) && closer_leave(&master->closer))
		event_base_loopexit(master->base, NULL);
}

/* Nobody is started any more: neither by a slot whose time to try again comes, nor by a roll. */
static void start_nobody(struct master *master)
{
	roll_cancel(&master->roll);
	look_cancel(master);
	upgrading_cancel(master);
	for (unsigned i = 0; i < master->slot_room; i++)
		event_del(master->slots[i]->timer);
}

static void kill_all(struct master *master, enum kill_reason why)
{
	master->state = MASTER_KILLING;
	start_nobody(master);
	event_del(master->last_call);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		worker_process_kill(worker, why);
	stopping_leave_if_done(master);
}

static void arm_deadline(struct master *master, unsigned timeout_ms)
{
	struct timeval delay = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

	event_add(master->deadline, &delay);
}

void stopping_tell_workers(struct master *master)
{
	/* One that is told to stop takes nothing more, so what was accepted has to be placed before. */
	bool late = clock_now_ms() - master->stopping_ms >= PLACING_MS;

	if (master->state != MASTER_STOPPING || master->workers_told || evtimer_pending(master->last_call, NULL) ||
	    (master->handoff.waiting_count > 0 && !late && slots_any_serves(master)))
		return;
	master->workers_told = true;
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		worker_process_stop(worker);
}

static void close_listeners(struct master *master)
{
	dispatch_drain(master);
	leaving_end(master);
	stopping_tell_workers(master);
	/* The workers' copies are the last ones: each answers what is queued, then closes. */
	listeners_close(&master->listeners);
	stopping_leave_if_done(master);
}

static void on_last_call(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	close_listeners(argument);
}

static void stop(struct master *master)
{
	struct timeval moment = {0, LAST_CALL_MS * 1000};

	master->state = MASTER_STOPPING;
	start_nobody(master);
	master->stopping_ms = clock_now_ms();
	/* Workers keep the deadline themselves; the master's is for those that cannot. */
	arm_deadline(master, master->options.stop_timeout_ms + 500);
	/* A client is connected, as it sees it, before the kernel has passed it on, which is when it has
	 * sent something; closing the socket would cut it off. So its kind gets a moment to come in. */
	if (slots_any_serves(master) && listeners_close_doors(&master->listeners))
		event_add(master->last_call, &moment);
	else
		close_listeners(master);
}

/* Whoever asks does not want to wait. */
static void cut(struct master *master)
{
	master->state = MASTER_CUTTING;
	start_nobody(master);
	event_del(master->last_call);
	cut_begin(master);
	stopping_leave_if_done(master);
}

/* drain_delay is over, or stop_timeout, or what is given to who is to cut. */
static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;

	(void)fd, (void)what;
	if (master->state == MASTER_RUNNING) {
		stop(master);
		return;
	}
	if (master->state == MASTER_CUTTING) {
		kill_all(master, KILL_CUT);
		return;
	}
	log_warn("stop_timeout is over: ending the workers that are left");
	kill_all(master, KILL_STOP_TIMEOUT);
}

/* Whoever sends clients here is to have time to learn that it must not. Rolls that run go on. */
static void leave_later(struct master *master)
{
	upgrading_cancel(master);
	arm_deadline(master, master->options.drain_delay_ms);
}

static void begin_stop(struct master *master, const char *asked_by)
{
	unsigned delay_ms = master->options.drain_delay_ms;

	PROGRAM_TELL(master->program, master.stopping);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		worker_process_announce_stop(worker);
	if (delay_ms == 0) {
		log_info("%s: stopping", asked_by);
		stop(master);
	} else {
		log_info("%s: stopping in %u ms (drain_delay)", asked_by, delay_ms);
		leave_later(master);
	}
}

void stopping_begin(struct master *master, enum stop_call call, const char *asked_by)
{
	if (master->state == MASTER_KILLING)
		return;
	switch (stop_called(&master->stop, call, clock_now_ms())) {
	case STOP_NOTHING:
		log_info("%s again: it is being done", asked_by);
		break;
	case STOP_BEGIN:
		begin_stop(master, asked_by);
		break;
	case STOP_CUT:
		log_info("%s again: stopping at once", asked_by);
		cut(master);
		break;
	case STOP_BEGIN_AND_CUT:
		log_info("%s: stopping at once", asked_by);
		PROGRAM_TELL(master->program, master.stopping);
		cut(master);
		break;
	}
}

void stopping_give_up(struct master *master, int status)
{
	master->exit_status = status;
	log_error("no worker became ready: giving up");
	kill_all(master, KILL_SERVER_GIVES_UP);
}

int stopping_open(struct master *master)
{
	master->deadline = evtimer_new(master->base, on_deadline, master);
	master->last_call = evtimer_new(master->base, on_last_call, master);
	return master->deadline && master->last_call ? 0 : -ENOMEM;
}

void stopping_close(struct master *master)
{
	if (master->deadline)
		event_free(master->deadline);
	if (master->last_call)
		event_free(master->last_call);
}
