/* SPDX-License-Identifier: MIT
 *
 * The listening sockets (listeners.h). Master only. */
#include "cluster/listeners.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/socket.h"
#include "base/trusted_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void explain(const struct listener *listener, int error, char *reason, size_t room)
{
	char holder[128];

	if (error == -EADDRINUSE && socket_holder(&listener->address, holder, sizeof(holder)))
		snprintf(reason, room, "cannot listen on %s: address in use by %s",
			 listener->address.text, holder);
	else if (error == -EADDRINUSE)
		snprintf(reason, room, "cannot listen on %s: address in use", listener->address.text);
	else
		snprintf(reason, room, "cannot listen on %s: %s", listener->address.text,
			 strerror(-error));
}

/* Binds sockets until there are `count`. */
static int fill(struct listener *listener, unsigned count)
{
	struct socket_options options = {
		.backlog = listener->backlog,
		.unix_mode = listener->unix_mode,
		.unix_owner = (uid_t)-1,
		.unix_group = (gid_t)-1,
	};
	int *sockets = realloc(listener->sockets, count * sizeof(int));
	int fd;

	if (!sockets)
		return -ENOMEM;
	listener->sockets = sockets;
	while (listener->count < count) {
		if (listener->growable)
			options.sharing =
				listener->count == 0 ? SOCKET_GROUP_FIRST : SOCKET_GROUP_FURTHER;
		fd = socket_listen(&listener->address, &options);
		if (fd < 0)
			return fd;
		fd_note(fd, FD_LISTENER);
		listener->sockets[listener->count++] = fd;
	}
	return 0;
}

static int open_one(struct listener *listener, const struct cluster_listen *wish)
{
	bool is_unix = address_is_unix(&wish->address);
	int error;

	listener->wish = listener->address = wish->address;
	listener->backlog = wish->backlog;
	listener->unix_mode = wish->unix_mode;
	if (wish->fd >= 0) { /* bound by whoever started us: one socket, and its file is theirs */
		listener->sockets = malloc(sizeof(int));
		if (!listener->sockets)
			return -ENOMEM;
		fd_note(wish->fd, FD_LISTENER);
		listener->sockets[listener->count++] = wish->fd;
		return 0;
	}
	listener->growable = !is_unix;
	error = fill(listener, 1);
	listener->unlink_path = is_unix && !error;
	return error;
}

static void close_one(const struct listeners *listeners, struct listener *listener)
{
	for (unsigned k = 0; k < listener->count; k++) {
		if (listeners->discard)
			listeners->discard(listeners->context, listener->sockets[k]);
		else
			fd_close(&listener->sockets[k]);
	}
	if (listener->unlink_path)
		trusted_file_remove(address_unix_path(&listener->address), NULL);
	free(listener->sockets);
}

/* Nobody is to come by it any more, whoever still has a copy; one that was inherited lives on with whoever bound it. */
static void close_for_good(const struct listeners *listeners, struct listener *listener)
{
	for (unsigned k = 0; k < listener->count && (listener->growable || listener->unlink_path); k++)
		(void)!shutdown(listener->sockets[k], SHUT_RDWR);
	close_one(listeners, listener);
}

/* Keeps those for which `keep` says so, in their order. */
static void sweep(struct listeners *listeners, bool (*keep)(const struct listener *listener))
{
	unsigned kept = 0;

	for (unsigned i = 0; i < listeners->count; i++) {
		if (keep(&listeners->all[i]))
			listeners->all[kept++] = listeners->all[i];
		else
			close_for_good(listeners, &listeners->all[i]);
	}
	listeners->count = kept;
}

static bool is_now(const struct listener *listener)
{
	return listener->now;
}

static struct listener *find(struct listeners *listeners, const struct address *wish)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (address_equal(&listeners->all[i].wish, wish))
			return &listeners->all[i];
	return NULL;
}

static int add(struct listeners *listeners, const struct cluster_listen *wish, char *reason,
	       size_t room)
{
	struct listener *all = realloc(listeners->all, (listeners->count + 1) * sizeof(*all));
	struct listener *listener;
	int error;

	if (!all)
		return -ENOMEM;
	listeners->all = all;
	listener = &all[listeners->count];
	*listener = (struct listener){
		.id = ++listeners->last_id, .next = true, .next_backlog = wish->backlog,
		.tag = wish->tag, .next_tag = wish->tag};
	error = open_one(listener, wish);
	if (error) {
		explain(listener, error, reason, room);
		close_one(listeners, listener);
		return error;
	}
	listeners->count++;
	return 0;
}

int listeners_prepare(struct listeners *listeners, const struct cluster_options *options, char *reason,
		      size_t room)
{
	int error = 0;

	if (options->listen_count > CLUSTER_LISTEN_MAX) {
		snprintf(reason, room, "%zu addresses to listen on: at most %d", options->listen_count,
			 CLUSTER_LISTEN_MAX);
		return -E2BIG;
	}
	snprintf(reason, room, "no memory for listeners");
	for (size_t i = 0; i < options->listen_count && error == 0; i++) {
		const struct cluster_listen *wish = &options->listen[i];
		struct listener *have = find(listeners, &wish->address);

		if (have) {
			have->next = true;
			have->next_backlog = wish->backlog;
			have->next_tag = wish->tag;
		} else {
			error = add(listeners, wish, reason, room);
		}
	}
	if (error == 0 && options->accept == CLUSTER_ACCEPT_REUSEPORT)
		error = listeners_grow(listeners, options->workers, reason, room);
	if (error)
		listeners_abandon(listeners);
	return error;
}

/* listen(2) on a socket that listens already changes the length of its queue, and nothing else. */
static void follow_backlog(struct listener *listener)
{
	if (listener->backlog == listener->next_backlog || !listener->next)
		return;
	listener->backlog = listener->next_backlog;
	for (unsigned i = 0; i < listener->count; i++)
		if (listen(listener->sockets[i], listener->backlog) < 0)
			return; /* it keeps the old length */
}

void listeners_commit(struct listeners *listeners,
		      void (*leaving)(void *context, const struct listener *listener), void *context)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];

		if (!listener->next && leaving)
			leaving(context, listener);
		follow_backlog(listener);
		if (listener->next)
			listener->tag = listener->next_tag;
		listener->now = listener->next;
		listener->next = false;
	}
	sweep(listeners, is_now);
}

void listeners_abandon(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++)
		listeners->all[i].next = false;
	sweep(listeners, is_now);
}

int listeners_grow(struct listeners *listeners, unsigned sockets, char *reason, size_t room)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];
		int error;

		if (!listener->growable || listener->count >= sockets)
			continue;
		error = fill(listener, sockets);
		if (error) {
			explain(listener, error, reason, room);
			return error;
		}
	}
	return 0;
}

unsigned listeners_sockets(const struct listeners *listeners)
{
	unsigned most = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].count > most)
			most = listeners->all[i].count;
	return most;
}

static size_t put(const struct listener *listener, unsigned index, int *fds, unsigned *ids,
		  size_t room)
{
	if (room == 0 || index >= listener->count)
		return 0;
	*fds = listener->sockets[index];
	*ids = listener->id;
	return 1;
}

size_t listeners_of_worker(const struct listeners *listeners, bool next, enum cluster_accept accept,
			   unsigned slot, int *fds, unsigned *ids, size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->all[i];
		bool one = accept == CLUSTER_ACCEPT_REUSEPORT && listener->growable;

		if (!(next ? listener->next : listener->now))
			continue;
		for (unsigned k = one ? slot : 0; k < (one ? slot + 1 : listener->count); k++)
			found += put(listener, k, fds + found, ids + found, room - found);
	}
	return found;
}

size_t listeners_of_group(const struct listeners *listeners, unsigned index, int *fds, unsigned *ids,
			  size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].growable && listeners->all[i].now)
			found += put(&listeners->all[i], index, fds + found, ids + found, room - found);
	return found;
}

/* Also of those that are no part of the configuration: connections by one that goes are still to come. */
size_t listeners_tags(const struct listeners *listeners, bool next, struct listener_tag *out, size_t room)
{
	size_t count = 0;

	for (; count < listeners->count && count < room; count++) {
		const struct listener *listener = &listeners->all[count];

		out[count].id = listener->id;
		out[count].tag = next && listener->next ? listener->next_tag : listener->tag;
	}
	return count;
}

bool listeners_close_doors(const struct listeners *listeners)
{
	bool closed = false;

	for (unsigned i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->all[i];

		/* One that was inherited lives on with whoever bound it, and so does its queue. */
		for (unsigned k = 0; k < listener->count && listener->growable; k++)
			closed |= socket_close_door(listener->sockets[k]) == 0;
	}
	return closed;
}

void listeners_close(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++)
		close_one(listeners, &listeners->all[i]);
	free(listeners->all);
	*listeners = (struct listeners){.discard = listeners->discard, .context = listeners->context};
}

const struct address *cluster_address(const struct listeners *listeners, unsigned index)
{
	return index < listeners->count ? &listeners->all[index].address : NULL;
}

unsigned cluster_tag(const struct listeners *listeners, unsigned index)
{
	return index < listeners->count ? listeners->all[index].tag : 0;
}
