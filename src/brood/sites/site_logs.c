/* SPDX-License-Identifier: MIT
 *
 * See site_logs.h. */
#include "brood/sites/site_logs.h"

#include "brood/config/config_sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_site(struct site_logs *logs, struct log_files *files, const struct config *config,
		    const struct config_site *site, char *reason, size_t room)
{
	struct config_site resolved;
	unsigned number;
	int error;

	config_site_resolve(config, site, &resolved);
	error = log_files_use(files, LOG_KIND_LINES, resolved.access_log, &number, reason, room);
	if (!error)
		logs->of_site[logs->site_count++] = number;
	return error;
}

int site_logs_open(struct site_logs *out, struct log_files *files, const struct config *config, char *reason,
		   size_t room)
{
	int error = 0;

	*out = (struct site_logs){
		.of_site = calloc(config->site_count + 1, sizeof(*out->of_site)),
	};
	if (!out->of_site) {
		snprintf(reason, room, "no memory");
		return -1;
	}
	if (config->site.root)
		error = add_site(out, files, config, &config->site, reason, room);
	for (size_t i = 0; !error && i < config->site_count; i++)
		error = add_site(out, files, config, &config->sites[i], reason, room);
	return error ? -1 : 0;
}

void site_logs_leave(struct site_logs *logs, struct log_files *files)
{
	for (size_t i = 0; i < logs->site_count; i++)
		log_files_leave(files, logs->of_site[i]);
	free(logs->of_site);
	*logs = (struct site_logs){0};
}

unsigned site_logs_find(const struct site_logs *logs, size_t site)
{
	return site < logs->site_count ? logs->of_site[site] : 0;
}

bool site_logs_to_output(const struct config *config)
{
	struct config_site resolved;
	bool found = false;

	for (size_t i = 0; i <= config->site_count && !found; i++) {
		config_site_resolve(config, i == 0 ? &config->site : &config->sites[i - 1], &resolved);
		found = resolved.root && strcmp(resolved.access_log, "stdout") == 0;
	}
	return found;
}

bool site_logs_exist(const struct site_logs *logs)
{
	for (size_t i = 0; i < logs->site_count; i++)
		if (logs->of_site[i] != 0)
			return true;
	return false;
}
