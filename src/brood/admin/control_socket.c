/* SPDX-License-Identifier: MIT
 *
 * Making the control socket (control_socket.h). Master only. */
#include "brood/admin/control_socket.h"

#include "base/clock.h"
#include "base/ending.h"
#include "base/fd.h"
#include "base/socket.h"
#include "base/socket_holder.h"
#include "base/trusted_file.h"
#include "brood/system/absolute_path.h"
#include "cluster/cluster.h"
#include "control/control_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int explain(char *reason, size_t room, const char *path, int error, const char *words)
{
	snprintf(reason, room, "control socket '%s': %s", path, words ? words : strerror(-error));
	return error;
}

/* The socket itself is closed to others by its mode; the folder of a person's own is, too. */
static int make_folder(const char *path, char *why, size_t room)
{
	char *folder = path_folder(path);
	int fd = folder ? trusted_file_folder(folder, geteuid() == 0 ? 0755 : 0700, why, room) : -ENOMEM;
	int error = fd < 0 ? fd : 0;

	if (fd >= 0)
		fd_close(&fd);
	free(folder);
	return error;
}

/* Waits for the admin of a server that was killed. */
static int listen_at(struct address *address, const struct socket_options *options)
{
	uint64_t begun_ms = clock_now_ms();
	int fd;

	while ((fd = socket_listen(address, options)) == -EADDRINUSE &&
	       socket_prospect(address, CLUSTER_CHILD_NAME) != SOCKET_TAKEN && ending_wait(begun_ms))
		;
	return fd;
}

static int bind_at(struct control_socket *out, const char *path)
{
	struct socket_options options = {
		.backlog = BACKLOG,
		.unix_mode = 0600,
		.unix_owner = (uid_t)-1,
		.unix_group = (gid_t)-1,
	};
	char name[CONTROL_PATH_MAX + sizeof("unix:")], words[128];
	struct address address;
	struct stat status;
	int error, fd;

	if (snprintf(name, sizeof(name), "unix:%s", path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	if (address_parse(name, &address, words, sizeof(words)) < 0)
		return -EINVAL;
	fd = listen_at(&address, &options);
	if (fd < 0)
		return fd;
	out->path = strdup(path);
	if (!out->path || lstat(path, &status) < 0) {
		error = out->path ? -errno : -ENOMEM;
		free(out->path);
		out->path = NULL;
		fd_close(&fd);
		trusted_file_remove(path, NULL);
		return error;
	}
	out->fd = fd;
	out->device = status.st_dev;
	out->inode = status.st_ino;
	out->pid = getpid();
	return 0;
}

int control_socket_open(struct control_socket *out, const char *setting, char *reason, size_t reason_room)
{
	char standard[CONTROL_PATH_ROOM], why[TRUSTED_REASON_MAX];
	const char *path = setting;
	int error;

	*out = (struct control_socket){.fd = -1};
	if (strcmp(setting, "off") == 0)
		return 0;
	if (strcmp(setting, "auto") == 0) {
		if (!control_path(standard))
			return explain(
				reason, reason_room, "auto", -ENOENT,
				"neither XDG_RUNTIME_DIR nor RUNTIME_DIRECTORY is set, so there is no place for it");
		path = standard;
	}
	if (strlen(path) > CONTROL_PATH_MAX)
		return explain(reason, reason_room, path, -ENAMETOOLONG, "the path is longer than 107 octets");
	error = make_folder(path, why, sizeof(why));
	if (error == -EPERM)
		return explain(reason, reason_room, path, error, why);
	if (error == 0)
		error = bind_at(out, path);
	if (error == -EADDRINUSE)
		return explain(reason, reason_room, path, error, "another server answers there");
	if (error == -EEXIST)
		return explain(reason, reason_room, path, error, "there is a file that is no socket");
	return error ? explain(reason, reason_room, path, error, NULL) : 0;
}

void control_socket_close(struct control_socket *control)
{
	struct stat made = {.st_dev = control->device, .st_ino = control->inode};

	if (control->fd >= 0 && control->pid == getpid())
		trusted_file_remove(control->path, &made);
	fd_close(&control->fd);
	free(control->path);
	control->path = NULL;
}
