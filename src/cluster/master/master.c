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
#include "cluster/master/admin_process.h"
#include "cluster/master/adopt.h"
#include "cluster/master/commands.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/leaving.h"
#include "cluster/master/look.h"
#include "cluster/master/outcomes.h"
#include "cluster/master/pending.h"
#include "cluster/master/recycling.h"
#include "cluster/master/restore.h"
#include "cluster/master/rolling.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/upgrading.h"
#include "cluster/master/watching.h"
#include "cluster/master/worker_process.h"
#include "cluster/policy/program_call.h"
#include "cluster/upgrade/upgrade.h"

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
};

static void discard(void *context, int fd)
{
	master_discard(context, fd);
}

/* --- the start --- */

/* At the first start a server whose workers hang is as useless as one whose workers die. */
static void check_start(struct master *master, uint64_t now_ms)
{
	if (master->ready_told || now_ms - master->started_ms < master->options.start_timeout_ms + START_GRACE_MS)
		return;
	for (unsigned i = 0; i < master->slot_count; i++)
		if (master->slots[i]->ready_once)
			return;
	stopping_give_up(master, CLUSTER_EXIT_CRASH);
}

/* --- events --- */

/* Of whom this is the end. */
static void on_end(void *context, const struct brood_process_end *end)
{
	struct master *master = context;
	struct worker_process *worker = worker_process_find_pid(master, end->pid);

	if (worker)
		supervisor_ended(worker, end);
	else if (closer_ended(&master->closer, end->pid) || commands_admin_ended(master, end) ||
		 logger_ended(master, end) || upgrading_ended(master, end))
		stopping_leave_if_done(master);
	else
		log_debug("reaped a stranger, pid %d", end->pid);
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
	if (supervisor_resize(master, count) < 0)
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
	char name[SIGNALS_NAME_MAX];

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
		brood_process_reap(on_end, master);
		brood_process_watch(supervisor_changed, master);
	}
	if (asked[SIGUSR1])
		logger_reopen(master);
	if (asked[SIGHUP] && stop_signal == 0)
		rolling_begin(master, ROLL_KIND_RELOAD);
	if (asked[SIGUSR2])
		upgrading_begin(master);
	for (; up > 0; up--)
		scale(master, 1);
	for (; down > 0; down--)
		scale(master, -1);
	if (stop_signal != 0)
		stopping_begin(master, STOP_BY_SIGNAL, signals_name(stop_signal, name));
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;
	uint64_t now_ms = clock_now_ms();

	(void)fd, (void)what;
	interrupt_after(&master->interrupt, LATE_MS);
	PROGRAM_TELL(master->program, master.alive);
	dispatch_tick(master, now_ms);
	leaving_tick(master, now_ms);
	stopping_tell_workers(master);
	logger_tell(master);
	if (master->state != MASTER_RUNNING)
		return;
	check_start(master, now_ms);
	slots_try_hard(master, now_ms);
	adopt_follow(master, now_ms);
	watching_tick(master, now_ms, TICK_MS);
	recycling_tick(master, now_ms);
	pending_check(master);
	admin_tick(master, now_ms);
	upgrading_tick(master, now_ms);
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
	if (!master->signals || !master->tick || stopping_open(master) < 0 || event_add(master->signals, NULL) < 0 ||
	    event_add(master->tick, &interval) < 0)
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
	pending_forget(&master->admin, true);
	outcomes_forget(&master->admin, true);
	admin_close(&master->admin);
	logger_close(master);
	upgrading_cancel(master);
	look_cancel(master);
	slots_free(master);
	dispatch_close(master);
	listeners_close(&master->listeners);
	if (master->signals)
		event_free(master->signals);
	if (master->tick)
		event_free(master->tick);
	stopping_close(master);
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
		error = dispatch_open(master);
	if (!error)
		error = logger_open(master, supervisor_check_logs);
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
	upgrading_note(master, state);
	upgrade_settle(state);
	logger_renew(master);
	dispatch_follow_mode(master);
	if (master->admin.pid == 0)
		admin_start(master);
	kill(getpid(), SIGCHLD); /* whoever has ended meanwhile */
	upgrading_go_on(master, state->mode == UPGRADE_BACK);
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

	supervisor_open(&master);
	commands_open(&master);
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
		error = dispatch_open(&master);
	if (error == 0)
		error = logger_open(&master, supervisor_check_logs);
	if (error) {
		log_error("cannot set up the master: %s", strerror(-error));
		goto done;
	}
	master.exit_status = CLUSTER_EXIT_DONE;
	dispatch_follow_mode(&master);
	if (supervisor_resize(&master, options->workers) < 0)
		stopping_give_up(&master, CLUSTER_EXIT_CRASH);
	logger_start(&master); /* what was said meanwhile waits for it */
	admin_start(&master);  /* now that there are boards, which it inherits */
	event_base_dispatch(master.base);
done:
	close_all(&master);
	return master.exit_status;
}
