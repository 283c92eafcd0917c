/* SPDX-License-Identifier: MIT
 *
 * See daemon_log.h. Master only. */
#include "brood/system/daemon_log.h"

#include "base/fd.h"
#include "base/trusted_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_journal(const struct stat *status)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t device, inode;

	return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 && device == status->st_dev &&
	       inode == status->st_ino;
}

bool daemon_log_lasts(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || is_journal(&status));
}

bool daemon_log_find(char out[PATH_MAX])
{
	static const char name[] = "error.log";
	const char *service = getenv("LOGS_DIRECTORY"); /* paths with colons between them */
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int size = -1;

	if (service && service[0] == '/')
		size = snprintf(out, PATH_MAX, "%.*s/%s", (int)strcspn(service, ":"), service, name);
	else if (geteuid() == 0)
		size = snprintf(out, PATH_MAX, "/var/log/brood/%s", name);
	else if (state && state[0] == '/')
		size = snprintf(out, PATH_MAX, "%s/brood/%s", state, name);
	else if (home && home[0] == '/')
		size = snprintf(out, PATH_MAX, "%s/.local/state/brood/%s", home, name);
	return size > 0 && size < PATH_MAX;
}

/* Root's is in a folder for all to read, as other logs are; who is not root keeps it to himself (XDG). */
int daemon_log_make_folder(const char *path, char *reason, size_t room)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;
	char folder[PATH_MAX];
	int fd;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		fd = trusted_file_folder(folder, mode, reason, room);
		if (fd < 0)
			return fd;
		fd_close(&fd);
	}
	return 0;
}
