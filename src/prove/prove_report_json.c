/* SPDX-License-Identifier: MIT
 *
 * Results for programs (prove_report.h): one JSON object, RFC 8259. */
#include "prove/prove_report.h"

#include "brood/version.h"

#include <stdio.h>

/* What the server says may have any octet in it; what is not plain ASCII is shown as a '?'. */
static void print_string(const char *text)
{
	putchar('"');
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at == '"' || *at == '\\')
			printf("\\%c", *at);
		else
			putchar(*at < 0x20 || *at >= 0x7f ? '?' : *at);
	}
	putchar('"');
}

static void print_figures(const char *name, const struct load_figures *figures)
{
	const struct counts *counts = &figures->counts;
	const struct latency *latency = &figures->latency;
	const struct {
		const char *name;
		uint64_t value;
	} members[] = {
		{"requests_sent", counts->sent},
		{"requests_answered", counts->answered},
		{"requests_failed", counts->failed},
		{"answers_wrong", counts->wrong},
		{"octets_unasked", counts->unasked},
		{"requests_failed_with_worker", counts->killed_failed},
		{"connections_opened", counts->opened},
		{"connections_refused", counts->refused},
		{"connections_announced", counts->announced},
		{"connections_closed", counts->closed},
		{"connections_reset", counts->reset},
		{"connections_hung", counts->hung},
		{"connections_lost_with_worker", counts->killed_lost},
		{"latency_p50_us", latency_percentile_us(latency, 50)},
		{"latency_p99_us", latency_percentile_us(latency, 99)},
		{"latency_max_us", latency->max_us},
	};

	printf(",\n   \"%s\": {", name);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		printf("%s\"%s\": %llu", i ? ", " : "", members[i].name, (unsigned long long)members[i].value);
	printf("}");
}

static void print_workers(const char *name, const struct load_worker *worker, size_t count)
{
	printf(",\n   \"%s\": [", name);
	for (size_t i = 0; i < count; i++)
		printf("%s{\"slot\": %u, \"generation\": %u, \"pid\": %d, \"connections\": %u}", i ? ", " : "",
		       worker[i].worker.slot, worker[i].worker.generation, worker[i].worker.pid, worker[i].connections);
	printf("]");
}

static void print_lines(const struct private_server *server)
{
	const char *line;

	printf(",\n   \"server\": [");
	for (size_t i = 0; (line = private_server_line(server, i)); i++) {
		printf("%s", i ? ", " : "");
		print_string(line);
	}
	printf("]");
}

void report_json_begin(void)
{
	printf("{\"version\": ");
	print_string(brood_version());
	printf(", \"experiments\": [");
}

void report_json(const struct experiment_plan *plan, const struct experiment_result *result, bool first)
{
	char found[512];
	bool good = experiment_good(result);

	verdict_describe(result->broken, &result->total, &result->facts, found, sizeof(found));
	printf("%s\n  {\"what\": \"%s\", \"accept\": \"%s\", \"workers\": %u, \"idle\": %u, "
	       "\"busy\": %u,\n   \"ok\": %s, \"events\": %u, \"events_wanted\": %u, \"ms\": %u, "
	       "\"stale\": %u, \"problem\": ",
	       first ? "" : ",", experiment_name(plan->kind), plan->accept, plan->workers, plan->idle, plan->busy,
	       good ? "true" : "false", result->facts.events_done, result->facts.events_wanted, result->with_ms,
	       result->facts.stale);
	if (result->problem[0])
		print_string(result->problem);
	else
		printf("null");
	printf(", \"lost\": ");
	print_string(found);
	print_figures("without", &result->without);
	print_figures("with", &result->with);
	print_workers("before", result->before, result->before_count);
	print_workers("after", result->after, result->after_count);
	if (!good)
		print_lines(&result->server);
	printf("}");
	fflush(stdout);
}

void report_json_end(bool good)
{
	printf("\n], \"ok\": %s}\n", good ? "true" : "false");
}
