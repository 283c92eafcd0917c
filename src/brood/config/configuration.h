/* SPDX-License-Identifier: MIT
 *
 * The configuration: defaults, then the file, then -s, then the command line's own options;
 * checked, then frozen. A reload makes a fresh one and swaps it whole. Master only (workers inherit
 * it by fork and read it). */
#ifndef BROOD_BROOD_CONFIG_CONFIGURATION_H
#define BROOD_BROOD_CONFIG_CONFIGURATION_H

#include "base/address.h"
#include "base/buffer.h"
#include "base/network.h"
#include "base/privilege.h"
#include "brood/log/access_log.h"
#include "brood/config/config_list.h"
#include "brood/config/settings.h"
#include "cluster/cluster.h"
#include "http/http.h"
#include "http/tls/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct known_roots;
struct looking;
struct options;

/* In the order of their words in the table of settings. */
enum unknown_host { UNKNOWN_HOST_DEFAULT, UNKNOWN_HOST_421 };
enum symlinks { SYMLINKS_BENEATH, SYMLINKS_NONE };
enum fault_kind { FAULT_OFF, FAULT_START_EXIT, FAULT_START_FATAL, FAULT_START_HANG, FAULT_PROBE_FAIL, FAULT_CRASH };

/* Whether a PROXY header must come first: as the top-level setting says, or as the listener does. */
enum listener_proxy { LISTENER_PROXY_GENERAL, LISTENER_PROXY_NO, LISTENER_PROXY_YES };

enum { CONFIG_LISTENERS_MAX = 64, CONFIG_SITES_MAX = 1024, CONFIG_LOCATIONS_MAX = 256, CONFIG_ACCESS_LOGS_MAX = 60 };

struct config_listener {
	struct address address; /* a Unix socket's path is absolute */
	unsigned backlog;       /* 0: the top-level value */
	enum listener_proxy proxy_protocol;
	bool tls;
	unsigned unix_mode; /* 0: 0666, as for other servers' sockets; connecting needs write
			       permission */
};

/* A failure that is played on purpose. */
struct config_fault {
	enum fault_kind kind;
	int slot; /* -1: in every slot */
};

/* These structs have one member for each row of the table of settings, by its scope. Strings are
 * owned; NULL means "not set". */

/* Settings of a site, or of a part of it. */
struct config_location {
	struct config_list index, try;
	char *fallback; /* a path, from the / on; NULL: off */
	bool clean_urls;
	struct config_list error_pages, redirects;
	struct config_list headers;                 /* those of outer blocks are not in it: they merge */
	char *cache_control, *cache_control_hashed; /* NULL: off */
	char *hsts;                                 /* the same */
	bool listing, precompressed;
	char *listing_css; /* a path, from the / on; NULL: the built-in style */
	struct networks allow, deny;
	bool gzip;
	struct config_list gzip_types;
	uint64_t gzip_min_size;
};

/* A member of `locations`. What it does not set itself is as in its site. */
struct config_block {
	char *path;                     /* as asked for, decoded: "/assets", without a slash at its end */
	unsigned line_of[SETTINGS_MAX]; /* by setting: where the file has it; 0: it has not */
	struct config_location location;
};

/* A member of `sites`, or the top level. What it does not set itself is as at the top level. */
struct config_site {
	unsigned line;                  /* of the file; 0: the top level */
	unsigned line_of[SETTINGS_MAX]; /* as above; not used for the top level */
	char *root;                     /* absolute */
	struct config_list names;
	enum symlinks symlinks;
	char *access_log;                            /* "off", "stdout" or an absolute path */
	struct config_list tls_certificate, tls_key; /* see config_tls.h */
	enum tls_client tls_client;
	char *tls_client_ca; /* absolute, or NULL */
	struct config_location location;
	struct config_block *locations;
	size_t location_count;
};

struct config {
	struct config_listener *listen;
	size_t listen_count;
	/* The top level: what it says holds for all sites that say nothing else. It is a site itself,
	 * and the default one, if it has a root; else the first of `sites` is the default. There is
	 * one at least after config_load. */
	struct config_site site;
	struct config_site *sites;
	size_t site_count;
	enum unknown_host unknown_host;
	unsigned workers; /* 0: auto */
	enum cluster_accept accept;
	enum cluster_policy handoff_policy;
	unsigned backlog;
	unsigned max_connections; /* per worker; 0: from RLIMIT_NOFILE */
	char *user, *group;
	uint64_t head_timeout_ms, body_timeout_ms, write_timeout_ms, keepalive_timeout_ms;
	uint64_t start_timeout_ms, drain_timeout_ms, stop_timeout_ms;
	uint64_t watchdog_ms;  /* 0: off */
	unsigned max_requests; /* these three of a worker's life; 0: off */
	uint64_t max_memory, max_age_ms;
	uint64_t tls_handshake_rate_per_hour; /* the same of TLS handshakes */
	uint64_t client_rate_per_hour;        /* these of one client; 0: off */
	unsigned client_burst, client_connections;
	unsigned client_prefix_ipv4, client_prefix_ipv6; /* bits */
	unsigned connections_max_total;                  /* 0: off */
	uint64_t min_receive_rate, min_send_rate;        /* octets a second; 0: off */
	char *probe;                                     /* path of the self-test's request */
	enum log_format access_log_format;
	char *error_log;         /* "stderr" or an absolute path */
	bool error_log_is_found; /* a daemon's, in the place of "stderr" */
	char *state_dir;         /* "auto", "off" or an absolute path */
	char *pid_file;          /* absolute, or NULL */
	char *binary;            /* absolute; NULL: this program's own path */
	char *control;           /* "auto", "off" or an absolute path */
	bool proxy_protocol;     /* of listeners that do not say */
	uint64_t proxy_timeout_ms;
	enum tls_profile tls_profile;
	bool tls_kernel;
	uint64_t tls_ticket_lifetime_ms, tls_ticket_rotate_ms;
	char *tls_ticket_keys; /* absolute, or NULL */
	uint64_t tls_handshake_timeout_ms;
	unsigned tls_handshakes_max; /* unfinished, per worker */
	struct networks trusted;
	enum http_forwarded forwarded;
	struct networks health_allow; /* who may ask for /-/health and /-/ready */
	bool health_log;
	uint64_t drain_delay_ms;
	bool request_id;
	bool behind_lb;
	bool debug_headers;
	struct config_fault debug_fault;

	struct networks proxy_trusted;         /* peers that may send a PROXY header */
	bool daemon;                           /* -d */
	bool listen_is_default;                /* nobody named an address */
	bool verbose;                          /* -v */
	const struct known_roots *known_roots; /* of the options, as long as it is being opened */
	struct looking *looking;               /* the same */
	struct privilege privilege;            /* whom workers become */
};

/* Makes a fresh configuration from all sources and checks it without changing anything in the
 * world: values and ranges, the user, the root (exists, is a directory, can be read by the workers'
 * user), the folders of the logs. 0, or -1 with the reason in *reason: one line per error, each
 * ended by a newline, "file:line: " in front where there is one. *reason begins as an empty buffer
 * and is the caller's to free. */
int config_load(struct config **out, const struct options *options, struct buffer *reason)
	__attribute__((warn_unused_result));
void config_free(struct config *config); /* NULL is allowed */

/* Writes every setting with its value, defaults included, in the file's own syntax (-T). */
void config_print(const struct config *config, FILE *out);

/* The same, appended. 0 or -errno. */
int config_text(const struct config *config, struct buffer *out) __attribute__((warn_unused_result));

/* Tells of each setting that differs and that only a start changes; for a reload's log lines. */
void config_compare(const struct config *old, const struct config *now,
		    void (*differs)(void *context, const char *name), void *context);

/* -t and -T: loads, says on stderr what is wrong or that nothing is, prints for -T. Returns the
 * exit status. */
int config_test(const struct options *options) __attribute__((warn_unused_result));

#endif
