/* SPDX-License-Identifier: MIT
 *
 * The default control socket (control_path.h). */
#include "control/control_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folders of systemd's RuntimeDirectory=: paths with colons between them. The first is meant. */
static int in_service_folder(char out[CONTROL_PATH_ROOM])
{
	const char *folders = getenv("RUNTIME_DIRECTORY");

	if (!folders || folders[0] != '/')
		return -1;
	return snprintf(out, CONTROL_PATH_ROOM, "%.*s/control.sock", (int)strcspn(folders, ":"), folders);
}

bool control_path(char out[CONTROL_PATH_ROOM])
{
	const char *folder = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
	int size;

	if (folder && folder[0] == '/')
		size = snprintf(out, CONTROL_PATH_ROOM, "%s/brood/control.sock", folder);
	else
		size = in_service_folder(out);
	return size > 0 && size < CONTROL_PATH_ROOM;
}
