/* SPDX-License-Identifier: MIT
 *
 * Opening, making and removing files as root (trusted_file.h). Master only. */
#include "base/trusted_file.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRIES_MAX = 16 }; /* somebody may lay one thing after the other there */

static int explain(int error, char *reason, size_t room)
{
	snprintf(reason, room, "%s", strerror(-error));
	return error;
}

/* Whether root may write to what lies in a folder that others may change. 0 or -EPERM. */
static int judge(const struct trusted_path *path, const struct stat *file, char *reason, size_t room)
{
	struct stat folder;

	if (fstat(path->folder, &folder) < 0)
		return explain(-errno, reason, room);
	if (!S_ISREG(file->st_mode))
		snprintf(reason, room, "'%s' is no regular file", path->name);
	else if (file->st_nlink > 1)
		snprintf(reason, room, "'%s' is one of %lu names of a file", path->name, (unsigned long)file->st_nlink);
	else if ((folder.st_mode & S_ISVTX) && file->st_uid != 0 && file->st_uid != folder.st_uid)
		snprintf(reason, room, "'%s' belongs to uid %u", path->name, (unsigned)file->st_uid);
	else
		return 0;
	snprintf(reason + strlen(reason), room - strlen(reason),
		 ", in a folder where others than root may write (uid %u, mode %04o); remove it",
		 (unsigned)folder.st_uid, (unsigned)folder.st_mode & 07777);
	return -EPERM;
}

/* A look before the opening, which can do something by itself: a FIFO's reader is woken. */
static int look(const struct trusted_path *path, char *reason, size_t room)
{
	struct stat status;

	if (path->closed || path->through)
		return 0;
	if (fstatat(path->folder, path->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : explain(-errno, reason, room);
	if (S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode))
		return 0; /* the opening says so */
	return judge(path, &status, reason, room);
}

/* -EAGAIN: what was found is not there any more. */
static int open_found(const struct trusted_path *path, int flags, mode_t mode, char *reason, size_t room)
{
	int fd, rc = look(path, reason, room);
	struct stat status;

	if (rc < 0)
		return rc;
	flags |= O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (path->through ? 0 : O_NOFOLLOW);
	fd = openat(path->folder, path->name, flags, mode);
	if (fd < 0)
		return explain(-errno, reason, room);
	if (path->closed || path->through)
		return fd;
	if (fstat(fd, &status) < 0)
		rc = explain(-errno, reason, room);
	else if (status.st_nlink == 0)
		rc = explain(-EAGAIN, reason, room);
	else
		rc = judge(path, &status, reason, room);
	if (rc == 0)
		return fd;
	fd_close(&fd);
	return rc;
}

int trusted_file_open(const char *path, int flags, mode_t mode, char *reason, size_t room)
{
	bool follow = !(flags & O_NOFOLLOW);
	struct trusted_path found;
	int rc = -EAGAIN;

	/* A link that has come between finding and opening is found the next time. */
	for (int i = 0; i < TRIES_MAX && (rc == -EAGAIN || (rc == -ELOOP && follow)); i++) {
		rc = trusted_path_find(&found, path, follow ? TRUSTED_FOLLOW : TRUSTED_NO_FOLLOW, reason, room);
		if (rc == 0)
			rc = open_found(&found, flags, mode, reason, room);
		trusted_path_close(&found);
	}
	return rc;
}

int trusted_file_check(const char *path, int flags, char *reason, size_t room)
{
	bool follow = !(flags & O_NOFOLLOW);
	struct trusted_path found;
	struct stat status;
	int rc = trusted_path_find(&found, path, follow ? TRUSTED_FOLLOW : TRUSTED_NO_FOLLOW, reason, room);

	if (rc == 0 && !found.through && fstatat(found.folder, found.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(status.st_mode))
		rc = explain(-ELOOP, reason, room);
	else if (rc == 0)
		rc = look(&found, reason, room);
	trusted_path_close(&found);
	return rc == -EPERM || rc == -ELOOP ? rc : 0;
}

/* The one that is there. */
static int open_folder(const struct trusted_path *found)
{
	int fd = openat(found->folder, found->name,
			O_PATH | O_DIRECTORY | O_CLOEXEC | (found->through ? 0 : O_NOFOLLOW));

	return fd < 0 ? -errno : fd;
}

int trusted_file_folder(const char *path, mode_t mode, char *reason, size_t room)
{
	struct trusted_path found;
	int rc = trusted_path_find(&found, path, TRUSTED_FOLLOW, reason, room);

	if (rc < 0)
		return rc;
	rc = open_folder(&found);
	if (rc == -ENOENT) {
		if (mkdirat(found.folder, found.name, mode) == 0 || errno == EEXIST)
			rc = open_folder(&found);
		else
			rc = -errno;
	}
	trusted_path_close(&found);
	return rc < 0 ? explain(rc, reason, room) : rc;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Opens what is there, to be looked at only. The descriptor or -errno. */
static int open_to_look(const char *path, struct stat *status)
{
	char reason[TRUSTED_REASON_MAX];
	struct trusted_path found;
	int fd = trusted_path_find(&found, path, TRUSTED_NO_FOLLOW, reason, sizeof(reason)), error;

	if (fd < 0)
		return fd;
	fd = openat(found.folder, found.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	error = fd < 0 || fstat(fd, status) < 0 ? -errno : 0;
	trusted_path_close(&found);
	if (error)
		fd_close(&fd);
	return error ? error : fd;
}

int trusted_file_look(const char *path, struct stat *out)
{
	int fd = open_to_look(path, out);

	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}

/* By a name of the very file that was looked at: fchmod does not take such a descriptor. */
int trusted_file_set_mode(const char *path, const struct stat *same, mode_t mode)
{
	struct stat status;
	char name[32];
	int fd = open_to_look(path, &status), error = 0;

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (!is_same(&status, same))
		error = -ESTALE;
	else if (chmod(name, mode) < 0)
		error = -errno;
	fd_close(&fd);
	return error;
}

void trusted_file_remove(const char *path, const struct stat *same)
{
	char reason[TRUSTED_REASON_MAX];
	struct trusted_path found;
	struct stat status;
	bool is_it;

	if (trusted_path_find(&found, path, TRUSTED_NO_FOLLOW, reason, sizeof(reason)) < 0)
		return;
	if (fstatat(found.folder, found.name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		is_it = same ? is_same(&status, same) : S_ISSOCK(status.st_mode);
		if (is_it)
			unlinkat(found.folder, found.name, 0);
	}
	trusted_path_close(&found);
}
