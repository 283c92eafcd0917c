/* SPDX-License-Identifier: MIT
 *
 * Tables and sentences for people (prove_report.h). */
#include "prove/prove_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void report_begin(const struct experiment_plan *plan)
{
	printf("%u worker%s; %u idle and %u busy kept connections, and fresh ones all the time\n", plan->workers,
	       plan->workers == 1 ? "" : "s", plan->idle, plan->busy);
	fflush(stdout);
}

void report_progress(void *context, const struct experiment_plan *plan, const char *what)
{
	bool terminal = isatty(STDERR_FILENO);

	(void)context;
	fprintf(stderr, "%s%s, %s: %s%s", terminal ? "\r\033[K" : "", experiment_name(plan->kind), plan->accept, what,
		terminal ? "" : "\n");
	fflush(stderr);
}

void report_progress_quietly(void *context, const struct experiment_plan *plan, const char *what)
{
	if (isatty(STDERR_FILENO))
		report_progress(context, plan, what);
}

void report_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

/* --- the table --- */

static void number_row(const char *name, uint64_t without, uint64_t with)
{
	printf("  %-32s%12llu%12llu\n", name, (unsigned long long)without, (unsigned long long)with);
}

/* Most of the time there is nothing to say. */
static void number_row_if_any(const char *name, uint64_t without, uint64_t with)
{
	if (without || with)
		number_row(name, without, with);
}

static void latency_row(const char *name, uint64_t without_us, uint64_t with_us)
{
	printf("  %-32s%9.2f ms%9.2f ms\n", name, (double)without_us / 1000, (double)with_us / 1000);
}

static void counts_rows(const struct counts *without, const struct counts *with)
{
	number_row("requests sent", without->sent, with->sent);
	number_row("requests answered", without->answered, with->answered);
	number_row("requests failed", without->failed, with->failed);
	number_row_if_any("answers wrong", without->wrong, with->wrong);
	number_row_if_any("octets unasked", without->unasked, with->unasked);
	number_row_if_any("requests failed with the worker", without->killed_failed, with->killed_failed);
	number_row("connections opened", without->opened, with->opened);
	number_row("connections refused", without->refused, with->refused);
	number_row("connections closed or reset", without->closed + without->reset + without->hung,
		   with->closed + with->reset + with->hung);
	number_row("connections closed with notice", without->announced, with->announced);
	number_row_if_any("connections lost with the worker", without->killed_lost, with->killed_lost);
}

static void latency_rows(const struct latency *without, const struct latency *with)
{
	latency_row("latency p50", latency_percentile_us(without, 50), latency_percentile_us(with, 50));
	latency_row("latency p99", latency_percentile_us(without, 99), latency_percentile_us(with, 99));
	latency_row("latency max", without->max_us, with->max_us);
}

enum { WORKERS_SHOWN = 6 };

static void workers_row(const char *name, const struct load_worker *worker, size_t count)
{
	printf("  %-27s", name);
	for (size_t i = 0; i < count && i < WORKERS_SHOWN; i++)
		printf("%s%u by %d", i ? ", " : "", worker[i].connections, worker[i].worker.pid);
	if (count > WORKERS_SHOWN)
		printf(", %zu more", count - WORKERS_SHOWN);
	putchar('\n');
}

static void table(const struct experiment_plan *plan, const struct experiment_result *result)
{
	unsigned events = result->facts.events_done;
	char heading[96];

	snprintf(heading, sizeof(heading), "%s, %s", experiment_name(plan->kind), plan->accept);
	printf("%-34s%12s%12s\n", heading, "left alone", experiment_doing(plan->kind));
	counts_rows(&result->without.counts, &result->with.counts);
	latency_rows(&result->without.latency, &result->with.latency);
	workers_row("connections by pid, before", result->before, result->before_count);
	if (plan->kind != EXPERIMENT_STOP)
		workers_row("connections by pid, after", result->after, result->after_count);
	printf("  %u %s in %.1f s\n", events, experiment_event(plan->kind, events != 1),
	       (double)result->with_ms / 1000);
}

/* --- the sentence --- */

static void say_stopped(const struct experiment_plan *plan, const struct experiment_result *result)
{
	const struct counts *with = &result->with.counts;

	printf("%s, %s: 0 of %u lost, over a line of %d ms each way; %llu were told the end by an answer, %llu were "
	       "idle\n",
	       experiment_name(plan->kind), plan->accept, plan->idle + plan->busy, EXPERIMENT_LINE_MS,
	       (unsigned long long)with->announced, (unsigned long long)with->closed);
}

static void say_good(const struct experiment_plan *plan, const struct experiment_result *result)
{
	const struct counts *total = &result->total;

	if (plan->kind == EXPERIMENT_STOP) {
		say_stopped(plan, result);
		return;
	}
	printf("%s, %s: nothing was lost", experiment_name(plan->kind), plan->accept);
	if (total->killed_lost)
		printf(" but the killed workers' own %llu connections", (unsigned long long)total->killed_lost);
	if (total->announced)
		printf("; %llu connections were closed with notice and opened anew",
		       (unsigned long long)total->announced);
	putchar('\n');
}

static void say_bad(const struct experiment_plan *plan, const struct experiment_result *result)
{
	char found[512];
	const char *line;

	verdict_describe(result->broken, &result->total, &result->facts, found, sizeof(found));
	printf("%s, %s: FAILED: %s%s%s\n", experiment_name(plan->kind), plan->accept, result->problem,
	       result->problem[0] && found[0] ? "; " : "", found);
	if (result->wrong)
		printf("  the last wrong answer had %s\n", result->wrong);
	for (size_t i = 0; (line = private_server_line(&result->server, i)); i++)
		printf("  server: %s\n", line);
}

void report_text(const struct experiment_plan *plan, const struct experiment_result *result)
{
	putchar('\n');
	if (result->total.sent > 0)
		table(plan, result);
	if (experiment_good(result))
		say_good(plan, result);
	else
		say_bad(plan, result);
	fflush(stdout);
}
