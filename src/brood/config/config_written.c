/* SPDX-License-Identifier: MIT
 *
 * See config_written.h. */
#include "brood/config/config_written.h"

#include "base/trusted_file.h"
#include "brood/admin/obituary_file.h"

#include <errno.h>
#include <fcntl.h>

static void refused(const char *setting, const char *path, const char *reason, const struct origin *origin,
		    struct report *report)
{
	report_add(report, origin, "%s '%s': %s", setting, path, reason);
}

void config_written_log(const char *setting, const char *path, const struct origin *origin, struct report *report)
{
	char reason[TRUSTED_REASON_MAX];

	if (trusted_file_check(path, 0, reason, sizeof(reason)) == -EPERM)
		refused(setting, path, reason, origin, report);
}

static void check_pid_file(const char *path, const struct origin *origin, struct report *report)
{
	char reason[TRUSTED_REASON_MAX];
	int rc = trusted_file_check(path, O_NOFOLLOW, reason, sizeof(reason));

	if (rc < 0)
		refused("pid_file", path, rc == -ELOOP ? "is a link" : reason, origin, report);
}

/* That of a file which is made anew, or a folder: only the way matters. */
static void check_way(const char *setting, const char *path, enum trusted_last last, const struct origin *origin,
		      struct report *report)
{
	char reason[TRUSTED_REASON_MAX];
	struct trusted_path found;

	if (trusted_path_find(&found, path, last, reason, sizeof(reason)) == -EPERM)
		refused(setting, path, reason, origin, report);
	trusted_path_close(&found);
}

void config_written_check(const struct config *config, const struct origin origins[SETTINGS_MAX], struct report *report)
{
	const struct origin *of_listen = &origins[setting_index(setting_find("listen"))];
	const struct origin *of_control = &origins[setting_index(setting_find("control"))];
	const struct origin *of_state = &origins[setting_index(setting_find("state_dir"))];
	char folder[PATH_MAX];

	if (config->pid_file)
		check_pid_file(config->pid_file, &origins[setting_index(setting_find("pid_file"))], report);
	if (config->control[0] == '/')
		check_way("control", config->control, TRUSTED_NO_FOLLOW, of_control, report);
	if (obituary_folder(config->state_dir, folder))
		check_way("state_dir", folder, TRUSTED_FOLLOW, of_state, report);
	for (size_t i = 0; i < config->listen_count; i++) {
		const char *path = address_unix_path(&config->listen[i].address);

		if (path)
			check_way("listen", path, TRUSTED_NO_FOLLOW, of_listen, report);
	}
}
