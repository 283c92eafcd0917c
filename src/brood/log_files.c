/* SPDX-License-Identifier: MIT
 *
 * Opening and reopening log files. Master only. */
#include "brood/log_files.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_path(const char *path)
{
	char reason[TRUSTED_REASON_MAX];
	int fd = trusted_file_open(path, O_WRONLY | O_APPEND, 0640, reason, sizeof(reason));

	if (fd == -EPERM) /* more than the error's own words say */
		log_warn("log %s: %s", path, reason);
	return fd;
}

static bool is_path(const char *target)
{
	return target && target[0] == '/';
}

int log_file_open(struct log_file *out, const char *target, char *reason, size_t reason_room)
{
	int rc = 0;

	*out = (struct log_file){.fd = -1};
	if (strcmp(target, "stderr") == 0)
		out->fd = STDERR_FILENO;
	else if (strcmp(target, "stdout") == 0)
		out->fd = STDOUT_FILENO;
	else if (is_path(target))
		rc = out->fd = open_path(target);
	else if (strcmp(target, "off") != 0)
		rc = -EINVAL;
	if (rc >= 0) {
		out->target = strdup(target);
		if (out->target)
			return 0;
		rc = -ENOMEM;
	}
	snprintf(reason, reason_room, "cannot open log %s: %s", target, strerror(-rc));
	log_file_close(out);
	return rc;
}

bool log_file_reopen(struct log_file *file)
{
	int fd;

	if (!is_path(file->target))
		return false;
	fd = open_path(file->target);
	if (fd >= 0 && dup3(fd, file->fd, O_CLOEXEC) >= 0) {
		fd_close(&fd);
		return true;
	}
	log_warn("cannot reopen log %s: %s; the old file is kept", file->target,
		 strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		fd_close(&fd);
	return false;
}

void log_file_close(struct log_file *file)
{
	if (file->fd > STDERR_FILENO)
		fd_close(&file->fd);
	free(file->target);
	*file = (struct log_file){.fd = -1};
}
