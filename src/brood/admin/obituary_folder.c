/* SPDX-License-Identifier: MIT
 *
 * Where obituaries go (obituary_file.h). Master only. */
#include "brood/admin/obituary_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char root_folder[] = "/var/lib/brood";

bool obituary_folder(const char *setting, char out[PATH_MAX])
{
	const char *home = getenv("XDG_STATE_HOME");
	const char *service = getenv("STATE_DIRECTORY"); /* systemd's: paths with colons between them */
	int size;

	if (strcmp(setting, "off") == 0)
		return false;
	if (strcmp(setting, "auto") != 0)
		size = snprintf(out, PATH_MAX, "%s", setting);
	else if (geteuid() == 0)
		size = snprintf(out, PATH_MAX, "%s", root_folder);
	else if (home && home[0] == '/')
		size = snprintf(out, PATH_MAX, "%s/brood", home);
	else if (service && service[0] == '/')
		size = snprintf(out, PATH_MAX, "%.*s", (int)strcspn(service, ":"), service);
	else
		return false;
	return size < PATH_MAX;
}
