/* SPDX-License-Identifier: MIT
 *
 * The configuration: defaults, then the file, then -s, then the command line's own options; checked,
 * then frozen. A reload makes a fresh one and swaps it whole. Master only (workers inherit it by
 * fork and read it). */
#ifndef BROOD_BROOD_CONFIGURATION_H
#define BROOD_BROOD_CONFIGURATION_H

#include "base/address.h"
#include "base/buffer.h"
#include "base/privilege.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum accept_mode { ACCEPT_SHARED, ACCEPT_HANDOFF, ACCEPT_REUSEPORT };
enum handoff_policy { HANDOFF_LEAST_CONNECTIONS, HANDOFF_ROUND_ROBIN };

struct config_listener {
	struct address address;
	unsigned backlog;   /* 0: the top-level value */
	unsigned unix_mode; /* 0: 0666, as for other servers' sockets; connecting needs write permission */
};

/* One member for each row of the table in settings.c. Strings are owned; NULL means "not set". */
struct config {
	struct config_listener *listen;
	size_t listen_count;
	char *root;              /* absolute */
	unsigned workers;        /* 0: auto */
	enum accept_mode accept;
	enum handoff_policy handoff_policy;
	unsigned backlog;
	unsigned max_connections; /* per worker; 0: from RLIMIT_NOFILE */
	char *user, *group;
	uint64_t head_timeout_ms, body_timeout_ms, write_timeout_ms, keepalive_timeout_ms;
	uint64_t start_timeout_ms, drain_timeout_ms, stop_timeout_ms;
	char *probe;             /* path of the self-test's request */
	char *access_log;        /* "off", "stdout" or an absolute path */
	char *error_log;         /* "stderr" or an absolute path */
	char *pid_file;          /* absolute, or NULL */
	bool debug_headers;
	char *debug_fault;       /* "off", "start-exit", "start-hang:2", ... */
	bool verbose;
	/* ... rows that further settings of this version need come here. */

	struct privilege privilege; /* whom workers become; looked up by config_check */
};

/* What the command line asked for; kept by the master, applied again at each reload. */
struct options {
	const char *file;            /* -c, absolute; NULL: none is read */
	const char **listen;         /* -l */
	size_t listen_count;
	const char **set;            /* -s NAME=VALUE, in order */
	size_t set_count;
	const char *workers, *accept, *pid_file, *root; /* own options as typed, or NULL */
	bool daemon, verbose;
	enum { OPTIONS_RUN, OPTIONS_TEST, OPTIONS_PRINT } action;
	char *directory;             /* the working directory at start; relative paths resolve there */
};

/* Reads the command line. Returns -1 to go on, else the exit status (0 after --help and --version, 2
 * for what cannot be understood; what was wrong is on stderr by then, in one line). */
int options_parse(struct options *out, int argc, char **argv) __attribute__((warn_unused_result));
void options_free(struct options *options);

/* Makes a fresh configuration from all sources and checks it without changing anything in the world:
 * values and ranges, the root (exists, is a directory, can be read by the workers' user), the user.
 * 0, or -1 with the reason in *reason (one line per error; "file:line: ..." where there is one). */
int config_load(struct config **out, const struct options *options, struct buffer *reason)
	__attribute__((warn_unused_result));
void config_free(struct config *config);

/* Writes every setting with its value, defaults included, in the file's own syntax (-T). */
void config_print(const struct config *config, FILE *out);

/* Tells of each setting that differs and cannot change without a start; for a reload's log lines. */
void config_compare(const struct config *old, const struct config *now,
		    void (*differs)(void *context, const char *name), void *context);

#endif
