/* SPDX-License-Identifier: MIT
 *
 * See site_logs.h. */
#include "brood/site_logs.h"

#include "base/fd.h"
#include "brood/access_log.h"
#include "brood/config_sites.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- master --- */

static size_t find_target(const struct site_logs *logs, const char *target)
{
	size_t i = 0;

	while (i < logs->count && strcmp(logs->files[i].target, target) != 0)
		i++;
	return i;
}

/* 0, or -1 with a reason. */
static int add_site(struct site_logs *logs, const struct config *config,
		    const struct config_site *site, char *reason, size_t room)
{
	struct config_site resolved;
	size_t file = SIZE_MAX;

	config_site_resolve(config, site, &resolved);
	if (strcmp(resolved.access_log, "off") != 0) {
		file = find_target(logs, resolved.access_log);
		if (file == logs->count &&
		    log_file_open(&logs->files[file], resolved.access_log, reason, room) < 0)
			return -1;
		logs->count += file == logs->count;
	}
	logs->of_site[logs->site_count++] = file;
	return 0;
}

int site_logs_open(struct site_logs *out, const struct config *config, char *reason, size_t room)
{
	int rc = 0;

	*out = (struct site_logs){
		.files = calloc(config->site_count + 1, sizeof(*out->files)),
		.of_site = calloc(config->site_count + 1, sizeof(*out->of_site)),
	};
	if (!out->files || !out->of_site) {
		snprintf(reason, room, "no memory");
		rc = -1;
	}
	if (rc == 0 && config->site.root)
		rc = add_site(out, config, &config->site, reason, room);
	for (size_t i = 0; rc == 0 && i < config->site_count; i++)
		rc = add_site(out, config, &config->sites[i], reason, room);
	if (rc < 0)
		site_logs_close(out);
	return rc;
}

void site_logs_close(struct site_logs *logs)
{
	for (size_t i = 0; i < logs->count; i++)
		log_file_close(&logs->files[i]);
	free(logs->files);
	free(logs->of_site);
	*logs = (struct site_logs){0};
}

void site_logs_reopen(struct site_logs *logs)
{
	for (size_t i = 0; i < logs->count; i++)
		log_file_reopen(&logs->files[i]);
}

size_t site_logs_fds(const struct site_logs *logs, int *fds, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < logs->count && count < room; i++)
		fds[count++] = logs->files[i].fd;
	return count;
}

/* --- worker --- */

struct access_log **site_logs_start(struct site_logs *logs, enum log_format format)
{
	struct access_log **started = calloc(logs->count + 1, sizeof(struct access_log *));

	for (size_t i = 0; started && i < logs->count; i++) {
		started[i] = access_log_new(logs->files[i].fd, format);
		if (!started[i]) {
			site_logs_finish(logs, started);
			return NULL;
		}
		logs->files[i].fd = -1;
	}
	return started;
}

struct access_log *site_logs_find(const struct site_logs *logs, struct access_log *const *started,
				  size_t site)
{
	return site < logs->site_count && logs->of_site[site] < logs->count
		       ? started[logs->of_site[site]]
		       : NULL;
}

/* The file of the same path, as the kernel knows it; logs->count: none. */
static size_t file_of(const struct site_logs *logs, int fd)
{
	char link[40], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return logs->count;
	path[length] = '\0';
	return find_target(logs, path);
}

void site_logs_replace(const struct site_logs *logs, struct access_log *const *started,
		       const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t file = file_of(logs, fds[i]);
		int fd = fds[i];

		/* A path with a link in it is another one to the kernel. */
		if (file == logs->count && count == logs->count)
			file = i;
		if (file < logs->count)
			access_log_reopen(started[file], fd);
		else
			fd_close(&fd);
	}
}

void site_logs_tick(const struct site_logs *logs, struct access_log *const *started)
{
	for (size_t i = 0; i < logs->count; i++)
		access_log_tick(started[i]);
}

void site_logs_finish(const struct site_logs *logs, struct access_log **started)
{
	for (size_t i = 0; started && i < logs->count; i++)
		access_log_free(started[i]);
	free(started);
}
