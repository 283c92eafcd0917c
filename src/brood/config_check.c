/* SPDX-License-Identifier: MIT
 *
 * What can be said about a configuration only by looking at the machine. */
#include "brood/config_check.h"

#include "base/fd.h"
#include "brood/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REASON_MAX = 256 };

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
	int rc = privilege_lookup(config->user, config->group, &config->privilege, reason,
				  sizeof(reason));

	if (rc < 0)
		report_add(report, origin_of(origins, name), "%s",
			   reason[0] ? reason : strerror(-rc));
}

/* ./www, else the one that was installed. */
static void find_root(struct config *config, const char *directory, struct report *report)
{
	char *local = path_resolve(directory, "www");

	if (local && is_directory(local)) {
		config->root = local;
		return;
	}
	free(local);
	if (is_directory(BROOD_WWW_DIR))
		config->root = strdup(BROOD_WWW_DIR);
	else
		report_add(report, NULL,
			   "nothing to serve: there is neither ./www nor " BROOD_WWW_DIR
			   "; name a folder (brood FOLDER)");
	if (!config->root && report->count == 0)
		report_add(report, NULL, "no memory");
}

static void user_name(const struct privilege *privilege, char *out, size_t room)
{
	if (privilege->user[0])
		snprintf(out, room, "'%s'", privilege->user);
	else
		snprintf(out, room, "%u", (unsigned)geteuid());
}

static void check_root(const struct config *config, const struct origin *origins,
		       struct report *report)
{
	const struct origin *origin = origin_of(origins, "root");
	char user[PRIVILEGE_NAME_MAX + 2];
	int fd = privilege_open_directory(&config->privilege, config->root);

	if (fd >= 0) {
		fd_close(&fd);
	} else if (fd == -ENOENT) {
		report_add(report, origin, "root '%s': no such folder", config->root);
	} else if (fd == -ENOTDIR) {
		report_add(report, origin, "root '%s': not a folder", config->root);
	} else {
		user_name(&config->privilege, user, sizeof(user));
		report_add(report, origin, "root '%s': user %s cannot read it (%s)", config->root,
			   user, strerror(-fd));
	}
}

/* The file itself may come into being later; its folder is not made by the server. */
static void check_log(const char *name, const char *path, const struct origin *origins,
		      struct report *report)
{
	char *folder;

	if (path[0] != '/')
		return;
	folder = path_folder(path);
	if (folder && !is_directory(folder))
		report_add(report, origin_of(origins, name), "%s '%s': no such folder '%s'", name,
			   path, folder);
	else if (is_directory(path))
		report_add(report, origin_of(origins, name), "%s '%s': is a folder", name, path);
	free(folder);
}

void config_check(struct config *config, const char *directory,
		  const struct origin origins[SETTINGS_COUNT], struct report *report)
{
	unsigned before = report->count;

	check_user(config, origins, report);
	if (!config->root)
		find_root(config, directory, report);
	if (report->count == before)
		check_root(config, origins, report);
	check_log("access_log", config->access_log, origins, report);
	check_log("error_log", config->error_log, origins, report);
}
