/* SPDX-License-Identifier: MIT
 *
 * brood. Reads the command line, then becomes the server (server.c), checks its configuration, or
 * experiments on a copy of it (prove/prove.h). */
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "brood/config/configuration.h"
#include "brood/system/inherit.h"
#include "brood/system/notify.h"
#include "brood/config/options.h"
#include "brood/system/requirements.h"
#include "brood/server.h"
#include "brood/server_upgrade.h"
#include "prove/prove.h"

#include <stdlib.h>
#include <string.h>

enum { INHERITED_MAX = 64 };

static void tell(bool error, const char *text)
{
	(void)error;
	log_error("%s", text);
}

static int run(const struct options *options, char **argv)
{
	int given[INHERITED_MAX + 1];
	/* First of all, while every descriptor there is was given to us and none is ours. What we have no
	 * name for was left open by mistake; kept, it would hide somebody's end-of-file for our whole
	 * life. */
	int ready_fd = notify_take_ready_fd();
	size_t count = inherit_listeners(given, INHERITED_MAX);

	signals_ignore_writes();
	given[count] = ready_fd;
	fd_close_all_but(given, count + 1);
	if (requirements_check(tell) < 0 || fd_open_standard() < 0)
		return EXIT_FAILURE;
	return server_run(options, argv, ready_fd, given, count);
}

/* Not by a start, but in place of another version. */
static int resume(int argc, char **argv, struct upgrade_state *state)
{
	struct options options;
	int status = server_upgrade_options(&options, argc, argv, state);

	if (status >= 0 || options.action != OPTIONS_RUN)
		upgrade_give_up(state);
	status = server_resume(&options, state->argv, state);
	options_free(&options);
	return status;
}

/* As it was given, and is given to the next version: reading options reorders the other one. Lives as long as
 * the process. */
static char **copy_arguments(int argc, char **argv)
{
	char **copy = malloc(((size_t)argc + 1) * sizeof(*copy));

	return copy ? memcpy(copy, argv, ((size_t)argc + 1) * sizeof(*copy)) : argv;
}

/* What it does is over soon, and signals end it as they end other programs. */
static int test(const struct options *options, const sigset_t *signals)
{
	signals_release(signals);
	return config_test(options);
}

int main(int argc, char **argv)
{
	char **given;
	struct upgrade_state state;
	struct options options;
	sigset_t signals;
	int status;

	/* First of all: whoever has started a server may tell it something at once. */
	signals_await(false, &signals);
	given = copy_arguments(argc, argv);
	if (argc > 1 && strcmp(argv[1], "prove") == 0) {
		signals_release(&signals);
		return prove_main(argc - 1, argv + 1);
	}
	if (upgrade_take(&state, given))
		return resume(argc, argv, &state);
	status = options_parse(&options, argc, argv);
	if (status < 0)
		status = options.action == OPTIONS_RUN ? run(&options, given) : test(&options, &signals);
	options_free(&options);
	return status;
}
