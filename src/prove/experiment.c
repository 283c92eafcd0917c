/* SPDX-License-Identifier: MIT
 *
 * One experiment, from start to end (experiment.h). */
#include "prove/experiment.h"

#include "base/clock.h"
#include "prove/experiment_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Guards against hanging, far beyond what any of these takes. */
enum { READY_MS = 20000, QUIET_MS = 12000 };

/* --- waiting --- */

static void tell(struct run *run, const char *what)
{
	if (run->progress)
		run->progress->tell(run->progress->context, run->plan, what);
}

static bool is_ready(const void *context)
{
	const struct run *run = context;

	return run->result->server.ready;
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

static int wait_until(struct run *run, uint64_t when_ms)
{
	run->until_ms = when_ms;
	return experiment_await(run, time_has_come, run->plan->time_ms + 1000);
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
		error = experiment_settle(run);
		if (error == 0)
			error = wait_until(run, start_ms + share(time_ms, i + 1, run));
	}
	return error;
}

/* Its only event; nobody comes anew. */
static int phase_stop(struct run *run)
{
	const struct private_server *server = &run->result->server;
	char end[64];
	int error;

	tell(run, "told to stop");
	run->load.held = true;
	error = experiment_do_last(run);
	if (error == -ETIMEDOUT)
		experiment_problem(run, server->ended ? "connections did not come to an end in time"
						      : "the server did not stop in time");
	if (error)
		return error;
	brood_process_describe(&server->end, end, sizeof(end));
	if (server->end.exit_code != 0)
		experiment_problem(run, "the server ended by %s", end);
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
			error = experiment_do(run);
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
	int error = experiment_await_settled(run); /* all connections are open */

	if (error == -ETIMEDOUT)
		experiment_problem(run, "connections could not be opened in time");
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
		error = experiment_await(run, is_quiet, QUIET_MS);
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
		experiment_problem(run, "cannot start a server: %s", strerror(-error));
		return error;
	}
	error = experiment_await(run, is_ready, READY_MS);
	if (error == -ETIMEDOUT)
		experiment_problem(run, "the server did not get ready in time");
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
		experiment_problem(run, "the server did not stop as asked");
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
