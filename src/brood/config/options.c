/* SPDX-License-Identifier: MIT
 *
 * The command line. Values are checked here as far as they can be without the file, so that a slip
 * is a usage error. */
#include "brood/config/options.h"

#include "base/text.h"
#include "brood/config/config_listen.h"
#include "brood/config/options_help.h"
#include "brood/system/absolute_path.h"
#include "brood/config/setting_value.h"
#include "brood/config/settings.h"
#include "brood/version.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GO_ON = -1, EXIT_DONE = 0, EXIT_SYSTEM = 1, EXIT_USAGE = 2 };

enum { ONLY_LONG = 256, OPTION_CONTROL = ONLY_LONG };

static const char short_options[] = ":c:l:w:a:s:p:dtTvVh";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"listen", required_argument, NULL, 'l'},
	{"workers", required_argument, NULL, 'w'},
	{"accept", required_argument, NULL, 'a'},
	{"set", required_argument, NULL, 's'},
	{"pid-file", required_argument, NULL, 'p'},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"daemon", no_argument, NULL, 'd'},
	{"test", no_argument, NULL, 't'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

enum { LONG_OPTIONS = sizeof(long_options) / sizeof(long_options[0]) - 1 };

/* Says what cannot be understood, in one line; returns the exit status for it. */
__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	text_mask(line);
	fprintf(stderr, "brood: %s\n", line);
	return EXIT_USAGE;
}

static int fail_for_memory(void)
{
	fprintf(stderr, "brood: no memory\n");
	return EXIT_SYSTEM;
}

/* An option whose value is that of a setting. It is parsed into a configuration that is thrown
 * away: the value itself is applied when the file has been. */
static int check_value(const char *option, const char *setting_name, const char *text)
{
	const struct setting *setting = setting_find(setting_name);
	struct config scratch = {0};
	char reason[SETTING_REASON_MAX];
	int rc = setting_parse(setting, text, "/", setting_home(setting, &scratch), false, reason);

	setting_clear(setting, setting_home(setting, &scratch));
	if (rc == 0)
		return GO_ON;
	if (rc == -ENOMEM)
		return fail_for_memory();
	return refuse("%s '%.100s': %s", option, text, reason);
}

static int take_listen(struct options *out, const char *text)
{
	char reason[SETTING_REASON_MAX];
	struct config_listener listener = {0};
	int rc = config_listen_parse(text, out->directory, &listener, reason, sizeof(reason));

	if (rc == -ENOMEM)
		return fail_for_memory();
	if (rc < 0)
		return refuse("-l '%.100s': %s", text, reason);
	if (out->listen_count == CONFIG_LISTENERS_MAX)
		return refuse("-l '%.100s': %d addresses at most", text, CONFIG_LISTENERS_MAX);
	out->listen[out->listen_count++] = text;
	return GO_ON;
}

static int take_set(struct options *out, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return refuse("-s '%.100s': want NAME=VALUE", text);
	out->set[out->set_count++] = text;
	return GO_ON;
}

static int take_file(struct options *out, const char *text)
{
	if (text[0] == '\0')
		return refuse("-c '': want the name of a configuration file");
	free(out->file);
	out->file = path_resolve(out->directory, text);
	return out->file ? GO_ON : fail_for_memory();
}

static int print_version(void)
{
	printf("brood %s\n", brood_version());
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM;
}

static int print_help(void)
{
	options_help(stdout);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM;
}

/* A letter of the other case is a likelier slip than any other letter. */
static int refuse_letter(int letter)
{
	int other = letter ^ ('a' ^ 'A');

	if (letter != ':' && other > ' ' && strchr(short_options + 1, other))
		return refuse("unknown option '-%c' (did you mean '-%c'?)", letter, other);
	return refuse("unknown option '-%c' (brood --help lists them)", letter);
}

/* Of an argument "--word" or "--word=value" that getopt does not know, or not for certain. */
static int refuse_word(const char *argument)
{
	const char *names[LONG_OPTIONS], *nearest;
	char word[64], *equals;
	size_t like[2], likes = 0;

	snprintf(word, sizeof(word), "%s", argument + 2);
	equals = strchr(word, '=');
	if (equals)
		*equals = '\0';
	for (size_t i = 0; i < LONG_OPTIONS; i++) {
		names[i] = long_options[i].name;
		if (strncmp(names[i], word, strlen(word)) == 0 && likes < 2)
			like[likes++] = i;
	}
	if (likes == 2)
		return refuse("option '--%s' may be --%s or --%s", word, names[like[0]], names[like[1]]);
	nearest = text_nearest(word, names, LONG_OPTIONS);
	if (nearest)
		return refuse("unknown option '--%s' (did you mean '--%s'?)", word, nearest);
	return refuse("unknown option '--%s' (brood --help lists them)", word);
}

static const struct option *long_option(int value)
{
	for (size_t i = 0; i < LONG_OPTIONS; i++) {
		if (long_options[i].val == value)
			return &long_options[i];
	}
	return NULL;
}

/* getopt's '?'. optopt is 0 for an unknown word, which getopt has moved on from; an option that it
 * knows was given a value that it does not take; else it is an unknown letter. */
static int refuse_unknown(const char *last)
{
	const struct option *known = optopt ? long_option(optopt) : NULL;

	if (known)
		return refuse("option '--%s' takes no value", known->name);
	return optopt ? refuse_letter(optopt) : refuse_word(last);
}

static const char *value_name(int option)
{
	static const struct {
		int option;
		const char *value;
	} values[] = {
		{'c', "FILE"}, {'l', "ADDRESS:PORT"},        {'w', "N|auto"}, {'a', "MODE"}, {'s', "NAME=VALUE"},
		{'p', "FILE"}, {OPTION_CONTROL, "PATH|off"},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].option == option)
			return values[i].value;
	}
	return "VALUE";
}

/* getopt's ':'. */
static int refuse_missing(int option)
{
	const char *name = long_option(option)->name, *value = value_name(option);

	if (option < ONLY_LONG)
		return refuse("option -%c needs a value: -%c %s, --%s %s", option, option, value, name, value);
	return refuse("option --%s needs a value: --%s %s", name, name, value);
}

/* `last`: the argument that getopt has moved on from. */
static int take_option(struct options *out, int option, const char *last)
{
	switch (option) {
	case 'c':
		return take_file(out, optarg);
	case 'l':
		return take_listen(out, optarg);
	case 'w':
		out->workers = optarg;
		return check_value("-w", "workers", optarg);
	case 'a':
		out->accept = optarg;
		return check_value("-a", "accept", optarg);
	case 's':
		return take_set(out, optarg);
	case 'p':
		out->pid_file = optarg;
		return check_value("-p", "pid_file", optarg);
	case OPTION_CONTROL:
		out->control = optarg;
		return check_value("--control", "control", optarg);
	case 'd':
		out->daemon = true;
		return GO_ON;
	case 't':
		if (out->action != OPTIONS_PRINT) /* -T checks, too */
			out->action = OPTIONS_TEST;
		return GO_ON;
	case 'T':
		out->action = OPTIONS_PRINT;
		return GO_ON;
	case 'v':
		out->verbose = true;
		return GO_ON;
	case 'V':
		return print_version();
	case 'h':
		return print_help();
	case ':':
		return refuse_missing(optopt);
	default:
		return refuse_unknown(last);
	}
}

static int take_operands(struct options *out, char **operands)
{
	const char *root = operands[0];

	if (!root)
		return GO_ON;
	if (strcmp(root, "prove") == 0)
		return refuse("'prove' is a command with options of its own and stands in front: "
			      "brood prove (a folder of such a name: ./prove)");
	if (strcmp(root, "run") == 0)
		return refuse("'run' is not in this version (a folder of such a name: ./run)");
	if (operands[1])
		return refuse("'%.100s': one folder can be served, and that is '%.100s' already", operands[1], root);
	if (root[0] == '\0')
		return refuse("'': want the name of a folder");
	out->root = root;
	return check_value("root", "root", root);
}

static int prepare(struct options *out, int argc, const char *directory)
{
	memset(out, 0, sizeof(*out));
	out->directory = directory ? strdup(directory) : path_working_directory();
	if (!out->directory) {
		fprintf(stderr, "brood: the working directory: %s\n", strerror(errno));
		return EXIT_SYSTEM;
	}
	out->listen = calloc((size_t)argc, sizeof(*out->listen));
	out->set = calloc((size_t)argc, sizeof(*out->set));
	return out->listen && out->set ? GO_ON : fail_for_memory();
}

int options_parse_in(struct options *out, int argc, char **argv, const char *directory)
{
	int status = prepare(out, argc, directory), option;

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while (status == GO_ON) {
		option = getopt_long(argc, argv, short_options, long_options, NULL);
		if (option == -1)
			break;
		status = take_option(out, option, argv[optind - 1]);
	}
	return status == GO_ON ? take_operands(out, argv + optind) : status;
}

int options_parse(struct options *out, int argc, char **argv)
{
	return options_parse_in(out, argc, argv, NULL);
}

void options_free(struct options *options)
{
	free(options->file);
	free(options->listen);
	free(options->set);
	free(options->directory);
	memset(options, 0, sizeof(*options));
}
