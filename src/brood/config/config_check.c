/* SPDX-License-Identifier: MIT
 *
 * What can be said about a configuration only by looking at the machine. */
#include "brood/config/config_check.h"

#include "base/fd.h"
#include "brood/config/config_sites.h"
#include "brood/config/config_tls.h"
#include "brood/config/config_written.h"
#include "brood/system/daemon_log.h"
#include "brood/config/known_roots.h"
#include "brood/config/looking.h"
#include "brood/system/absolute_path.h"
#include "http/site/header_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REASON_MAX = 512, DESCRIPTORS_OF_MASTER = 14, DESCRIPTORS_OF_WORKER = 5 };

/* What is passed along. */
struct check {
	struct config *config;
	const struct origin *origins; /* of the top level */
	const struct config_source *source;
	struct report *report;
};

static const struct origin *origin_of(const struct origin *origins, const char *name)
{
	return &origins[setting_index(setting_find(name))];
}

static bool is_directory(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static void check_user(struct config *config, const struct origin *origins, struct report *report)
{
	/* Either may be the wrong one; a user is set far more often. */
	const char *name = config->user ? "user" : "group";
	char reason[REASON_MAX] = "";
	int rc;

	looking_at(config->looking, "the list of users and groups", NULL);
	rc = privilege_lookup(config->user, config->group, &config->privilege, reason, sizeof(reason));

	if (rc == 0)
		rc = privilege_try(&config->privilege, reason, sizeof(reason));
	if (rc < 0)
		report_add(report, origin_of(origins, name), "%s", reason[0] ? reason : strerror(-rc));
}

/* What the master has open for a worker, and for itself: with fewer it would try to start workers for ever. */
static void check_descriptors(const struct config *config, const struct origin *origins, struct report *report)
{
	size_t wanted = DESCRIPTORS_OF_MASTER + (size_t)DESCRIPTORS_OF_WORKER * config->workers;
	struct rlimit limit;

	if (config->workers > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < wanted)
		report_add(report, origin_of(origins, "workers"),
			   "workers: %u want %zu open files, %zu are allowed (ulimit -n)", config->workers, wanted,
			   (size_t)limit.rlim_max);
}

/* ./www, else the one that was installed. */
static void find_root(struct config *config, const char *directory, struct report *report)
{
	char *local = path_resolve(directory, "www");

	looking_at(config->looking, "root", local);
	if (local && (known_roots_find(config->known_roots, local) || is_directory(local))) {
		config->site.root = local;
		return;
	}
	free(local);
	if (is_directory(BROOD_WWW_DIR))
		config->site.root = strdup(BROOD_WWW_DIR);
	else
		report_add(report, NULL,
			   "nothing to serve: there is neither ./www nor " BROOD_WWW_DIR
			   "; name a folder (brood FOLDER)");
	if (!config->site.root && report->count == 0)
		report_add(report, NULL, "no memory");
}

static void user_name(const struct privilege *privilege, char *out, size_t room)
{
	if (privilege->user[0])
		snprintf(out, room, "'%s'", privilege->user);
	else
		snprintf(out, room, "%u", (unsigned)geteuid());
}

static void check_root(const struct config *config, const char *root, const struct origin *origin,
		       struct report *report)
{
	char user[PRIVILEGE_NAME_MAX + 2];
	int fd;

	if (known_roots_find(config->known_roots, root))
		return;
	looking_at(config->looking, "root", root);
	fd = privilege_open_directory(&config->privilege, root);
	if (fd >= 0) {
		fd_close(&fd);
	} else if (fd == -ENOENT) {
		report_add(report, origin, "root '%s': no such folder", root);
	} else if (fd == -ENOTDIR) {
		report_add(report, origin, "root '%s': not a folder", root);
	} else {
		user_name(&config->privilege, user, sizeof(user));
		report_add(report, origin, "root '%s': user %s cannot read it (%s)", root, user, strerror(-fd));
	}
}

/* Of a daemon: it leaves the terminal, or the pipe, of who starts it. */
static void check_standard(const char *name, const char *target, const struct origin *origin, struct report *report)
{
	if (strcmp(target, "stdout") == 0 && !daemon_log_lasts(STDOUT_FILENO))
		report_add(report, origin,
			   "%s '%s': in the background (-d) it would be lost, since that is no file; name one", name,
			   target);
}

/* The file itself may come into being later; its folder is not made by the server. */
static void check_log(const struct config *config, const char *name, const char *path, const struct origin *origin,
		      struct report *report)
{
	char *folder;

	if (path[0] != '/') {
		if (config->daemon)
			check_standard(name, path, origin, report);
		return;
	}
	looking_at(config->looking, name, path);
	folder = path_folder(path);
	if (folder && !is_directory(folder))
		report_add(report, origin, "%s '%s': no such folder '%s'", name, path, folder);
	else if (is_directory(path))
		report_add(report, origin, "%s '%s': is a folder", name, path);
	else
		config_written_log(name, path, origin, report);
	free(folder);
}

/* --- sites --- */

struct name {
	const char *text;
	const struct config_site *site;
};

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static struct origin site_origin(const struct check *check, const struct config_site *site, const char *setting)
{
	unsigned line = site->line_of[setting_index(setting_find(setting))];

	if (site == &check->config->site)
		return *origin_of(check->origins, setting);
	return config_source_origin(check->source, line ? line : site->line);
}

/* A host has one site. */
static void check_names(const struct check *check)
{
	struct config *config = check->config;
	const struct config_site *site = &config->site;
	struct name *names;
	size_t count = site->names.count, at = 0;

	for (size_t i = 0; i < config->site_count; i++)
		count += config->sites[i].names.count;
	names = calloc(count + 1, sizeof(*names));
	if (!names) {
		report_add(check->report, NULL, "no memory");
		return;
	}
	for (size_t i = 0; i <= config->site_count; i++) {
		site = i == 0 ? &config->site : &config->sites[i - 1];
		for (size_t k = 0; k < site->names.count; k++)
			names[at++] = (struct name){site->names.items[k], site};
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++) {
		struct origin origin = site_origin(check, names[i].site, "names");

		if (compare_names(&names[i - 1], &names[i]) == 0)
			report_add(check->report, &origin, "names: '%s' is there twice", names[i].text);
	}
	free(names);
}

static void check_headers(const struct check *check, const struct config_site *site, const struct config_block *block)
{
	unsigned index = (unsigned)setting_index(setting_find("headers"));
	struct origin origin = site_origin(check, site, "headers");
	struct slice lines = {NULL, 0};

	if (block && block->line_of[index])
		origin = config_source_origin(check->source, block->line_of[index]);
	if (config_headers_make(check->config, site, block, &lines) == -E2BIG)
		report_add(check->report, &origin, "headers: more than %d octets in all", HEADER_LINES_MAX);
	free((char *)lines.ptr);
}

static void check_site(const struct check *check, const struct config_site *site)
{
	struct origin origin = site_origin(check, site, "root");
	struct config_site resolved;

	check_headers(check, site, NULL);
	for (size_t i = 0; i < site->location_count; i++)
		check_headers(check, site, &site->locations[i]);

	config_site_resolve(check->config, site, &resolved);
	if (resolved.root && (site == &check->config->site || site->root))
		check_root(check->config, resolved.root, &origin, check->report);
	else if (!resolved.root)
		report_add(check->report, &origin, "this site has no root, and there is none at the top level");
}

static void check_sites(const struct check *check)
{
	struct config *config = check->config;

	check_names(check);
	if (config->site.root)
		check_site(check, &config->site);
	else if (config->site.location_count > 0 || config->site.names.count > 0)
		report_add(check->report, NULL,
			   "locations and names at the top level are the default site's: it wants "
			   "a root there");
	for (size_t i = 0; i < config->site_count; i++)
		check_site(check, &config->sites[i]);
}

/* As many as a worker can be given anew at once, each file counting once. */
static void check_access_logs(const struct check *check)
{
	struct config *config = check->config;
	const char *seen[CONFIG_ACCESS_LOGS_MAX];
	size_t count = 0, known;

	for (size_t i = 0; i <= config->site_count; i++) {
		const struct config_site *site = i == 0 ? &config->site : &config->sites[i - 1];
		struct origin origin = site_origin(check, site, "access_log");
		struct config_site resolved;

		config_site_resolve(config, site, &resolved);
		if (!resolved.root || strcmp(resolved.access_log, "off") == 0)
			continue;
		for (known = 0; known < count && strcmp(seen[known], resolved.access_log) != 0;)
			known++;
		if (known < count)
			continue;
		check_log(config, "access_log", resolved.access_log, &origin, check->report);
		if (count == CONFIG_ACCESS_LOGS_MAX) {
			report_add(check->report, &origin, "access_log: %d different ones at most",
				   CONFIG_ACCESS_LOGS_MAX);
			return;
		}
		seen[count++] = resolved.access_log;
	}
}

void config_check(struct config *config, const char *directory, const struct origin origins[SETTINGS_MAX],
		  const struct config_source *source, struct report *report)
{
	const struct check check = {config, origins, source, report};
	unsigned before = report->count;

	check_user(config, origins, report);
	check_descriptors(config, origins, report);
	if (!config->site.root && config->site_count == 0)
		find_root(config, directory, report);
	if (report->count == before) {
		check_sites(&check);
		config_tls_check(config, origins, source, report);
	}
	check_access_logs(&check);
	if (!config->error_log_is_found) /* else its folder is made */
		check_log(config, "error_log", config->error_log, origin_of(origins, "error_log"), report);
	looking_at(config->looking, "one of pid_file, control, state_dir and listen", NULL);
	config_written_check(config, origins, report);
}
