/* SPDX-License-Identifier: MIT
 *
 * broodctl's command line (ctl_options.h). */
#include "ctl/ctl_options.h"

#include "base/text.h"
#include "brood/version.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GO_ON = -1, OPTION_JSON = 256, OPTION_NOW, OPTION_TIMEOUT, SLOTS_MAX = 1024, TIMEOUT_MAX_S = 1000000 };

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"now", no_argument, NULL, OPTION_NOW},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

void ctl_say(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	fputs("broodctl: ", stderr);
	if (vasprintf(&text, format, arguments) >= 0)
		show_text(text, "broodctl: ", stderr);
	fputc('\n', stderr);
	free(text);
	va_end(arguments);
}

static int print_help(void)
{
	static const char *const operands[] = {"", " N", " SLOT"};
	char usage[32];

	fputs("usage: broodctl [-s SOCKET] [--json] [--timeout SECONDS] COMMAND\n\n"
	      "Asks a running brood about itself, or tells it what to do, and waits until it is done.\n\n",
	      stdout);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		snprintf(usage, sizeof(usage), "%s%s", verb->name, verb->stops ? " [--now]" : operands[verb->operand]);
		printf("  %-14s %s\n", usage, verb->help);
	}
	fputs("\n"
	      "  -s, --socket SOCKET  the server's control socket (/run/brood/control.sock for root, else\n"
	      "                       $XDG_RUNTIME_DIR/brood/control.sock)\n"
	      "      --json           print the server's answer as JSON\n"
	      "      --timeout SECONDS\n"
	      "                       wait no longer than that; the server goes on all the same\n"
	      "  -V, --version        print the version\n"
	      "  -h, --help           print this\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 usage, 3 no server. broodctl(1) tells all.\n",
	      stdout);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

static int print_version(void)
{
	printf("broodctl %s\n", brood_version());
	return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

/* As durations are written everywhere: "500ms", "10s"; a bare number is seconds, of which people have parts. */
static int take_timeout(struct ctl_options *out, const char *text)
{
	bool has_parts = strspn(text, "0123456789.") == strlen(text) && strchr(text, '.');
	double seconds = has_parts ? strtod(text, NULL) : 0;

	if (has_parts && seconds < TIMEOUT_MAX_S)
		out->timeout_ms = (uint64_t)(seconds * 1000);
	else if (text_parse_duration(text, &out->timeout_ms) < 0)
		out->timeout_ms = 0;
	if (out->timeout_ms > 0 && out->timeout_ms <= TIMEOUT_MAX_S * UINT64_C(1000))
		return GO_ON;
	ctl_say("--timeout '%.100s': want a number of seconds, as in 30, or a time like 500ms", text);
	return CTL_USAGE;
}

static int take_option(struct ctl_options *out, int option, const char *last)
{
	switch (option) {
	case 's':
		out->socket = optarg;
		return GO_ON;
	case OPTION_JSON:
		out->json = true;
		return GO_ON;
	case OPTION_TIMEOUT:
		return take_timeout(out, optarg);
	case OPTION_NOW:
		out->now = true;
		return GO_ON;
	case 'h':
		return print_help();
	case 'V':
		return print_version();
	case ':':
		ctl_say("option '%s' needs a value", last);
		return CTL_USAGE;
	default:
		ctl_say("option '%s' is not understood (broodctl --help lists them)", last);
		return CTL_USAGE;
	}
}

static int take_verb(struct ctl_options *out, const char *word)
{
	const char *nearest;

	if (!word) {
		ctl_say("what shall be done? (broodctl --help lists the commands)");
		return CTL_USAGE;
	}
	out->verb = verb_find(word);
	if (out->verb)
		return GO_ON;
	nearest = verb_nearest(word);
	if (verb_is_later(word))
		ctl_say("'%s' is not in this version", word);
	else if (nearest)
		ctl_say("unknown command '%.100s' (did you mean '%s'?)", word, nearest);
	else
		ctl_say("unknown command '%.100s' (broodctl --help lists them)", word);
	return CTL_USAGE;
}

static int take_operand(struct ctl_options *out, const char *text)
{
	bool workers = out->verb->operand == VERB_WORKERS;
	uint64_t least = workers ? 1 : 0, number;

	if (!text) {
		ctl_say("%s wants %s", out->verb->name, workers ? "the number of workers" : "the number of a slot");
		return CTL_USAGE;
	}
	if (text_parse_u64(text, &number) < 0 || number < least || number >= least + SLOTS_MAX) {
		ctl_say("%s '%.100s': want a number from %d to %d", out->verb->name, text, (int)least,
			(int)least + SLOTS_MAX - 1);
		return CTL_USAGE;
	}
	out->request.has_argument = true;
	out->request.argument = (int32_t)number;
	return GO_ON;
}

static int take_words(struct ctl_options *out, char **words)
{
	int status = take_verb(out, words[0]);

	if (status != GO_ON)
		return status;
	words++;
	if (out->verb->operand != VERB_ALONE) {
		status = take_operand(out, words[0]);
		if (status != GO_ON)
			return status;
		words++;
	}
	if (words[0]) {
		ctl_say("%s: '%.100s' is one word too many", out->verb->name, words[0]);
		return CTL_USAGE;
	}
	if (out->now && !out->verb->stops) {
		ctl_say("--now is for stop only");
		return CTL_USAGE;
	}
	snprintf(out->request.command, sizeof(out->request.command), "%s%s", out->verb->command,
		 out->now ? "-now" : "");
	return GO_ON;
}

int ctl_options_parse(struct ctl_options *out, int argc, char **argv)
{
	int status = GO_ON, option;

	*out = (struct ctl_options){0};
	opterr = 0;
	while (status == GO_ON) {
		option = getopt_long(argc, argv, ":s:hV", long_options, NULL);
		if (option == -1)
			break;
		status = take_option(out, option, argv[optind - 1]);
	}
	return status == GO_ON ? take_words(out, argv + optind) : status;
}
