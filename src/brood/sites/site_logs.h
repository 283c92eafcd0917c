/* SPDX-License-Identifier: MIT
 *
 * Which access log each site has, by the numbers of log_files.h. Made by the master; workers find it in their
 * memory. */
#ifndef BROOD_BROOD_SITES_SITE_LOGS_H
#define BROOD_BROOD_SITES_SITE_LOGS_H

#include "brood/config/configuration.h"
#include "brood/log/log_files.h"

#include <stddef.h>

/* All-zero: none. */
struct site_logs {
	unsigned *of_site; /* by the order of http_sites.list; 0: no log */
	size_t site_count;
};

/* Opens those of *config. 0, or -1 with a reason; *out is to be left in any case. */
int site_logs_open(struct site_logs *out, struct log_files *files, const struct config *config, char *reason,
		   size_t room) __attribute__((warn_unused_result));
void site_logs_leave(struct site_logs *logs, struct log_files *files);

/* The number of a site's log, by its place in http_sites.list; 0: it has none. */
unsigned site_logs_find(const struct site_logs *logs, size_t site);

/* Does any site of *config log to standard output? */
bool site_logs_to_output(const struct config *config);

/* Does any site have one? */
bool site_logs_exist(const struct site_logs *logs);

#endif
