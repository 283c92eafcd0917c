/* SPDX-License-Identifier: MIT
 *
 * Writing obituaries to files (obituary_file.h). Done by the master itself: some kilobytes into the
 * page cache, and never more often than workers end. Nothing is synchronised to the disk. Master
 * only. */
#include "brood/admin/obituary_file.h"

#include "base/fd.h"
#include "base/trusted_file.h"
#include "brood/admin/obituary_json.h"
#include "cluster/policy/obituary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TRIM_MAX = 4,     /* files removed at a time: one comes, one goes */
	LOOK_MAX = 10000, /* entries looked at: the folder may be full of others' files */
	TIME_LENGTH = sizeof("20261121T040506.007Z") - 1,
};

/* The modes are what is promised, whatever the umask. */
static int open_folder(const char *path, char *reason, size_t room)
{
	mode_t mask = umask(0);
	int fd = trusted_file_folder(path, 0755, reason, room);

	umask(mask);
	return fd;
}

/* A regular file takes all, or has no room. */
static bool is_written(int fd, const char *text, size_t size)
{
	return write(fd, text, size) == (ssize_t)size;
}

static int write_all(int folder, const char *name, const char *text)
{
	size_t size = strlen(text);
	int error = 0, fd;

	/* Never through a link, nor into a file that somebody else holds. */
	unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0644) < 0)
		error = -errno;
	else if (!is_written(fd, text, size) || !is_written(fd, "\n", 1))
		error = -ENOSPC;
	fd_close(&fd);
	if (error)
		unlinkat(folder, name, 0);
	return error;
}

/* Is it one of that slot, and of that server, or from before there were servers in names? */
static bool is_ours(const char *name, const char *prefix, const char *server)
{
	size_t digits, length = strlen(server);
	const char *rest;

	if (strncmp(name, prefix, strlen(prefix)) != 0 || strlen(name) <= strlen(prefix) + TIME_LENGTH)
		return false;
	rest = name + strlen(prefix) + TIME_LENGTH;
	if (*rest++ != '-')
		return false;
	if (strncmp(rest, server, length) == 0 && rest[length] == '-')
		rest += length + 1;
	digits = strspn(rest, "0123456789");
	return digits > 0 && strcmp(rest + digits, ".json") == 0;
}

/* Counts the files of a server's slot; the oldest sorts first, since all times have the same length. */
static unsigned find_oldest(DIR *folder, const char *prefix, const char *server, char oldest[NAME_MAX + 1])
{
	const struct dirent *entry;
	unsigned count = 0;

	oldest[0] = '\0';
	rewinddir(folder);
	for (unsigned i = 0; i < LOOK_MAX && (entry = readdir(folder)) != NULL; i++) {
		if (!is_ours(entry->d_name, prefix, server))
			continue;
		count++;
		if (oldest[0] == '\0' || strcmp(entry->d_name, oldest) < 0)
			snprintf(oldest, NAME_MAX + 1, "%s", entry->d_name);
	}
	return count;
}

static void trim(int fd, const char *prefix, const char *server)
{
	char oldest[NAME_MAX + 1];
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);

	if (!folder) {
		fd_close(&copy);
		return;
	}
	for (int i = 0; i < TRIM_MAX; i++) {
		if (find_oldest(folder, prefix, server, oldest) <= OBITUARY_FILES_KEPT)
			break;
		unlinkat(fd, oldest, 0);
	}
	closedir(folder);
}

int obituary_file_write(const char *path, const char *server, const struct cluster_obituary *obituary, const char *text,
			char *reason, size_t room)
{
	char name[NAME_MAX + 1], time[OBITUARY_TIME_MAX], prefix[32], temporary[NAME_MAX + 1];
	int folder = open_folder(path, reason, room), error;

	if (folder < 0)
		return folder;
	obituary_time(obituary->time_ms, true, time);
	snprintf(prefix, sizeof(prefix), "obituary-%u-", obituary->slot);
	snprintf(name, sizeof(name), "%s%s-%s-%d.json", prefix, time, server, (int)obituary->pid);
	snprintf(temporary, sizeof(temporary), ".obituary-%s-%d", server, (int)getpid());
	error = write_all(folder, temporary, text);
	if (error == 0 && renameat(folder, temporary, folder, name) < 0)
		error = -errno;
	if (error == 0)
		trim(folder, prefix, server);
	fd_close(&folder);
	if (error)
		snprintf(reason, room, "%s", strerror(-error));
	return error;
}
