/* SPDX-License-Identifier: MIT
 *
 * broodctl's words. */
#include "ctl/verbs.h"

#include "base/text.h"
#include "brood/version.h"

#include <string.h>

static json_t *workers_of(json_t *status)
{
	json_t *workers = json_incref(json_object_get(status, "workers"));

	json_decref(status);
	return workers;
}

/* Without a status: nobody was there to ask. */
static json_t *versions(json_t *status)
{
	json_t *both = json_pack("{s:s, s:O?, s:O?}", "client", brood_version(), "server",
				 json_object_get(status, "version"), "pid", json_object_get(status, "pid"));

	json_decref(status);
	return both;
}

const struct verb verbs[] = {
	{.name = "status",
	 .command = "status",
	 .quick = true,
	 .show = show_status,
	 .help = "the server's state, workers and last roll"},
	{.name = "workers",
	 .command = "status",
	 .quick = true,
	 .part = workers_of,
	 .show = show_workers,
	 .help = "the workers only"},
	{.name = "restart", .command = "restart", .done = "restarted", .help = "replace the workers one by one"},
	{.name = "reload",
	 .command = "reload",
	 .done = "reloaded",
	 .help = "read the configuration again, replace the workers"},
	{.name = "upgrade",
	 .command = "upgrade",
	 .done = "upgraded",
	 .show = show_done,
	 .help = "replace the running program by the installed one"},
	{.name = "scale", .command = "scale", .operand = VERB_WORKERS, .done = "scaled", .help = "run N workers"},
	{.name = "drain",
	 .command = "drain",
	 .operand = VERB_SLOT,
	 .done = "drained",
	 .help = "take a slot out of service; its connections move"},
	{.name = "undrain",
	 .command = "undrain",
	 .operand = VERB_SLOT,
	 .done = "in service again",
	 .help = "put a slot back into service"},
	{.name = "stop",
	 .command = "stop",
	 .stops = true,
	 .done = "stopped",
	 .help = "finish what is in flight, then stop; --now: at once"},
	{.name = "reopen",
	 .command = "reopen",
	 .quick = true,
	 .done = "logs reopened",
	 .help = "open the log files again, after they were moved away"},
	{.name = "why",
	 .command = "why",
	 .operand = VERB_SLOT,
	 .quick = true,
	 .show = show_why,
	 .help = "how the last workers of a slot ended"},
	{.name = "config",
	 .command = "config",
	 .quick = true,
	 .show = show_config,
	 .help = "the configuration in force"},
	{.name = "version",
	 .command = "status",
	 .quick = true,
	 .part = versions,
	 .show = show_version,
	 .help = "this program's version, and the server's"},
	{.name = NULL},
};

static const char *const later[] = {"top", "metrics", "explain", "events", "sandbox"};

enum { LATER = sizeof(later) / sizeof(later[0]), VERBS = sizeof(verbs) / sizeof(verbs[0]) - 1 };

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

bool verb_is_later(const char *name)
{
	for (size_t i = 0; i < LATER; i++) {
		if (strcmp(later[i], name) == 0)
			return true;
	}
	return false;
}

const char *verb_nearest(const char *name)
{
	const char *names[VERBS];

	for (size_t i = 0; i < VERBS; i++)
		names[i] = verbs[i].name;
	return text_nearest(name, names, VERBS);
}
