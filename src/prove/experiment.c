/* SPDX-License-Identifier: MIT
 *
 * One experiment, from start to end (experiment.h). */
#include "prove/experiment.h"

#include "base/clock.h"
#include "base/fd.h"
#include "prove/line.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Guards against hanging, far beyond what any of these takes. */
enum { READY_MS = 20000, SETTLE_MS = 20000, EVENT_MS = 40000, QUIET_MS = 12000 };

struct run {
	struct stage *stage;
	const struct site *site;
	const struct experiment_plan *plan;
	const struct experiment_progress *progress;
	struct experiment_result *result;
	struct load load;
	struct line line; /* open for a stop only */
	unsigned victim;  /* the slot whose worker is killed next */
	/* What is waited for. */
	uint64_t until_ms;
	unsigned rolls_before;
	struct answer_worker killed;
	int dead_fd;
};

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

__attribute__((format(printf, 2, 3))) static void problem(struct run *run, const char *format, ...)
{
	va_list arguments;

	if (run->result->problem[0])
		return; /* what came first is the reason */
	va_start(arguments, format);
	vsnprintf(run->result->problem, sizeof(run->result->problem), format, arguments);
	va_end(arguments);
}

static void tell(struct run *run, const char *what)
{
	if (run->progress)
		run->progress->tell(run->progress->context, run->plan, what);
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

/* 0, -EINTR, -ETIMEDOUT, or -ECANCELED when the server or our side broke down, which is told. */
static int await(struct run *run, bool (*until)(const void *run), unsigned limit_ms)
{
	struct hope hope = {run, until};
	int error = stage_wait(run->stage, comes_or_never_will, &hope, limit_ms);
	char end[64];

	if (error)
		return error;
	if (run->load.error) {
		problem(run, "cannot open connections: %s", strerror(-run->load.error));
		return -ECANCELED;
	}
	if (run->result->server.ended) {
		brood_process_describe(&run->result->server.end, end, sizeof(end));
		problem(run, "the server ended by itself: %s", end);
		return -ECANCELED;
	}
	return 0;
}

static bool is_ready(const void *context)
{
	const struct run *run = context;

	return run->result->server.ready;
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

static bool is_quiet(const void *context)
{
	const struct run *run = context;

	return load_quiet(&run->load);
}

static bool time_has_come(const void *context)
{
	const struct run *run = context;

	return clock_now_ms() >= run->until_ms;
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

/* Until every kept connection has been answered once more, by a worker that is not replaced. */
static int settle(struct run *run)
{
	int error;

	load_ask_idle(&run->load);
	error = await(run, is_settled, SETTLE_MS);
	if (error == -ETIMEDOUT) {
		run->result->facts.stale += load_stale(&run->load);
		problem(run, "not every kept connection was answered in time");
	}
	return error;
}

static int wait_until(struct run *run, uint64_t when_ms)
{
	run->until_ms = when_ms;
	return await(run, time_has_come, run->plan->time_ms + 1000);
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
		problem(run, "cannot write to %s: %s", run->site->config, strerror(-error));
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
	error = await(run, is_attributed, SETTLE_MS);
	if (error == 0 && !choose_victim(run))
		error = -ESRCH;
	if (error == 0) {
		run->dead_fd = private_server_kill(&run->result->server, run->killed.pid);
		error = run->dead_fd < 0 ? run->dead_fd : 0;
	}
	if (error == 0) {
		load_killed(&run->load, run->killed.pid);
		error = await(run, is_dead, EVENT_MS);
		fd_close(&run->dead_fd);
	}
	run->load.held = false;
	if (error == -ESRCH)
		problem(run, "there is no worker to be killed");
	return error;
}

static int do_event(struct run *run)
{
	const struct kind *kind = &kinds[run->plan->kind];
	struct private_server *server = &run->result->server;
	unsigned failed_before = server->rolls_failed;
	int error;

	run->rolls_before = server->rolls_done + server->rolls_failed;
	error = kind->act(run);
	if (error == 0)
		error = await(run, kind->over, EVENT_MS);
	if (error == 0 && server->rolls_failed > failed_before) {
		problem(run, "the server says that it failed");
		return -ECANCELED;
	}
	run->load.generation = server->generation;
	if (error == 0)
		error = settle(run);
	if (error == -ETIMEDOUT)
		problem(run, "number %u did not come to an end in time", run->result->facts.events_done + 1);
	if (error == 0)
		run->result->facts.events_done++;
	return error;
}

/* --- the phases --- */

/* The time for so many of all events. */
static uint64_t share(unsigned time_ms, unsigned events, const struct run *run)
{
	return (uint64_t)time_ms * events / run->plan->events;
}

/* As many rounds as there will be events, so that idle connections are asked as often. */
static int phase_without(struct run *run, uint64_t start_ms)
{
	unsigned time_ms = run->plan->time_ms / 3;
	int error = 0;

	tell(run, "left alone, for comparison");
	for (unsigned i = 0; i < run->plan->events && error == 0; i++) {
		error = settle(run);
		if (error == 0)
			error = wait_until(run, start_ms + share(time_ms, i + 1, run));
	}
	return error;
}

/* Its only event; nobody comes anew. */
static int phase_stop(struct run *run)
{
	const struct kind *kind = &kinds[run->plan->kind];
	const struct private_server *server = &run->result->server;
	char end[64];
	int error;

	tell(run, "told to stop");
	run->load.held = true;
	error = kind->act(run);
	if (error == 0)
		error = stage_wait(run->stage, kind->over, run, EVENT_MS);
	if (error == -ETIMEDOUT)
		problem(run, server->ended ? "connections did not come to an end in time"
					   : "the server did not stop in time");
	if (error)
		return error;
	brood_process_describe(&server->end, end, sizeof(end));
	if (server->end.exit_code != 0)
		problem(run, "the server ended by %s", end);
	run->result->facts.events_done++;
	return 0;
}

static int phase_with(struct run *run, uint64_t start_ms)
{
	unsigned time_ms = run->plan->time_ms - run->plan->time_ms / 3;
	char text[64];
	int error = 0;

	for (unsigned i = 0; i < run->plan->events && error == 0; i++) {
		error = wait_until(run, start_ms + share(time_ms, i, run));
		if (error == 0)
			error = do_event(run);
		snprintf(text, sizeof(text), "%u of %u", run->result->facts.events_done, run->plan->events);
		tell(run, text);
	}
	if (error == 0)
		error = wait_until(run, start_ms + time_ms);
	return error;
}

static int count_workers(struct run *run, struct load_worker **out, size_t *count)
{
	int workers = load_workers(&run->load, out);

	*count = workers > 0 ? (size_t)workers : 0;
	return workers < 0 ? workers : 0;
}

static int watch_clients(struct run *run)
{
	struct experiment_result *result = run->result;
	bool stops = run->plan->kind == EXPERIMENT_STOP;
	uint64_t start_ms;
	int error = await(run, is_settled, SETTLE_MS); /* all connections are open */

	if (error == -ETIMEDOUT)
		problem(run, "connections could not be opened in time");
	load_measure(&run->load);
	if (error == 0)
		error = phase_without(run, clock_now_ms());
	if (error == 0)
		error = count_workers(run, &result->before, &result->before_count);
	if (error)
		return error;
	load_phase(&run->load, &result->with);
	start_ms = clock_now_ms();
	error = stops ? phase_stop(run) : phase_with(run, start_ms);
	result->with_ms = (unsigned)(clock_now_ms() - start_ms);
	if (error != -EINTR && count_workers(run, &result->after, &result->after_count) < 0)
		return -ENOMEM;
	run->load.resting = true;
	if (error == 0 && !stops)
		error = await(run, is_quiet, QUIET_MS);
	return error;
}

static int with_server(struct run *run)
{
	struct experiment_result *result = run->result;
	bool stops = run->plan->kind == EXPERIMENT_STOP;
	const struct sockaddr_storage *address = &result->server.address;
	int error = site_configure(run->site, 0, stops ? EXPERIMENT_DRAIN_DELAY_MS : 0);

	if (error == 0)
		error = private_server_start(&result->server, run->stage, run->site, run->plan->accept,
					     run->plan->workers);
	if (error) {
		problem(run, "cannot start a server: %s", strerror(-error));
		return error;
	}
	error = await(run, is_ready, READY_MS);
	if (error == -ETIMEDOUT)
		problem(run, "the server did not get ready in time");
	if (error)
		return error;
	if (stops) {
		error = line_open(&run->line, run->stage->base, address, EXPERIMENT_LINE_MS);
		address = &run->line.address;
	}
	if (error == 0)
		error = load_start(&run->load, run->stage->base, address, run->site, run->plan->idle, run->plan->busy,
				   &result->without);
	run->load.pause_us = stops ? EXPERIMENT_PAUSE_MS * 1000 : 0;
	if (error == 0)
		error = watch_clients(run);
	result->wrong = run->load.wrong;
	return error;
}

static void judge(struct run *run)
{
	struct experiment_result *result = run->result;
	struct verdict_rules rules = {
		.announced_close_allowed = VERDICT_ANNOUNCED_CLOSE_IS_ALLOWED,
		.stops = run->plan->kind == EXPERIMENT_STOP,
		.killed_may_lose = run->plan->kind == EXPERIMENT_KILL && !run->plan->strict,
	};

	counts_add(&result->total, &result->without.counts);
	counts_add(&result->total, &result->with.counts);
	result->broken = verdict(&result->total, &result->facts, &rules);
	/* Requests that were outstanding when it was broken off are no finding. */
	if (result->problem[0])
		result->broken &= ~(unsigned)VERDICT_UNCOUNTED;
}

int experiment_run(struct stage *stage, const struct site *site, const struct experiment_plan *plan,
		   const struct experiment_progress *progress, struct experiment_result *result)
{
	struct run *run = calloc(1, sizeof(*run));
	int error;

	memset(result, 0, sizeof(*result));
	if (!run)
		return -ENOMEM;
	run->stage = stage;
	run->site = site;
	run->plan = plan;
	run->progress = progress;
	run->result = result;
	run->dead_fd = -1;
	result->facts.events_wanted = plan->events;
	/* Not always the same slot first; which one does not matter when there is no randomness. */
	if (getrandom(&run->victim, sizeof(run->victim), GRND_NONBLOCK) < 0)
		run->victim = 0;
	error = with_server(run);
	load_stop(&run->load);
	line_close(&run->line);
	if (!private_server_stop(&result->server) && error == 0)
		problem(run, "the server did not stop as asked");
	judge(run);
	free(run);
	/* What is wrong with the server is the experiment's outcome, and in `problem`. */
	return error == -EINTR || error == -ENOMEM ? error : 0;
}

void experiment_free(struct experiment_result *result)
{
	free(result->before);
	free(result->after);
	result->before = result->after = NULL;
}

bool experiment_good(const struct experiment_result *result)
{
	return result->broken == 0 && result->problem[0] == '\0';
}
