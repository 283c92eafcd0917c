/* SPDX-License-Identifier: MIT
 *
 * The command line of `brood prove` (prove_options.h). */
#include "prove/prove_options.h"

#include "base/text.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GO_ON = -1, EXIT_USAGE = 2 };
enum { OPTION_STRICT = 256, OPTION_JSON };
enum { EVENTS_MAX = LOAD_KILLS_MAX, SECONDS_MAX = 3600, WORKERS_MAX = LOAD_SLOTS_MAX };
enum { CONNECTIONS_MAX = 10000 };

/* What holds where nothing is said, for the help, too. */
#define WORKERS 4
#define EVENTS  5
#define SECONDS 3
#define IDLE    200
#define BUSY    64

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

static const char help[] =
	"usage: brood prove [restart|reload|upgrade|kill|stop]... [OPTION]...\n"
	"\n"
	"Starts a private copy of the server on a free port, opens connections to it, does the\n"
	"thing again and again, and tells what clients saw. Without a word: restart, reload and\n"
	"kill.\n"
	"\n"
	"  restart   replace all workers\n"
	"  reload    the same with a changed configuration\n"
	"  upgrade   replace the program itself\n"
	"  kill      SIGKILL to a worker; its own connections may be lost, no other ones\n"
	"  stop      stop the server, once, over a line of 20 ms each way; clients that pause for\n"
	"            20 ms, less than its drain_delay, lose no request\n"
	"\n"
	"  -a, --accept MODE|all        shared, handoff, reuseport, or all in turn (shared)\n"
	"  -w, --workers N              number of workers (" TEXT(
		WORKERS) ")\n"
			 "  -n, --events N               how often (" TEXT(
				 EVENTS) ")\n"
					 "  -t, --time SECONDS           how long an experiment takes; the server is "
					 "left alone\n"
					 "                               for a third of it, to compare (" TEXT(
						 SECONDS) ")\n"
							  "  -c, --connections IDLE+BUSY  kept connections (" TEXT(
								  IDLE) "+" TEXT(BUSY) ")\n"
										       "      --strict                 "
										       "a killed worker's connections "
										       "may not be lost either\n"
										       "      --json                   "
										       "print one JSON object\n"
										       "  -h, --help                   "
										       "print this\n"
										       "\n"
										       "Exits with 0 when nothing was "
										       "lost, 1 when something was.\n";

static const char short_options[] = ":a:w:n:t:c:h";

static const struct option long_options[] = {
	{"accept", required_argument, NULL, 'a'},
	{"workers", required_argument, NULL, 'w'},
	{"events", required_argument, NULL, 'n'},
	{"time", required_argument, NULL, 't'},
	{"connections", required_argument, NULL, 'c'},
	{"strict", no_argument, NULL, OPTION_STRICT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char *const modes[PROVE_MODES] = {"shared", "handoff", "reuseport"};

/* What has been read so far. */
struct reading {
	struct experiment_plan common;
	bool mode[PROVE_MODES];
	bool kind[EXPERIMENT_KINDS];
	enum experiment_kind order[EXPERIMENT_KINDS];
	size_t kinds;
	bool json;
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	text_mask(line);
	fprintf(stderr, "brood: prove: %s\n", line);
	return EXIT_USAGE;
}

static int take_count(const char *option, const char *text, unsigned min, unsigned max, unsigned *out)
{
	uint64_t value;

	if (text_parse_u64(text, &value) < 0 || value < min || value > max)
		return refuse("%s '%.60s': want a number from %u to %u", option, text, min, max);
	*out = (unsigned)value;
	return GO_ON;
}

static int take_modes(struct reading *reading, const char *text)
{
	bool all = strcmp(text, "all") == 0, any = all;

	for (size_t i = 0; i < PROVE_MODES; i++) {
		reading->mode[i] = all || strcmp(text, modes[i]) == 0;
		any |= reading->mode[i];
	}
	return any ? GO_ON : refuse("-a '%.60s': want shared, handoff, reuseport or all", text);
}

/* "IDLE+BUSY", or "IDLE" alone. */
static int take_connections(struct reading *reading, const char *text)
{
	char idle[16];
	size_t size = strcspn(text, "+");
	uint64_t count[2] = {0, reading->common.busy};

	snprintf(idle, sizeof(idle), "%.*s", (int)(size < sizeof(idle) ? size : sizeof(idle) - 1), text);
	if (text_parse_u64(idle, &count[0]) < 0 || (text[size] && text_parse_u64(text + size + 1, &count[1]) < 0) ||
	    count[0] > CONNECTIONS_MAX || count[1] > CONNECTIONS_MAX || count[0] + count[1] > CONNECTIONS_MAX ||
	    count[0] + count[1] == 0)
		return refuse("-c '%.60s': want IDLE+BUSY, 1 to %d connections in all", text, CONNECTIONS_MAX);
	reading->common.idle = (unsigned)count[0];
	reading->common.busy = (unsigned)count[1];
	return GO_ON;
}

static int take_kind(struct reading *reading, const char *word)
{
	const char *names[EXPERIMENT_KINDS], *nearest;

	for (unsigned i = 0; i < EXPERIMENT_KINDS; i++) {
		names[i] = experiment_name(i);
		if (strcmp(word, names[i]) != 0)
			continue;
		if (!reading->kind[i])
			reading->order[reading->kinds++] = i;
		reading->kind[i] = true;
		return GO_ON;
	}
	nearest = text_nearest(word, names, EXPERIMENT_KINDS);
	if (nearest)
		return refuse("'%.60s' is nothing to be proved (did you mean '%s'?)", word, nearest);
	return refuse("'%.60s' is nothing to be proved: want restart, reload, upgrade, kill or stop", word);
}

static int take_option(struct reading *reading, int option, const char *last)
{
	struct experiment_plan *common = &reading->common;
	unsigned seconds = 0;
	int status;

	switch (option) {
	case 'a':
		return take_modes(reading, optarg);
	case 'w':
		return take_count("-w", optarg, 1, WORKERS_MAX, &common->workers);
	case 'n':
		return take_count("-n", optarg, 1, EVENTS_MAX, &common->events);
	case 't':
		status = take_count("-t", optarg, 1, SECONDS_MAX, &seconds);
		if (status == GO_ON)
			common->time_ms = seconds * 1000;
		return status;
	case 'c':
		return take_connections(reading, optarg);
	case OPTION_STRICT:
		common->strict = true;
		return GO_ON;
	case OPTION_JSON:
		reading->json = true;
		return GO_ON;
	case 'h':
		fputs(help, stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	case ':':
		return refuse("option '%.60s' needs a value (brood prove --help)", last);
	default:
		return refuse("unknown option '%.60s' (brood prove --help lists them)", last);
	}
}

static void plan_all(const struct reading *reading, struct prove_options *out)
{
	memset(out, 0, sizeof(*out));
	out->json = reading->json;
	for (size_t m = 0; m < PROVE_MODES; m++) {
		for (size_t k = 0; k < reading->kinds && reading->mode[m]; k++) {
			struct experiment_plan *plan = &out->plan[out->plans++];

			*plan = reading->common;
			plan->accept = modes[m];
			plan->kind = reading->order[k];
			if (plan->kind == EXPERIMENT_STOP)
				plan->events = 1; /* there is nothing left to be stopped */
		}
	}
}

int prove_options_parse(struct prove_options *out, int argc, char **argv)
{
	struct reading reading = {
		.common = {.workers = WORKERS, .events = EVENTS, .time_ms = SECONDS * 1000, .idle = IDLE, .busy = BUSY},
		.mode = {true},
		.order = {EXPERIMENT_RESTART, EXPERIMENT_RELOAD, EXPERIMENT_KILL},
	};
	int status = GO_ON, option;

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while (status == GO_ON) {
		option = getopt_long(argc, argv, short_options, long_options, NULL);
		if (option == -1)
			break;
		status = take_option(&reading, option, argv[optind > 1 ? optind - 1 : 1]);
	}
	for (int i = optind; i < argc && status == GO_ON; i++)
		status = take_kind(&reading, argv[i]);
	if (status == GO_ON && reading.kinds == 0)
		reading.kinds = 3;
	if (status == GO_ON)
		plan_all(&reading, out);
	return status;
}
