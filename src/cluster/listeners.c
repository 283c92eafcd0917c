/* SPDX-License-Identifier: MIT
 *
 * The listening sockets (listeners.h). Master only. */
#include "cluster/listeners.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void complain(const struct listener *listener, int error)
{
	char holder[128];

	if (error == -EADDRINUSE && socket_holder(&listener->address, holder, sizeof(holder)))
		log_error("cannot listen on %s: address in use by %s", listener->address.text, holder);
	else if (error == -EADDRINUSE)
		log_error("cannot listen on %s: address in use", listener->address.text);
	else
		log_error("cannot listen on %s: %s", listener->address.text, strerror(-error));
}

/* Binds sockets until there are `count`. */
static int fill(struct listener *listener, unsigned count, const struct socket_options *wishes)
{
	struct socket_options options = *wishes;
	int *sockets = realloc(listener->sockets, count * sizeof(int));
	int fd;

	if (!sockets)
		return -ENOMEM;
	listener->sockets = sockets;
	while (listener->count < count) {
		if (listener->grouped)
			options.sharing =
				listener->count == 0 ? SOCKET_GROUP_FIRST : SOCKET_GROUP_FURTHER;
		fd = socket_listen(&listener->address, &options);
		if (fd < 0)
			return fd;
		listener->sockets[listener->count++] = fd;
	}
	return 0;
}

static int open_one(struct listener *listener, enum cluster_accept accept,
		    const struct cluster_listen *wish, unsigned slots)
{
	struct socket_options options = {
		.backlog = wish->backlog,
		.unix_mode = wish->unix_mode,
		.unix_owner = (uid_t)-1,
		.unix_group = (gid_t)-1,
	};
	bool is_unix = address_is_unix(&wish->address);

	listener->address = wish->address;
	listener->backlog = wish->backlog;
	if (wish->fd >= 0) { /* bound by whoever started us: one socket, and its file is theirs */
		listener->sockets = malloc(sizeof(int));
		if (!listener->sockets)
			return -ENOMEM;
		listener->sockets[listener->count++] = wish->fd;
		return 0;
	}
	listener->grouped = accept == CLUSTER_ACCEPT_REUSEPORT && !is_unix;
	listener->unlink_path = is_unix;
	return fill(listener, listener->grouped ? slots : 1, &options);
}

int listeners_open(struct listeners *listeners, enum cluster_accept accept,
		   const struct cluster_listen *listen, size_t count, unsigned slots)
{
	int error;

	*listeners = (struct listeners){.accept = accept};
	if (count > CLUSTER_LISTEN_MAX) {
		log_error("%zu addresses to listen on: at most %d", count, CLUSTER_LISTEN_MAX);
		return -E2BIG;
	}
	listeners->all = calloc(count, sizeof(struct listener));
	if (!listeners->all)
		return -ENOMEM;
	for (; listeners->count < count; listeners->count++) {
		struct listener *listener = &listeners->all[listeners->count];

		error = open_one(listener, accept, &listen[listeners->count], slots);
		if (error) {
			complain(listener, error);
			if (listener->count == 0)
				listener->unlink_path = false; /* the file is somebody else's */
			listeners->count++;
			listeners_close(listeners);
			return error;
		}
	}
	return 0;
}

int listeners_grow(struct listeners *listeners, unsigned slots)
{
	int error;

	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];
		struct socket_options options = {.backlog = listener->backlog};

		if (!listener->grouped || listener->count >= slots)
			continue;
		error = fill(listener, slots, &options);
		if (error) {
			complain(listener, error);
			return error;
		}
	}
	return 0;
}

static size_t pick(const struct listeners *listeners, unsigned slot, bool shared_too, int *fds,
		   unsigned *ids, size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count && found < room; i++) {
		const struct listener *listener = &listeners->all[i];

		if (!listener->grouped && !shared_too)
			continue;
		if (listener->grouped && slot >= listener->count)
			continue;
		fds[found] = listener->sockets[listener->grouped ? slot : 0];
		ids[found++] = i;
	}
	return found;
}

size_t listeners_of_slot(const struct listeners *listeners, unsigned slot, int *fds, unsigned *ids,
			 size_t room)
{
	if (listeners->accept == CLUSTER_ACCEPT_HANDOFF)
		return 0;
	return pick(listeners, slot, true, fds, ids, room);
}

size_t listeners_only_of_slot(const struct listeners *listeners, unsigned slot, int *fds,
			      unsigned *ids, size_t room)
{
	return pick(listeners, slot, false, fds, ids, room);
}

void listeners_close(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];

		for (unsigned k = 0; k < listener->count; k++)
			fd_close(&listener->sockets[k]);
		if (listener->unlink_path)
			unlink(address_unix_path(&listener->address));
		free(listener->sockets);
	}
	free(listeners->all);
	*listeners = (struct listeners){0};
}

const struct address *cluster_address(const struct listeners *listeners, unsigned index)
{
	return index < listeners->count ? &listeners->all[index].address : NULL;
}
