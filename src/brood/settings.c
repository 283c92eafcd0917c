/* SPDX-License-Identifier: MIT
 *
 * The table of settings, and looking things up in it. What is said of sites and places stands in
 * settings_of_sites.inc. */
#include "brood/settings.h"

#include "base/text.h"
#include "brood/configuration.h"
#include "brood/setting_checks.h"
#include "cluster/cluster.h"
#include "http/quota.h"

#include <assert.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define AT(member) offsetof(struct config, member)
#define AT_SITE(member) offsetof(struct config_site, member)
#define AT_PLACE(member) offsetof(struct config_place, member)

/* The longest duration that can be asked for, in milliseconds: fits in 32 bits. */
#define WEEK_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define YEAR_MS (UINT64_C(365) * 24 * 60 * 60 * 1000)

const struct setting settings[] = {
	{
		.name = "listen",
		.type = SETTING_LISTEN,
		.standard = "*:8000",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(listen),
		.help = "addresses to listen on",
	},
#include "brood/settings_of_sites.inc"
	{
		.name = "unknown_host",
		.type = SETTING_WORD,
		.standard = "default",
		.words = WORDS("default", "421"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(unknown_host),
		.help = "who answers for a host that no site has: the default site, or nobody",
	},
	{
		.name = "workers",
		.type = SETTING_COUNT,
		.standard = "auto",
		.min = 1,
		.max = CLUSTER_SLOTS_MAX,
		.words = WORDS("auto"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(workers),
		.help = "number of worker processes; auto: the CPUs that may be used",
	},
	{
		.name = "accept",
		.type = SETTING_WORD,
		.standard = "shared",
		.words = WORDS("shared", "handoff", "reuseport"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(accept),
		.help = "how connections get to the workers",
	},
	{
		.name = "handoff_policy",
		.type = SETTING_WORD,
		.standard = "least-connections",
		.words = WORDS("least-connections", "round-robin"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(handoff_policy),
		.help = "which worker gets the next connection when accept is handoff",
	},
	{
		.name = "backlog",
		.type = SETTING_COUNT,
		.standard = "4096",
		.min = 1,
		.max = 65535,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(backlog),
		.help = "connections that the kernel queues for each listening socket",
	},
	{
		.name = "max_connections",
		.type = SETTING_COUNT,
		.standard = "auto",
		.min = 1,
		.max = 1048576,
		.words = WORDS("auto"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(max_connections),
		.help = "connections that one worker holds; auto: what its open files allow",
	},
	{
		.name = "user",
		.type = SETTING_STRING,
		.standard = "",
		.unset = "",
		.effect = SETTING_AT_START,
		.offset = AT(user),
		.help = "whom workers run as when the server is started by root",
	},
	{
		.name = "group",
		.type = SETTING_STRING,
		.standard = "",
		.unset = "",
		.effect = SETTING_AT_START,
		.offset = AT(group),
		.help = "the group that workers run as when the server is started by root",
	},
	{
		.name = "head_timeout",
		.type = SETTING_DURATION,
		.standard = "10s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(head_timeout_ms),
		.help = "time in which a request's head must have come",
	},
	{
		.name = "body_timeout",
		.type = SETTING_DURATION,
		.standard = "30s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(body_timeout_ms),
		.help = "time in which a request's body must have come",
	},
	{
		.name = "write_timeout",
		.type = SETTING_DURATION,
		.standard = "60s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(write_timeout_ms),
		.help = "time for which a client may take nothing of its response",
	},
	{
		.name = "keepalive_timeout",
		.type = SETTING_DURATION,
		.standard = "75s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(keepalive_timeout_ms),
		.help = "time for which an idle connection is kept for its next request",
	},
	{
		.name = "start_timeout",
		.type = SETTING_DURATION,
		.standard = "10s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(start_timeout_ms),
		.help = "time in which a new worker must be ready",
	},
	{
		.name = "drain_timeout",
		.type = SETTING_DURATION,
		.standard = "60s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(drain_timeout_ms),
		.help = "time in which a worker that is replaced must have finished",
	},
	{
		.name = "stop_timeout",
		.type = SETTING_DURATION,
		.standard = "30s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(stop_timeout_ms),
		.help = "time in which requests in flight must have finished at a stop",
	},
	{
		.name = "watchdog",
		.type = SETTING_DURATION,
		.standard = "10s",
		.min = 1000,
		.max = WEEK_MS,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(watchdog_ms),
		.help = "silence after which a worker is given up and replaced",
	},
	{
		.name = "probe",
		.type = SETTING_TARGET,
		.standard = "/",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(probe),
		.help = "path that a new worker asks itself for before it serves",
	},
	{
		.name = "max_requests",
		.type = SETTING_COUNT,
		.standard = "off",
		.min = 0,
		.max = UINT32_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(max_requests),
		.help = "requests after which a worker is replaced",
	},
	{
		.name = "max_memory",
		.type = SETTING_SIZE,
		.standard = "off",
		.min = 64 << 10,
		.max = UINT64_C(1) << 50,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(max_memory_bytes),
		.help = "memory at which a worker is replaced",
	},
	{
		.name = "max_age",
		.type = SETTING_DURATION,
		.standard = "off",
		.min = 1000,
		.max = YEAR_MS,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(max_age_ms),
		.help = "age at which a worker is replaced",
	},
	{
		.name = "client_rate",
		.type = SETTING_RATE,
		.standard = "off",
		.min = 1,
		.max = UINT64_C(3600) * QUOTA_RATE_MAX_PER_SECOND,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_rate_per_hour),
		.help = "requests that one client may make, in the long run",
	},
	{
		.name = "client_burst",
		.type = SETTING_COUNT,
		.standard = "50",
		.min = 1,
		.max = 1000000,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_burst),
		.help = "requests that one client may make at once, with client_rate",
	},
	{
		.name = "client_connections",
		.type = SETTING_COUNT,
		.standard = "off",
		.min = 1,
		.max = QUOTA_CLIENT_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_connections),
		.help = "connections that one client may hold",
	},
	{
		.name = "client_prefix_ipv4",
		.type = SETTING_COUNT,
		.standard = "32",
		.min = 1,
		.max = 32,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_prefix_ipv4),
		.help = "leading bits of an IPv4 address that make a client",
	},
	{
		.name = "client_prefix_ipv6",
		.type = SETTING_COUNT,
		.standard = "64",
		.min = 1,
		.max = 128,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_prefix_ipv6),
		.help = "leading bits of an IPv6 address that make a client",
	},
	{
		.name = "connections_max_total",
		.type = SETTING_COUNT,
		.standard = "off",
		.min = 1,
		.max = QUOTA_TOTAL_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(connections_max_total),
		.help = "connections that all workers hold together",
	},
	{
		.name = "access_log",
		.type = SETTING_PATH,
		.standard = "off",
		.words = WORDS("off", "stdout"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(access_log),
		.help = "where a line is written for each request",
	},
	{
		.name = "access_log_format",
		.type = SETTING_WORD,
		.standard = "combined",
		.words = WORDS("combined", "json"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(access_log_format),
		.help = "how a line of the access log looks",
	},
	{
		.name = "error_log",
		.type = SETTING_PATH,
		.standard = "stderr",
		.words = WORDS("stderr"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(error_log),
		.help = "where the server tells what happens to it",
	},
	{
		.name = "state_dir",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto", "off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(state_dir),
		.help = "folder for obituaries of workers; auto: a place by who starts the server",
	},
	{
		.name = "pid_file",
		.type = SETTING_PATH,
		.standard = "off",
		.words = WORDS("off"),
		.unset = "off",
		.effect = SETTING_AT_START,
		.offset = AT(pid_file),
		.help = "file that holds the master's process id and a lock",
	},
	{
		.name = "control",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto", "off"),
		.effect = SETTING_AT_START,
		.offset = AT(control),
		.help = "socket for broodctl; auto: a place by who starts the server",
	},
	{
		.name = "binary",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto"),
		.unset = "auto",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(binary),
		.help = "the program that an upgrade goes on with; auto: the path of the running one",
	},
	{
		.name = "proxy_protocol",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(proxy_protocol),
		.help = "a PROXY header must come first, on listeners that do not say otherwise",
	},
	{
		.name = "proxy_timeout",
		.type = SETTING_DURATION,
		.standard = "5s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(proxy_timeout_ms),
		.help = "time in which a PROXY header must have come",
	},
	{
		.name = "trusted",
		.type = SETTING_NETWORKS,
		.standard = "",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(trusted),
		.help = "proxies that are believed when they tell of a client",
	},
	{
		.name = "forwarded",
		.type = SETTING_WORD,
		.standard = "auto",
		.words = WORDS("auto", "x-forwarded-for", "forwarded", "off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(forwarded),
		.help = "the fields by which trusted proxies tell of a client",
	},
	{
		.name = "health_allow",
		.type = SETTING_NETWORKS,
		.standard = "",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(health_allow),
		.help = "who may ask for /-/health and /-/ready",
	},
	{
		.name = "health_log",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(health_log),
		.help = "the access log has requests for these, too",
	},
	{
		.name = "drain_delay",
		.type = SETTING_DURATION,
		.standard = "0s",
		.min = 0,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(drain_delay_ms),
		.help = "time between being told to stop and stopping, with /-/ready answering 503",
	},
	{
		.name = "request_id",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(request_id),
		.help = "name each request by an X-Request-Id",
	},
	{
		.name = "debug_headers",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(debug_headers),
		.help = "name the worker in each response (X-Brood-Worker)",
	},
	{
		.name = "debug_fault",
		.type = SETTING_FAULT,
		.standard = "off",
		.words = WORDS("off", "start-exit", "start-hang", "probe-fail", "crash"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(debug_fault),
		.want = "want off, or start-exit, start-hang, probe-fail or crash, "
			"with :SLOT behind it for one slot only",
		.help = "a failure that is played on purpose, for trying what happens then",
	},
};

const size_t settings_count = sizeof(settings) / sizeof(settings[0]);

_Static_assert(sizeof(settings) / sizeof(settings[0]) <= SETTINGS_MAX, "too many settings");

static const char later_prefix[] = "tls_";

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	}
	return NULL;
}

size_t setting_index(const struct setting *setting)
{
	assert(setting >= settings && setting < settings + settings_count);
	return (size_t)(setting - settings);
}

bool setting_is_later(const char *name)
{
	return strncmp(name, later_prefix, sizeof(later_prefix) - 1) == 0;
}

/* Names that are no settings but stand beside them. */
static const struct {
	const char *name;
	enum setting_scope first, last;
} groups[] = {
	{"sites", SCOPE_SERVER, SCOPE_SERVER},
	{"locations", SCOPE_SERVER, SCOPE_SITE},
	{"path", SCOPE_PLACE, SCOPE_PLACE},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

const char *setting_nearest(const char *name, enum setting_scope scope)
{
	const char *names[SETTINGS_MAX + GROUPS];
	size_t count = 0;

	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].scope >= scope)
			names[count++] = settings[i].name;
	}
	for (size_t i = 0; i < GROUPS; i++) {
		if (scope >= groups[i].first && scope <= groups[i].last)
			names[count++] = groups[i].name;
	}
	return text_nearest(name, names, count);
}
