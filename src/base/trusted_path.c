/* SPDX-License-Identifier: MIT
 *
 * Finding where a path leads, by the rule of trusted_path.h. Master only. */
#include "base/trusted_path.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40,      /* as the kernel's own bound */
	PROC_ROOT_INODE = 1, /* of /proc itself */
	OTHERS_WRITE = S_IWGRP | S_IWOTH,
};

struct walk {
	/* The folder that was reached. */
	int folder;
	bool held;                             /* nobody else can have put another folder in its place */
	bool closed;                           /* nor can change what is in it */
	bool in_proc;                          /* it is the kernel's... */
	bool in_proc_root;                     /* ...and /proc itself, whose links are texts as elsewhere */
	char folder_blame[TRUSTED_REASON_MAX]; /* why it is not closed */
	char way_blame[TRUSTED_REASON_MAX];    /* why it is not held */

	char done[PATH_MAX]; /* the path to it, for people; "" for the root */
	char left[PATH_MAX]; /* what is still to be gone along */
	unsigned links;
	char *reason;
	size_t reason_room;
};

/* What others can do to a folder, in words; a path that is very long is cut. */
static void blame(char out[TRUSTED_REASON_MAX], const char *path, const struct stat *folder, bool is_roots)
{
	const char *name = path[0] ? path : "/";

	if (!is_roots)
		snprintf(out, TRUSTED_REASON_MAX, "'%.400s' belongs to uid %u", name, (unsigned)folder->st_uid);
	else
		snprintf(out, TRUSTED_REASON_MAX, "others may write to '%.400s' (mode %04o)", name,
			 (unsigned)folder->st_mode & 07777);
}

/* Goes on from a folder, which is the walk's from here on. `way`: whether the way to it is held. */
static int enter(struct walk *walk, int folder, bool way)
{
	struct stat status;
	struct statfs system;
	bool is_roots, others_write;

	fd_close(&walk->folder);
	walk->folder = folder;
	if (fstat(folder, &status) < 0 || fstatfs(folder, &system) < 0)
		return -errno;
	walk->in_proc = system.f_type == PROC_SUPER_MAGIC;
	walk->in_proc_root = walk->in_proc && status.st_ino == PROC_ROOT_INODE;
	/* /proc is the kernel's, and in a container without real root shows as nobody's. */
	is_roots = status.st_uid == 0 || walk->in_proc_root;
	others_write = status.st_mode & OTHERS_WRITE;
	walk->closed = way && is_roots && !others_write;
	walk->held = way && is_roots && (!others_write || (status.st_mode & S_ISVTX));
	if (!walk->closed)
		blame(walk->folder_blame, walk->done, &status, is_roots);
	if (way && !walk->held)
		memcpy(walk->way_blame, walk->folder_blame, sizeof(walk->way_blame));
	return 0;
}

static int enter_root(struct walk *walk)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	walk->done[0] = '\0';
	return fd < 0 ? -errno : enter(walk, fd, true);
}

/* The next component, taken from what is left: "." when nothing is. */
static int take(struct walk *walk, char name[NAME_MAX + 1], bool *last)
{
	const char *start = walk->left + strspn(walk->left, "/");
	size_t size = strcspn(start, "/");
	const char *rest = start + size + strspn(start + size, "/");

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, size);
	name[size] = '\0';
	if (size == 0)
		memcpy(name, ".", sizeof("."));
	*last = rest[0] == '\0';
	memmove(walk->left, rest, strlen(rest) + 1);
	return 0;
}

/* Adds a component to the path for people. */
static void note(struct walk *walk, const char *name)
{
	size_t used = strlen(walk->done);
	char *slash = strrchr(walk->done, '/');

	if (strcmp(name, "..") != 0)
		snprintf(walk->done + used, sizeof(walk->done) - used, "/%s", name);
	else if (slash)
		*slash = '\0';
}

static int refuse(struct walk *walk, const char *name, const struct stat *link)
{
	char owner[TRUSTED_REASON_MAX];
	const char *why = walk->held ? walk->folder_blame : walk->way_blame;

	if (walk->closed) {
		snprintf(owner, sizeof(owner), "it belongs to uid %u", (unsigned)link->st_uid);
		why = owner;
	}
	snprintf(walk->reason, walk->reason_room,
		 "root does not follow the link '%s/%s': %s; name what it leads to, or let only root change it",
		 walk->done, name, why);
	return -EPERM;
}

/* What a link says stands in its place from here on. */
static int read_link(struct walk *walk, int link)
{
	char text[PATH_MAX], joined[PATH_MAX];
	ssize_t size = readlinkat(link, "", text, sizeof(text));
	int length;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (size <= 0)
		return size < 0 ? -errno : -ENOENT;
	if (size == sizeof(text))
		return -ENAMETOOLONG;
	text[size] = '\0';
	length = snprintf(joined, sizeof(joined), "%s%s%s", text, walk->left[0] ? "/" : "", walk->left);
	if (length >= (int)sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(walk->left, joined, (size_t)length + 1);
	return text[0] == '/' ? enter_root(walk) : 0;
}

static int enter_named(struct walk *walk, const char *name, bool way)
{
	int fd = openat(walk->folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	note(walk, name);
	return enter(walk, fd, way);
}

static int end(struct walk *walk, struct trusted_path *out, const char *name, bool through)
{
	*out = (struct trusted_path){
		.folder = walk->folder, .through = through, .closed = walk->closed, .steady = walk->held};
	snprintf(out->name, sizeof(out->name), "%s", name);
	walk->folder = -1;
	return 1;
}

/* A link, opened as such. 1: that was the end. */
static int follow(struct walk *walk, struct trusted_path *out, const char *name, bool last, int link,
		  const struct stat *status)
{
	if (!walk->closed || (status->st_uid != 0 && !walk->in_proc_root))
		return refuse(walk, name, status);
	if (!walk->in_proc || walk->in_proc_root)
		return read_link(walk, link);
	/* Its text is a name for people; only the kernel can follow it. What it leads to may lie anywhere. */
	if (last)
		return end(walk, out, name, true);
	snprintf(walk->way_blame, sizeof(walk->way_blame), "'%s/%s' may lead anywhere", walk->done, name);
	return enter_named(walk, name, false);
}

/* What is there, a link being opened itself. O_PATH alone would not have an automounter mount. */
static int open_component(int folder, const char *name)
{
	int mounted, fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statfs system;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &system) < 0 || system.f_type != AUTOFS_SUPER_MAGIC)
		return fd;
	mounted = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (mounted < 0)
		return fd;
	fd_close(&fd);
	return mounted;
}

/* One component. 1: that was the last one; 0: further; or -errno. */
static int step(struct walk *walk, struct trusted_path *out, enum trusted_last wanted)
{
	char name[NAME_MAX + 1];
	struct stat status;
	bool last;
	int fd, rc = take(walk, name, &last);

	if (rc < 0)
		return rc;
	if (strcmp(name, "..") == 0)
		rc = enter_named(walk, name, walk->held);
	if (rc < 0)
		return rc;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return last ? end(walk, out, ".", false) : 0;
	if (last && wanted == TRUSTED_NO_FOLLOW)
		return end(walk, out, name, false);

	fd = open_component(walk->folder, name);
	if (fd < 0)
		return last && fd == -ENOENT ? end(walk, out, name, false) : fd;
	if (fstat(fd, &status) < 0)
		rc = -errno;
	else if (S_ISLNK(status.st_mode))
		rc = follow(walk, out, name, last, fd, &status);
	else if (last)
		rc = end(walk, out, name, false);
	else if (!S_ISDIR(status.st_mode))
		rc = -ENOTDIR;
	else {
		note(walk, name);
		return enter(walk, fd, walk->held);
	}
	fd_close(&fd);
	return rc;
}

/* For who is not root. */
static int find_as_always(struct trusted_path *out, const char *path, enum trusted_last last)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	size_t size = slash ? (size_t)(slash - path) : 0;

	if (!slash || size >= sizeof(folder) || strlen(slash + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(folder, path, size);
	memcpy(folder + size, size == 0 ? "/" : "", size == 0 ? 2 : 1);
	*out = (struct trusted_path){.through = last == TRUSTED_FOLLOW, .closed = true, .steady = true};
	snprintf(out->name, sizeof(out->name), "%s", slash[1] ? slash + 1 : ".");
	out->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return out->folder < 0 ? -errno : 0;
}

static int find_as_root(struct trusted_path *out, const char *path, enum trusted_last last, char *reason, size_t room)
{
	struct walk walk = {.folder = -1, .reason = reason, .reason_room = room};
	int rc;

	if (path[0] != '/' || snprintf(walk.left, sizeof(walk.left), "%s", path) >= (int)sizeof(walk.left))
		return path[0] == '/' ? -ENAMETOOLONG : -EINVAL;
	rc = enter_root(&walk);
	while (rc == 0)
		rc = step(&walk, out, last);
	fd_close(&walk.folder);
	return rc < 0 ? rc : 0;
}

int trusted_path_find(struct trusted_path *out, const char *path, enum trusted_last last, char *reason, size_t room)
{
	int rc;

	*out = (struct trusted_path){.folder = -1};
	if (room > 0)
		reason[0] = '\0';
	rc = geteuid() == 0 ? find_as_root(out, path, last, reason, room) : find_as_always(out, path, last);
	if (rc < 0 && room > 0 && reason[0] == '\0')
		snprintf(reason, room, "%s", strerror(-rc));
	return rc;
}

void trusted_path_close(struct trusted_path *path)
{
	fd_close(&path->folder);
}
