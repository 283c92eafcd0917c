/* SPDX-License-Identifier: MIT
 *
 * The master: its loop, and a cluster's life from the first bind to the last worker's end. It decides
 * and waits for events; it never reads what a client sends, never blocks and never sleeps.
 *
 *     cluster_run: open -> loop { if asked, act; tick } -> close
 *
 *     RUNNING --TERM, INT, QUIT--> STOPPING --again--> CUTTING --soon--> KILLING
 *        |                              \________ stop_timeout __________/     \
 *        \________ the set-up fails for good ___________________________/  --> all reaped: leave */
#include "cluster/master/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/terminal.h"
#include "brood/channel.h"
#include "cluster/policy/program_call.h"
#include "cluster/upgrade/upgrade.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_MS = 250,
	LATE_MS = 500, /* so late it has been made to wait, and what it waits for is interrupted */
	START_GRACE_MS = 1000,
	LAST_CALL_MS = 100, /* for clients whose handshake has begun when a stop does */
	PLACING_MS = 1000,  /* a stop waits so long for workers that take what was accepted */
};

/* --- the end --- */

void master_leave_if_done(struct master *master)
{
	if (master->state == MASTER_RUNNING || !list_empty(&master->instances))
		return;
	cut_tell(master);
	if (logger_finish(master) && closer_leave(&master->closer))
		event_base_loopexit(master->base, NULL);
}

void master_discard(struct master *master, int fd)
{
	closer_put(&master->closer, fd);
}

static void discard(void *context, int fd)
{
	master_discard(context, fd);
}

/* Nobody is started any more: neither by a slot whose time to try again comes, nor by a roll. */
static void start_nobody(struct master *master)
{
	roll_cancel(&master->roll);
	look_cancel(master);
	upgrade_cancel(master);
	for (unsigned i = 0; i < master->slot_room; i++)
		event_del(master->slots[i]->timer);
}

static void kill_all(struct master *master, const char *why)
{
	master->state = MASTER_KILLING;
	start_nobody(master);
	event_del(master->last_call);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		instance_kill(LIST_ENTRY(at, struct instance, link), why);
	master_leave_if_done(master);
}

static void arm_deadline(struct master *master, unsigned timeout_ms)
{
	struct timeval delay = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

	event_add(master->deadline, &delay);
}

void master_stop_workers(struct master *master)
{
	/* One that is told to stop takes nothing more, so what was accepted has to be placed before. */
	bool late = clock_now_ms() - master->stopping_ms >= PLACING_MS;

	if (master->state != MASTER_STOPPING || master->workers_told || evtimer_pending(master->last_call, NULL) ||
	    (master->handoff.waiting_count > 0 && !late && slots_any_leads(master)))
		return;
	master->workers_told = true;
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		instance_stop(LIST_ENTRY(at, struct instance, link));
}

static void close_listeners(struct master *master)
{
	spread_drain(master);
	master_stop_workers(master);
	/* The workers' copies are the last ones: each answers what is queued, then closes. */
	listeners_close(&master->listeners);
	master_leave_if_done(master);
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
	if (slots_any_leads(master) && listeners_close_doors(&master->listeners))
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
	master_leave_if_done(master);
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
		kill_all(master, "stopped at once");
		return;
	}
	log_warn("stop_timeout is over: ending the workers that are left");
	kill_all(master, "stop_timeout");
}

/* Whoever sends clients here is to have time to learn that it must not. Rolls that run go on. */
static void leave_later(struct master *master)
{
	upgrade_cancel(master);
	arm_deadline(master, master->options.drain_delay_ms);
}

bool master_is_leaving(const struct master *master)
{
	return master->stop.phase != STOP_NOT || master->state != MASTER_RUNNING;
}

static void begin_stop(struct master *master, const char *asked_by)
{
	unsigned delay_ms = master->options.drain_delay_ms;

	PROGRAM_TELL(master->program, master.stopping);
	for (struct list *at = master->instances.next; at != &master->instances; at = at->next)
		instance_announce_stop(LIST_ENTRY(at, struct instance, link));
	if (delay_ms == 0) {
		log_info("%s: stopping", asked_by);
		stop(master);
	} else {
		log_info("%s: stopping in %u ms (drain_delay)", asked_by, delay_ms);
		leave_later(master);
	}
}

void master_stop(struct master *master, enum stop_call call, const char *asked_by)
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

void master_give_up(struct master *master, int status)
{
	master->exit_status = status;
	log_error("no worker became ready: giving up");
	kill_all(master, "the server gives up");
}

/* --- the start --- */

void master_check_ready(struct master *master)
{
	unsigned ready = 0, parked = 0;

	if (master->ready_told || master->state != MASTER_RUNNING)
		return;
	for (unsigned i = 0; i < master->slot_count; i++) {
		ready += master->slots[i]->ready_once;
		parked += !master->slots[i]->ready_once && master->slots[i]->state == SLOT_PARKED;
	}
	if (ready + parked < master->slot_count)
		return;
	if (ready == 0) {
		master_give_up(master, CLUSTER_EXIT_CRASH);
		return;
	}
	master->ready_told = true;
	PROGRAM_TELL(master->program, master.ready, &master->listeners, ready);
	logger_tell(master); /* what standard error is may have changed with that */
}

/* At the first start a server whose workers hang is as useless as one whose workers die. */
static void check_start(struct master *master, uint64_t now_ms)
{
	if (master->ready_told || now_ms - master->started_ms < master->options.start_timeout_ms + START_GRACE_MS)
		return;
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->ready_once)
			return;
	master_give_up(master, CLUSTER_EXIT_CRASH);
}

/* --- events --- */

void master_reopen_logs(struct master *master)
{
	PROGRAM_TELL(master->program, master.reopen);
	logger_reopened(master, true);
}

static void scale(struct master *master, int by)
{
	unsigned count = master->slot_count;

	if (master->state != MASTER_RUNNING)
		return;
	if ((by < 0 && count <= 1) || (by > 0 && count >= CLUSTER_SLOTS_MAX)) {
		log_warn("%u workers already: no change", count);
		return;
	}
	count = by < 0 ? count - 1 : count + 1;
	log_info("%u workers from now on", count);
	if (slots_resize(master, count) < 0)
		log_warn("going on with %u workers", master->slot_count);
}

/* By HUP the kernel says that a terminal is closed, which ends what was begun on it, but for who is to ignore that
 * (nohup). A shell that it says so to passes it on before it ends, and then that may be all that we hear of both. */
static bool is_end_of_terminal(const struct master *master, const struct signals_received *received)
{
	return !signals_ignores(SIGHUP) &&
	       (received->by_kernel || (master->has_terminal && received->sender == getsid(0) && !terminal_exists()));
}

static bool stops(const struct master *master, const struct signals_received *received)
{
	switch (received->signal) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		return true;
	case SIGHUP:
		return is_end_of_terminal(master, received);
	default:
		return false;
	}
}

/* Everything a signal can ask for, in one flat list. One that came several times counts once; what a terminal says
 * about who may use it (TTIN and TTOU, from the kernel) is no wish of anybody's. */
static void on_signals(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;
	struct signals_received received;
	bool asked[NSIG] = {false};
	int up = 0, down = 0, stop_signal = 0;

	(void)what;
	while (signals_read(fd, &received) > 0) {
		if (stops(master, &received))
			stop_signal = received.signal;
		else if (received.by_kernel && received.signal != SIGCHLD)
			continue;
		asked[received.signal] = true;
		up += received.signal == SIGTTIN;
		down += received.signal == SIGTTOU;
	}
	if (asked[SIGCHLD]) {
		brood_process_reap(instance_ended, master);
		brood_process_watch(instance_changed, master);
	}
	if (asked[SIGUSR1])
		master_reopen_logs(master);
	if (asked[SIGHUP] && stop_signal == 0)
		master_roll(master, "reload");
	if (asked[SIGUSR2])
		master_upgrade(master);
	for (; up > 0; up--)
		scale(master, 1);
	for (; down > 0; down--)
		scale(master, -1);
	if (stop_signal != 0)
		master_stop(master, STOP_BY_SIGNAL, signals_name(stop_signal));
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;
	uint64_t now_ms = clock_now_ms();

	(void)fd, (void)what;
	interrupt_after(&master->interrupt, LATE_MS);
	PROGRAM_TELL(master->program, master.alive);
	spread_tick(master, now_ms);
	leaving_tick(master, now_ms);
	master_stop_workers(master);
	logger_tell(master);
	if (master->state != MASTER_RUNNING)
		return;
	check_start(master, now_ms);
	slots_try_hard(master, now_ms);
	spread_adopt(master, now_ms);
	watchdog_tick(master, now_ms, TICK_MS);
	recycle_tick(master, now_ms);
	admin_tick(master, now_ms);
	upgrade_tick(master, now_ms);
	heap_tick(&master->heap, now_ms);
	PROGRAM_TELL(master->program, master.tick, master);
}

/* --- life --- */

static int watch(struct master *master)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGCHLD};
	struct timeval interval = {0, TICK_MS * 1000};

	master->has_terminal = terminal_exists();
	master->signal_fd = signals_open(wanted, sizeof(wanted) / sizeof(wanted[0]));
	if (master->signal_fd < 0)
		return master->signal_fd;
	master->base = event_base_new();
	if (!master->base)
		return -ENOMEM;
	master->signals = event_new(master->base, master->signal_fd, EV_READ | EV_PERSIST, on_signals, master);
	master->tick = event_new(master->base, -1, EV_PERSIST, on_tick, master);
	master->deadline = evtimer_new(master->base, on_deadline, master);
	master->last_call = evtimer_new(master->base, on_last_call, master);
	if (!master->signals || !master->tick || !master->deadline || !master->last_call ||
	    event_add(master->signals, NULL) < 0 || event_add(master->tick, &interval) < 0)
		return -ENOMEM;
	if (interrupt_open(&master->interrupt) < 0)
		log_warn("no timer can be had: a call that should not wait, and does, cannot be interrupted");
	return closer_open(&master->closer, master->base, &master->options.privilege);
}

static void close_all(struct master *master)
{
	/* What workers had is closed by the end of this process, which does not wait for it. */
	closer_close(&master->closer);
	interrupt_close(&master->interrupt);
	admin_close(master);
	logger_close(master);
	upgrade_cancel(master);
	look_cancel(master);
	slots_free(master);
	spread_close(master);
	listeners_close(&master->listeners);
	if (master->signals)
		event_free(master->signals);
	if (master->tick)
		event_free(master->tick);
	if (master->deadline)
		event_free(master->deadline);
	if (master->last_call)
		event_free(master->last_call);
	if (master->base)
		event_base_free(master->base);
	fd_close(&master->signal_fd);
}

/* From here on this image is the master, or it is not at all. */
static void go_on(struct master *master)
{
	struct upgrade_state *state = master->program->resumed;
	int error = watch(master);

	if (!error)
		error = spread_open(master);
	if (!error)
		error = logger_open(master);
	if (!error)
		error = master_restore(master, &state->reader);
	if (error) {
		log_error("the state of the running server is refused: %s", strerror(-error));
		upgrade_give_up(state);
	}
	if (state->mode == UPGRADE_DRY) {
		(void)!write(STDERR_FILENO, UPGRADE_UNDERSTOOD, sizeof(UPGRADE_UNDERSTOOD) - 1);
		_exit(CLUSTER_EXIT_DONE);
	}
	upgrade_note(master, state);
	upgrade_settle(state);
	logger_renew(master);
	spread_follow_mode(master);
	if (master->admin.pid == 0)
		admin_start(master);
	kill(getpid(), SIGCHLD); /* whoever has ended meanwhile */
	upgrade_go_on(master, state->mode == UPGRADE_BACK);
}

int cluster_run(const struct cluster_options *options, const struct cluster_program *program)
{
	struct master master = {
		.program = program,
		.options = *options,
		.configured_workers = options->workers,
		.signal_fd = -1,
		.started_ms = clock_now_ms(),
		.random = (uint32_t)clock_now_us() ^ (uint32_t)getpid(),
		.exit_status = CLUSTER_EXIT_CRASH,
	};
	char reason[REPORT_REASON_MAX];
	int error;

	list_init(&master.instances);
	list_init(&master.admin.pending);
	master.listeners.discard = discard;
	master.listeners.context = &master;
	log_set_tag("master");
	if (program->resumed) {
		master.exit_status = CLUSTER_EXIT_DONE;
		go_on(&master);
		event_base_dispatch(master.base);
		goto done;
	}
	if (listeners_start(&master.listeners, options, reason, sizeof(reason)) < 0) {
		log_error("%s", reason);
		goto done;
	}
	if (!listeners_begin(&master.listeners, true))
		goto done;
	error = watch(&master);
	if (error == 0)
		error = spread_open(&master);
	if (error == 0)
		error = logger_open(&master);
	if (error) {
		log_error("cannot set up the master: %s", strerror(-error));
		goto done;
	}
	master.exit_status = CLUSTER_EXIT_DONE;
	spread_follow_mode(&master);
	if (slots_resize(&master, options->workers) < 0)
		master_give_up(&master, CLUSTER_EXIT_CRASH);
	logger_start(&master); /* what was said meanwhile waits for it */
	admin_start(&master);  /* now that there are boards, which it inherits */
	event_base_dispatch(master.base);
done:
	close_all(&master);
	return master.exit_status;
}
