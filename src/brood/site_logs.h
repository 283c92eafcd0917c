/* SPDX-License-Identifier: MIT
 *
 * The access logs of all sites: each file once, however many sites write to it. Opened and reopened
 * by the master; written by workers. */
#ifndef BROOD_BROOD_SITE_LOGS_H
#define BROOD_BROOD_SITE_LOGS_H

#include "brood/configuration.h"
#include "brood/log_files.h"

#include <stdbool.h>
#include <stddef.h>

struct access_log;

/* All-zero: none. */
struct site_logs {
	struct log_file *files; /* at most CONFIG_ACCESS_LOGS_MAX */
	size_t count;
	size_t *of_site; /* by the order of http_sites.list: which file, or `count` for none */
	size_t site_count;
};

/* --- master --- */

/* Opens those of *config. 0, or -1 with a reason, and *out is all-zero. */
int site_logs_open(struct site_logs *out, const struct config *config, char *reason, size_t room)
	__attribute__((warn_unused_result));
void site_logs_close(struct site_logs *logs);

void site_logs_reopen(struct site_logs *logs);

/* Lists their descriptors; returns how many. */
size_t site_logs_fds(const struct site_logs *logs, int *fds, size_t room);

/* --- worker --- */

/* Logs to write to, by file; the descriptors are theirs from here on. NULL: no memory. */
struct access_log **site_logs_start(struct site_logs *logs, enum log_format format);

/* The one that a site writes to, by its place in http_sites.list; NULL: none. */
struct access_log *site_logs_find(const struct site_logs *logs, struct access_log *const *started,
				  size_t site);

/* Gives each log its file's new descriptor, and closes the others. They may be of another
 * configuration, whose logs are others: a file is known by its path. */
void site_logs_replace(const struct site_logs *logs, struct access_log *const *started,
		       const int *fds, size_t count);

void site_logs_tick(const struct site_logs *logs, struct access_log *const *started);
void site_logs_finish(const struct site_logs *logs, struct access_log **started);

#endif
