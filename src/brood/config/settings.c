/* SPDX-License-Identifier: MIT
 *
 * The table of settings, in the order in which they are shown, and looking things up in it. */
#include "brood/config/settings.h"

#include "base/text.h"
#include "brood/config/setting_checks.h"
#include "brood/config/settings_rows.h"
#include "cluster/cluster.h"
#include "http/client/quota.h"
#include "http/connection/pace.h"
#include "http/http.h"
#include "http/tls/tls.h"

#include <string.h>

static const struct setting rows[] = {
	/* --- what is served, where, and how it looks --- */

	{LISTEN(SERVER, listen, "*:8000"), .help = "addresses to listen on"},
	{PATH(SITE, root, ""), .unset = "", .help = "the folder that is served"},
	{LIST(SITE, names, ""), .own = true, .check = check_name,
	 .help = "the hosts that a site answers for; *.NAME: all below that name"},
	{WORD(SITE, symlinks, "beneath", SYMLINKS_NONE, "beneath", "none"),
	 .help = "symbolic links that are followed: those that stay beneath the root, or none"},
	{PATH(SITE, access_log, "off"), .words = WORDS("off", "stdout"),
	 .help = "where a line is written for each request"},
	{LIST(LOCATION, index, "index.html"), .check = check_index,
	 .help = "files that stand for their folder; the first that is there"},
	{BOOL(LOCATION, precompressed, "true"),
	 .help = "send x.br, x.zst or x.gz in place of x to who accepts that coding"},
	{BOOL(LOCATION, gzip, "true"),
	 .help = "compress small files for who accepts gzip, where none lies beside them"},
	{LIST(LOCATION, gzip_types,
	      "text/html,text/css,text/plain,text/xml,text/csv,text/markdown,"
	      "text/javascript,application/javascript,application/json,"
	      "application/ld+json,application/manifest+json,application/xml,"
	      "application/xhtml+xml,application/rss+xml,"
	      "application/atom+xml,application/wasm,image/svg+xml,font/ttf,"
	      "font/otf"),
	 .check = check_type, .help = "types of files that are worth being compressed"},
	{SIZE(LOCATION, gzip_min_size, "1k", 0, UINT64_C(1) << 50), .help = "smaller files are not compressed"},
	{LIST(LOCATION, try, ""), .check = check_try,
	 .help = "names that are looked for in place of the path, which is {path} in them"},
	{TARGET(LOCATION, fallback, "off"), .words = WORDS("off"), .unset = "off", .check = check_fallback,
	 .help = "what a navigation gets that finds nothing; off: 404"},
	{BOOL(LOCATION, clean_urls, "false"), .help = "serve /about from about.html, and lead its other names there"},
	{LIST(LOCATION, error_pages, ""), .check = check_error_page,
	 .help = "files that are the bodies of errors: \"404 /404.html\""},
	{LIST(LOCATION, redirects, ""), .check = check_redirect,
	 .help = "paths that lead elsewhere: \"/old /new 301\", \"/old/* /new/*\""},
	{LIST(LOCATION, headers, ""), .check = check_header,
	 .help = "fields of responses: \"set NAME: VALUE\", \"add NAME: VALUE\", \"remove NAME\""},
	{STRING(LOCATION, cache_control, "off"), .words = WORDS("off"), .unset = "off", .check = check_value,
	 .help = "Cache-Control of files"},
	{STRING(LOCATION, cache_control_hashed, "off"), .words = WORDS("off"), .unset = "off", .check = check_value,
	 .help = "Cache-Control of files with a hash of their contents in their names"},
	{STRING(LOCATION, hsts, "off"), .words = WORDS("off"), .unset = "off", .check = check_hsts,
	 .help = "Strict-Transport-Security of responses over TLS"},
	{BOOL(LOCATION, listing, "false"), .help = "show what is in a folder that has no index"},
	{TARGET(LOCATION, listing_css, "off"), .words = WORDS("off"), .unset = "off",
	 .help = "path of the style sheet of listings; off: a built-in style"},
	{NETWORKS(LOCATION, allow, ""), .help = "who is let in; empty: everybody"},
	{NETWORKS(LOCATION, deny, ""), .help = "who is not let in"},
	{WORD(SERVER, unknown_host, "default", UNKNOWN_HOST_421, "default", "421"),
	 .help = "who answers for a host that no site has: the default site, or nobody"},

	/* --- TLS --- */

	{PATHS(SITE, tls_certificate, ""), .words = WORDS("dev"),
	 .help = "certificates (PEM, with their chains); dev: one for trying out"},
	{PATHS(SITE, tls_key, ""),
	 .help = "their private keys, in the same order; without it they are in the same files"},
	{WORD(SITE, tls_client, "off", TLS_CLIENT_REQUIRED, "off", "optional", "required"),
	 .help = "whether clients are asked for a certificate of theirs, or must have one"},
	{PATH(SITE, tls_client_ca, ""), .unset = "",
	 .help = "certificates (PEM) of those who sign clients' certificates"},
	{WORD(SERVER, tls_profile, "intermediate", TLS_MODERN, "intermediate", "modern"),
	 .help = "intermediate: TLS 1.2 and 1.3; modern: 1.3 alone"},
	{BOOL(SERVER, tls_kernel, "true"), .help = "let the kernel seal and open records where it can"},
	{DURATION(SERVER, tls_ticket_lifetime, "24h", 1000, WEEK_MS),
	 .help = "time for which a TLS session can be resumed"},
	{DURATION(SERVER, tls_ticket_rotate, "12h", 1000, WEEK_MS),
	 .help = "time after which session tickets are sealed with another key"},
	{PATH(SERVER, tls_ticket_keys, "off"), .words = WORDS("off"), .unset = "off",
	 .help = "file of keys for session tickets that several machines share"},
	{DURATION(SERVER, tls_handshake_timeout, SECONDS(HTTP_HANDSHAKE_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time in which a TLS handshake must be over"},
	{COUNT(SERVER, tls_handshakes_max, TEXT(TLS_HANDSHAKES_MAX), 1, 1048576),
	 .help = "unfinished TLS handshakes that one worker holds"},
	{RATE(SERVER, tls_handshake_rate, "off", 1, UINT64_C(3600) * QUOTA_RATE_MAX_PER_SECOND), .words = WORDS("off"),
	 .help = "TLS handshakes that one client may begin, in the long run"},

	/* --- workers, their connections and their times --- */

	{COUNT(SERVER, workers, "auto", 1, CLUSTER_SLOTS_MAX), .words = WORDS("auto"),
	 .help = "number of worker processes; auto: the CPUs that may be used"},
	{WORD(SERVER, accept, "shared", CLUSTER_ACCEPT_REUSEPORT, "shared", "handoff", "reuseport"),
	 .help = "how connections get to the workers"},
	{WORD(SERVER, handoff_policy, "least-connections", CLUSTER_ROUND_ROBIN, "least-connections", "round-robin"),
	 .help = "which worker gets the next connection when accept is handoff"},
	{COUNT(SERVER, backlog, "4096", 1, 65535),
	 .help = "connections that the kernel queues for each listening socket"},
	{COUNT(SERVER, max_connections, "auto", 1, 1048576), .words = WORDS("auto"),
	 .help = "connections that one worker holds; auto: what its open files allow"},
	{STRING(SERVER, user, ""), .unset = "", .effect = SETTING_AT_START,
	 .help = "whom workers run as when the server is started by root"},
	{STRING(SERVER, group, ""), .unset = "", .effect = SETTING_AT_START,
	 .help = "the group that workers run as when the server is started by root"},
	{DURATION(SERVER, head_timeout, SECONDS(HTTP_HEAD_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time in which a request's head must have come"},
	{DURATION(SERVER, body_timeout, SECONDS(HTTP_BODY_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time in which a request's body must have come"},
	{DURATION(SERVER, write_timeout, SECONDS(HTTP_WRITE_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time for which a client may take nothing of its response"},
	{DURATION(SERVER, keepalive_timeout, SECONDS(HTTP_KEEPALIVE_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time for which an idle connection is kept for its next request"},
	{DURATION(SERVER, start_timeout, "10s", 1, WEEK_MS), .help = "time in which a new worker must be ready"},
	{DURATION(SERVER, drain_timeout, "60s", 1, WEEK_MS),
	 .help = "time in which a worker that is replaced must have finished"},
	{DURATION(SERVER, stop_timeout, "30s", 1, WEEK_MS),
	 .help = "time in which requests in flight must have finished at a stop"},
	{DURATION(SERVER, watchdog, "10s", 1000, WEEK_MS), .words = WORDS("off"),
	 .help = "silence after which a worker is given up and replaced"},
	{TARGET(SERVER, probe, "/"), .help = "path that a new worker asks itself for before it serves"},
	{COUNT(SERVER, max_requests, "off", 0, UINT32_MAX), .words = WORDS("off"),
	 .help = "requests after which a worker is replaced"},
	{SIZE(SERVER, max_memory, "off", 64 << 10, UINT64_C(1) << 50), .words = WORDS("off"),
	 .help = "memory at which a worker is replaced"},
	{DURATION(SERVER, max_age, "off", 1000, YEAR_MS), .words = WORDS("off"),
	 .help = "age at which a worker is replaced"},

	/* --- limits that hold for all workers together, and minimum rates --- */

	{RATE(SERVER, client_rate, "off", 1, UINT64_C(3600) * QUOTA_RATE_MAX_PER_SECOND), .words = WORDS("off"),
	 .help = "requests that one client may make, in the long run"},
	{COUNT(SERVER, client_burst, TEXT(HTTP_CLIENT_BURST), 1, 1000000),
	 .help = "requests that one client may make at once, with client_rate"},
	{COUNT(SERVER, client_connections, "off", 1, QUOTA_CLIENT_MAX), .words = WORDS("off"),
	 .help = "connections that one client may hold"},
	{COUNT(SERVER, client_prefix_ipv4, TEXT(HTTP_CLIENT_PREFIX_IPV4), 1, 32),
	 .help = "leading bits of an IPv4 address that make a client"},
	{COUNT(SERVER, client_prefix_ipv6, TEXT(HTTP_CLIENT_PREFIX_IPV6), 1, 128),
	 .help = "leading bits of an IPv6 address that make a client"},
	{COUNT(SERVER, connections_max_total, "off", 1, QUOTA_TOTAL_MAX), .words = WORDS("off"),
	 .help = "connections that all workers hold together"},
	{SIZE(SERVER, min_receive_rate, "off", 1, PACE_RATE_MAX), .words = WORDS("off"),
	 .help = "octets a second that a request must come with, in all, after 5s"},
	{SIZE(SERVER, min_send_rate, "100", 1, PACE_RATE_MAX), .words = WORDS("off"),
	 .help = "octets a second that a client must take of its response in each write_timeout"},

	/* --- logs, and other files of the server --- */

	{WORD(SERVER, access_log_format, "combined", LOG_FORMAT_JSON, "combined", "json"),
	 .help = "how a line of the access log looks"},
	{PATH(SERVER, error_log, "stderr"), .words = WORDS("stderr"),
	 .help = "where the server tells what happens to it"},
	{PATH(SERVER, state_dir, "auto"), .words = WORDS("auto", "off"),
	 .help = "folder for obituaries of workers; auto: a place by who starts the server"},
	{PATH(SERVER, pid_file, "off"), .words = WORDS("off"), .unset = "off", .effect = SETTING_AT_START,
	 .help = "file that holds the master's process id and a lock"},
	{PATH(SERVER, control, "auto"), .words = WORDS("auto", "off"), .effect = SETTING_AT_START,
	 .help = "socket for broodctl; auto: a place by who starts the server"},
	{PATH(SERVER, binary, "auto"), .words = WORDS("auto"), .unset = "auto",
	 .help = "the program that an upgrade goes on with; auto: by the path of the start"},

	/* --- behind a load balancer --- */

	{BOOL(SERVER, behind_lb, "false"),
	 .help = "set what suits a server behind a load balancer, and warn of what does not"},
	{BOOL(SERVER, proxy_protocol, "false"),
	 .help = "a PROXY header must come first, on listeners that do not say otherwise"},
	{DURATION(SERVER, proxy_timeout, SECONDS(HTTP_PROXY_TIMEOUT_S), 1, WEEK_MS),
	 .help = "time in which a PROXY header must have come"},
	{NETWORKS(SERVER, trusted, ""), .help = "proxies that are believed when they tell of a client"},
	{WORD(SERVER, forwarded, "auto", HTTP_FORWARDED_OFF, "auto", "x-forwarded-for", "forwarded", "off"),
	 .help = "the fields by which trusted proxies tell of a client"},
	{NETWORKS(SERVER, health_allow, ""), .help = "who may ask for /-/health and /-/ready"},
	{BOOL(SERVER, health_log, "false"), .help = "the access log has requests for these, too"},
	{DURATION(SERVER, drain_delay, "0s", 0, WEEK_MS),
	 .help = "time between being told to stop and stopping, with /-/ready answering 503"},
	{BOOL(SERVER, request_id, "false"), .help = "name each request by an X-Request-Id"},

	/* --- for trying things --- */

	{BOOL(SERVER, debug_headers, "false"), .help = "name the worker in each response (X-Brood-Worker)"},
	{FAULT(SERVER, debug_fault, "off", FAULT_CRASH, "off", "start-exit", "start-fatal", "start-hang", "probe-fail",
	       "crash"),
	 .want = "want off, or start-exit, start-fatal, start-hang, probe-fail or crash, "
		 "with :SLOT behind it for one slot only",
	 .help = "a failure that is played on purpose, for trying what happens then"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

_Static_assert((int)ROWS <= (int)SETTINGS_MAX, "as many as config_site.line_of has room for");

size_t settings_count(void)
{
	return ROWS;
}

const struct setting *setting_at(size_t index)
{
	return index < ROWS ? &rows[index] : NULL;
}

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

size_t setting_index(const struct setting *setting)
{
	return (size_t)(setting - rows);
}

/* Names that are no settings but stand beside them. */
static const struct {
	const char *name;
	enum setting_scope first, last;
} groups[] = {
	{"sites", SCOPE_SERVER, SCOPE_SERVER},
	{"locations", SCOPE_SERVER, SCOPE_SITE},
	{"path", SCOPE_LOCATION, SCOPE_LOCATION},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

const char *setting_nearest(const char *name, enum setting_scope scope)
{
	const char *names[SETTINGS_MAX + GROUPS];
	size_t count = 0;

	for (size_t i = 0; i < settings_count(); i++) {
		if (setting_at(i)->scope >= scope)
			names[count++] = setting_at(i)->name;
	}
	for (size_t i = 0; i < GROUPS; i++) {
		if (scope >= groups[i].first && scope <= groups[i].last)
			names[count++] = groups[i].name;
	}
	return text_nearest(name, names, count);
}
