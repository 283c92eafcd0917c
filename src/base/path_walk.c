/* SPDX-License-Identifier: MIT
 *
 * See path_walk.h. */
#include "base/path_walk.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40,               /* as the kernel's own bound */
	ROOM = 4 * PATH_MAX,          /* of what links say, with what is to follow */
	PROC_ROOT_INODE = 1,          /* of /proc itself */
	MOUNTED_NOSYMFOLLOW = 0x2000, /* ST_NOSYMFOLLOW, which not every C library has */
};

struct walk {
	int root; /* borrowed */
	/* The folders on the way to the one that was reached, which is number `depth`; 0 is the root. They are kept at
	 * their number modulo the room; those below `lowest` are closed again. */
	int folders[PATH_WALK_PARENTS];
	size_t depth, lowest;

	char *left; /* what is still to be gone along, at the end of: */
	char room[ROOM];
	unsigned links;
	bool no_links;
};

static int reached(const struct walk *walk)
{
	return walk->depth == 0 ? walk->root : walk->folders[walk->depth % PATH_WALK_PARENTS];
}

/* The folder is the walk's from here on. */
static void go_down(struct walk *walk, int folder)
{
	walk->depth++;
	if (walk->depth - walk->lowest == PATH_WALK_PARENTS)
		fd_close(&walk->folders[walk->lowest++ % PATH_WALK_PARENTS]);
	walk->folders[walk->depth % PATH_WALK_PARENTS] = folder;
}

static int go_up(struct walk *walk)
{
	if (walk->depth == 0)
		return -EXDEV;
	fd_close(&walk->folders[walk->depth % PATH_WALK_PARENTS]);
	walk->depth--;
	if (walk->depth == 0)
		walk->lowest = 1;
	return walk->depth >= walk->lowest || walk->depth == 0 ? 0 : -ENAMETOOLONG;
}

static void leave(struct walk *walk)
{
	for (; walk->depth >= walk->lowest; walk->depth--)
		fd_close(&walk->folders[walk->depth % PATH_WALK_PARENTS]);
}

/* Looking for anything in a folder wants this, also for "..". */
static int may_search(int folder)
{
	int fd = openat(folder, ".", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	fd_close(&fd);
	return 0;
}

/* The kernel's own rules for links: those that are no texts, and those that anybody may have laid. */
static int may_follow(const struct walk *walk, int link, const struct stat *status)
{
	struct statfs system;
	struct stat folder;

	if (walk->no_links)
		return -ELOOP;
	if (fstat(reached(walk), &folder) < 0 || fstatfs(link, &system) < 0)
		return -errno;
	if ((folder.st_mode & S_ISVTX) && (folder.st_mode & S_IWOTH) && status->st_uid != geteuid() &&
	    status->st_uid != folder.st_uid)
		return -EACCES;
	if (system.f_flags & MOUNTED_NOSYMFOLLOW)
		return -ELOOP;
	return system.f_type == PROC_SUPER_MAGIC && folder.st_ino != PROC_ROOT_INODE ? -ELOOP : 0;
}

/* What a link says stands in its place from here on. */
static int follow(struct walk *walk, int link, const struct stat *status)
{
	size_t room = (size_t)(walk->left - walk->room);
	ssize_t size;
	int rc;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	rc = may_follow(walk, link, status);
	if (rc < 0)
		return rc;
	size = readlinkat(link, "", walk->room, room);
	if (size <= 0)
		return size < 0 ? -errno : -ENOENT;
	if ((size_t)size == room)
		return -ENAMETOOLONG;
	if (walk->room[0] == '/')
		return -EXDEV;
	walk->left -= size;
	memmove(walk->left, walk->room, (size_t)size);
	return 0;
}

/* Follows what could not be opened as itself, if it is a link; else `error` is why it could not. */
static int follow_named(struct walk *walk, const char *name, int error)
{
	struct stat status;
	int rc, link = openat(reached(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (link < 0)
		return -errno;
	if (fstat(link, &status) < 0)
		rc = -errno;
	else if (S_ISLNK(status.st_mode))
		rc = follow(walk, link, &status);
	else
		rc = error == -ELOOP ? -EAGAIN : error; /* it was one */
	fd_close(&link);
	return rc;
}

/* What a name in the folder is, opened. 0: it is a link; it was followed. 1: *out is it. Or -errno. */
static int open_name(struct walk *walk, const char *name, int flags, int *out)
{
	struct stat status;
	int rc, fd = openat(reached(walk), name, flags | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? follow_named(walk, name, -errno) : -errno;
	/* Only so is a link opened itself. */
	if ((flags & O_PATH) && !(flags & O_DIRECTORY)) {
		rc = fstat(fd, &status) < 0 ? -errno : 1;
		if (rc == 1 && S_ISLNK(status.st_mode))
			rc = follow(walk, fd, &status);
		if (rc != 1) {
			fd_close(&fd);
			return rc;
		}
	}
	*out = fd;
	return 1;
}

/* One component. 1: that was the last one, and *out is it; 0: further; or -errno. */
static int step(struct walk *walk, int flags, int *out)
{
	char *name = walk->left + strspn(walk->left, "/");
	char *end = name + strcspn(name, "/"), octet = *end;
	bool last = end[strspn(end, "/")] == '\0', up = end - name == 2 && memcmp(name, "..", 2) == 0;
	int fd = -1, rc;

	walk->left = end; /* with its slash: behind a link it means that a folder is wanted */
	if (up || (end - name == 1 && name[0] == '.')) {
		rc = may_search(reached(walk));
		if (rc == 0 && up)
			rc = go_up(walk);
		if (rc < 0 || !last)
			return rc;
		*out = openat(reached(walk), ".", flags | O_CLOEXEC);
		return *out < 0 ? -errno : 1;
	}
	if (!last)
		flags = O_PATH | O_DIRECTORY;
	else if (octet == '/')
		flags |= O_DIRECTORY;
	*end = '\0';
	rc = open_name(walk, name, flags, &fd);
	*end = octet;
	if (rc != 1)
		return rc;
	if (last)
		*out = fd;
	else
		go_down(walk, fd);
	return last;
}

int path_walk_open(int root, const char *name, int flags, bool no_links)
{
	size_t size = strlen(name) + 1;
	struct walk walk;
	int fd = -1, rc = 0;

	if (size == 1)
		return -ENOENT;
	if (size > PATH_MAX)
		return -ENAMETOOLONG;
	if (name[0] == '/')
		return -EXDEV;
	walk.root = root;
	walk.depth = 0;
	walk.lowest = 1;
	walk.links = 0;
	walk.no_links = no_links;
	walk.left = walk.room + sizeof(walk.room) - size;
	memcpy(walk.left, name, size);
	while (rc == 0)
		rc = step(&walk, flags, &fd);
	leave(&walk);
	return rc < 0 ? rc : fd;
}
