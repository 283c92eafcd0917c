/* SPDX-License-Identifier: MIT
 *
 * What is done to a server in an experiment, and waiting for what comes of it (experiment_run.h). */
#include "prove/experiment_run.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Guards against hanging, far beyond what any of these takes. */
enum { SETTLE_MS = 20000, EVENT_MS = 40000 };

/* --- the things that are done --- */

static int ask_by_signal(struct run *run);
static int ask_by_reload(struct run *run);
static int kill_worker(struct run *run);
static bool roll_over(const void *context);
static bool slot_is_back(const void *context);
static bool stop_is_over(const void *context);

static const struct kind {
	const char *name, *doing, *one, *several;
	int signal;
	int (*act)(struct run *run); /* 0, -EINTR, or another -errno when it could not be done */
	bool (*over)(const void *run);
} kinds[EXPERIMENT_KINDS] = {
	[EXPERIMENT_RESTART] = {"restart", "restarting", "rolling restart", "rolling restarts", SIGHUP, ask_by_signal,
				roll_over},
	[EXPERIMENT_RELOAD] = {"reload", "reloading", "reload of a changed configuration",
			       "reloads of a changed configuration", SIGHUP, ask_by_reload, roll_over},
	[EXPERIMENT_UPGRADE] = {"upgrade", "upgrading", "upgrade in place", "upgrades in place", SIGUSR2, ask_by_signal,
				roll_over},
	[EXPERIMENT_KILL] = {"kill", "killing", "worker killed", "workers killed", SIGKILL, kill_worker, slot_is_back},
	[EXPERIMENT_STOP] = {"stop", "stopping", "stop", "stops", SIGTERM, ask_by_signal, stop_is_over},
};

const char *experiment_name(enum experiment_kind kind)
{
	return kinds[kind].name;
}

const char *experiment_doing(enum experiment_kind kind)
{
	return kinds[kind].doing;
}

const char *experiment_event(enum experiment_kind kind, bool several)
{
	return several ? kinds[kind].several : kinds[kind].one;
}

/* --- waiting --- */

void experiment_problem(struct run *run, const char *format, ...)
{
	va_list arguments;

	if (run->result->problem[0])
		return; /* what came first is the reason */
	va_start(arguments, format);
	vsnprintf(run->result->problem, sizeof(run->result->problem), format, arguments);
	va_end(arguments);
}

struct hope {
	const struct run *run;
	bool (*until)(const void *run);
};

static bool comes_or_never_will(const void *context)
{
	const struct hope *hope = context;

	return hope->run->result->server.ended || hope->run->load.error || hope->until(hope->run);
}

int experiment_await(struct run *run, bool (*until)(const void *run), unsigned limit_ms)
{
	struct hope hope = {run, until};
	int error = stage_wait(run->stage, comes_or_never_will, &hope, limit_ms);
	char end[64];

	if (error)
		return error;
	if (run->load.error) {
		experiment_problem(run, "cannot open connections: %s", strerror(-run->load.error));
		return -ECANCELED;
	}
	if (run->result->server.ended) {
		brood_process_describe(&run->result->server.end, end, sizeof(end));
		experiment_problem(run, "the server ended by itself: %s", end);
		return -ECANCELED;
	}
	return 0;
}

static bool is_settled(const void *context)
{
	const struct run *run = context;

	return load_settled(&run->load);
}

static bool is_attributed(const void *context)
{
	const struct run *run = context;

	return load_attributed(&run->load);
}

static bool roll_over(const void *context)
{
	const struct run *run = context;
	const struct private_server *server = &run->result->server;

	return server->rolls_done + server->rolls_failed > run->rolls_before;
}

static bool is_dead(const void *context)
{
	const struct run *run = context;
	struct pollfd wait = {.fd = run->dead_fd, .events = POLLIN};

	return poll(&wait, 1, 0) > 0;
}

static bool slot_is_back(const void *context)
{
	const struct run *run = context;

	return run->load.seen[run->killed.slot].pid != run->killed.pid;
}

/* What the server has said last may still be on the line. */
static bool stop_is_over(const void *context)
{
	const struct run *run = context;

	return run->result->server.ended && load_over(&run->load);
}

int experiment_await_settled(struct run *run)
{
	return experiment_await(run, is_settled, SETTLE_MS);
}

int experiment_settle(struct run *run)
{
	int error;

	load_ask_idle(&run->load);
	error = experiment_await_settled(run);
	if (error == -ETIMEDOUT) {
		run->result->facts.stale += load_stale(&run->load);
		experiment_problem(run, "not every kept connection was answered in time");
	}
	return error;
}

/* --- one event --- */

static int ask_by_signal(struct run *run)
{
	private_server_signal(&run->result->server, kinds[run->plan->kind].signal);
	return 0;
}

static int ask_by_reload(struct run *run)
{
	int error = site_configure(run->site, run->result->facts.events_done + 1, 0);

	if (error) {
		experiment_problem(run, "cannot write to %s: %s", run->site->config, strerror(-error));
		return -ECANCELED;
	}
	return ask_by_signal(run);
}

/* Goes round all slots that have answered, so that no worker is killed when it is just born: that
 * is another experiment. */
static bool choose_victim(struct run *run)
{
	for (unsigned i = 0; i < LOAD_SLOTS_MAX; i++) {
		unsigned slot = run->victim % run->plan->workers;

		run->victim = slot + 1;
		if (run->load.seen[slot].pid == 0)
			continue;
		run->killed = run->load.seen[slot];
		return true;
	}
	return false;
}

/* At the moment of the kill each connection is known by its worker, and none is on its way to one:
 * so what the dead worker takes with it is told from what another one loses. */
static int kill_worker(struct run *run)
{
	int error;

	run->load.held = true;
	error = experiment_await(run, is_attributed, SETTLE_MS);
	if (error == 0 && !choose_victim(run))
		error = -ESRCH;
	if (error == 0) {
		run->dead_fd = private_server_kill(&run->result->server, run->killed.pid);
		error = run->dead_fd < 0 ? run->dead_fd : 0;
	}
	if (error == 0) {
		load_killed(&run->load, run->killed.pid);
		error = experiment_await(run, is_dead, EVENT_MS);
		fd_close(&run->dead_fd);
	}
	run->load.held = false;
	if (error == -ESRCH)
		experiment_problem(run, "there is no worker to be killed");
	return error;
}

int experiment_do(struct run *run)
{
	const struct kind *kind = &kinds[run->plan->kind];
	struct private_server *server = &run->result->server;
	unsigned failed_before = server->rolls_failed;
	int error;

	run->rolls_before = server->rolls_done + server->rolls_failed;
	error = kind->act(run);
	if (error == 0)
		error = experiment_await(run, kind->over, EVENT_MS);
	if (error == 0 && server->rolls_failed > failed_before) {
		experiment_problem(run, "the server says that it failed");
		return -ECANCELED;
	}
	run->load.generation = server->generation;
	if (error == 0)
		error = experiment_settle(run);
	if (error == -ETIMEDOUT)
		experiment_problem(run, "number %u did not come to an end in time", run->result->facts.events_done + 1);
	if (error == 0)
		run->result->facts.events_done++;
	return error;
}

int experiment_do_last(struct run *run)
{
	const struct kind *kind = &kinds[run->plan->kind];
	int error = kind->act(run);

	return error ? error : stage_wait(run->stage, kind->over, run, EVENT_MS);
}
