/* SPDX-License-Identifier: MIT
 *
 * The pid file. Nothing in it changes before the lock is held. Master only. */
#include "brood/system/pidfile.h"

#include "base/clock.h"
#include "base/ending.h"
#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/text.h"
#include "base/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PID_TEXT_MAX = 16, OPEN_TRIES = 16 };

/* The pid in the file; 0: it is empty (or all NUL, as after a power failure); -EEXIST: it holds
 * something else. */
static long read_pid(int fd)
{
	char text[PID_TEXT_MAX + 1];
	ssize_t length = pread(fd, text, sizeof(text), 0);
	uint64_t pid;

	if (length < 0)
		return -errno;
	if (length == sizeof(text))
		return -EEXIST;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		return 0;
	return text_parse_u64(text, &pid) == 0 && pid <= INT32_MAX ? (long)pid : -EEXIST;
}

/* Between our open and our lock its owner may have removed it: then the lock is on a file that
 * nobody sees any more. */
static bool is_at_path(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int open_file(const char *path, char *reason, size_t room)
{
	int fd = trusted_file_open(path, O_RDWR | O_NOFOLLOW, 0644, reason, room);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EEXIST;
}

/* Once. The locked file at `path`, or -errno (-EPERM: with a reason); of a running owner *pid gets the pid (0: not
 * known). */
static int try_locked(const char *path, long *pid, char *reason, size_t room)
{
	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		int rc, fd = open_file(path, reason, room);

		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			rc = -errno;
			*pid = read_pid(fd);
			close(fd);
			return rc;
		}
		if (is_at_path(fd, path))
			return fd;
		close(fd);
	}
	return -EAGAIN;
}

/* The same, waiting for an owner that was killed to be gone. */
static int open_locked(const char *path, long *pid, char *reason, size_t room)
{
	uint64_t begun_ms = clock_now_ms();
	int fd;

	while ((fd = try_locked(path, pid, reason, room)) == -EWOULDBLOCK && *pid > 0 && ending_is_near((pid_t)*pid) &&
	       ending_wait(begun_ms))
		;
	return fd;
}

static int explain(int rc, const char *path, long pid, const char *why, char *reason, size_t room)
{
	if (rc == -EWOULDBLOCK && pid > 0)
		snprintf(reason, room, "already running, pid %ld (%s)", pid, path);
	else if (rc == -EWOULDBLOCK)
		snprintf(reason, room, "already running (%s is locked)", path);
	else if (rc == -EEXIST)
		snprintf(reason, room, "%s is not a pid file", path);
	else if (rc == -ELOOP)
		snprintf(reason, room, "cannot open pid file %s: it is a link", path);
	else
		snprintf(reason, room, "cannot open pid file %s: %s", path, rc == -EPERM ? why : strerror(-rc));
	return rc;
}

int pidfile_open(struct pidfile *out, const char *path, char *reason, size_t reason_room)
{
	char why[TRUSTED_REASON_MAX] = "";
	long pid = 0;
	int rc, fd = open_locked(path, &pid, why, sizeof(why));

	*out = (struct pidfile){.fd = -1};
	if (fd < 0)
		return explain(fd, path, pid, why, reason, reason_room);
	pid = read_pid(fd); /* left by one who has ended, unless the file is somebody's letters */
	out->path = strdup(path);
	rc = pid < 0 ? (int)pid : out->path ? 0 : -ENOMEM;
	if (rc == 0) {
		out->fd = fd;
		fd_note(fd, FD_LOCK);
		return 0;
	}
	fd_close(&fd);
	pidfile_close(out);
	return explain(rc, path, 0, "", reason, reason_room);
}

int pidfile_write(struct pidfile *pidfile)
{
	char text[PID_TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	ssize_t written;

	/* From here on it is ours to remove, also if the disk is full: nobody shall find an empty one. */
	pidfile->pid = getpid();
	fd_expect(pidfile->fd, FD_LOCK);
	written = pwrite(pidfile->fd, text, (size_t)length, 0);
	if (written != length)
		return written < 0 ? -errno : -ENOSPC;
	return ftruncate(pidfile->fd, length) < 0 ? -errno : 0; /* of a longer one before */
}

void pidfile_close(struct pidfile *pidfile)
{
	struct stat ours;

	/* Removed while the lock is still held: whoever opens it now sees that it is gone. */
	if (pidfile->fd >= 0 && pidfile->pid == getpid() && fstat(pidfile->fd, &ours) == 0)
		trusted_file_remove(pidfile->path, &ours);
	fd_close(&pidfile->fd);
	free(pidfile->path);
	*pidfile = (struct pidfile){.fd = -1};
}
