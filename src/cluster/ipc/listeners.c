/* SPDX-License-Identifier: MIT
 *
 * The listening sockets (listeners.h). Master only. */
#include "cluster/ipc/listeners.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/socket_holder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_socket(const void *context, uint64_t inode)
{
	const struct listeners *listeners = context;

	for (unsigned i = 0; i < listeners->count; i++)
		for (unsigned k = 0; k < listeners->all[i].count; k++)
			if (socket_inode(listeners->all[i].sockets[k]) == inode)
				return true;
	return false;
}

static void explain(const struct listeners *listeners, const struct listener *listener, int error, char *reason,
		    size_t room)
{
	const struct socket_own own = {.has = has_socket, .context = listeners};
	char holder[128];

	for (unsigned i = 0; error == -EADDRINUSE && i < listeners->count; i++) {
		const struct listener *other = &listeners->all[i];

		if (other->origin != LISTENER_BOUND && address_overlaps(&other->address, &listener->address)) {
			snprintf(reason, room, "cannot listen on %s beside %s, which was inherited",
				 listener->address.text, other->address.text);
			return;
		}
	}
	if (error == -EADDRINUSE && socket_holder(&listener->address, &own, holder, sizeof(holder)))
		snprintf(reason, room, "cannot listen on %s: address in use by %s", listener->address.text, holder);
	else if (error == -EADDRINUSE)
		snprintf(reason, room, "cannot listen on %s: address in use", listener->address.text);
	else
		snprintf(reason, room, "cannot listen on %s: %s", listener->address.text, strerror(-error));
}

/* Binds sockets until there are `count`. `beside`: the first one, too, shares its address with others of ours. */
static int fill(struct listener *listener, unsigned count, bool beside)
{
	struct socket_options options = {
		.backlog = listener->backlog,
		.unix_mode = listener->unix_mode,
		.unix_owner = (uid_t)-1,
		.unix_group = (gid_t)-1,
		.quiet = listener->quiet,
	};
	int *sockets = realloc(listener->sockets, count * sizeof(int));
	int fd;

	if (!sockets)
		return -ENOMEM;
	listener->sockets = sockets;
	while (listener->count < count) {
		if (listener->origin == LISTENER_BOUND)
			options.sharing = listener->count == 0 && !beside ? SOCKET_GROUP_FIRST : SOCKET_GROUP_FURTHER;
		fd = socket_listen(&listener->address, &options);
		if (fd < 0)
			return fd;
		fd_note(fd, FD_LISTENER);
		listener->sockets[listener->count++] = fd;
	}
	return 0;
}

/* Does one of ours have a part of this address already? */
static bool stands_beside(const struct listeners *listeners, const struct address *address)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].origin == LISTENER_BOUND && address_overlaps(&listeners->all[i].address, address))
			return true;
	return false;
}

static int open_one(const struct listeners *listeners, struct listener *listener, const struct cluster_listen *wish)
{
	const struct socket_own own = {.has = has_socket, .context = listeners};
	bool is_unix = address_is_unix(&wish->address), beside = stands_beside(listeners, &wish->address);
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
	listener->origin = is_unix ? LISTENER_INHERITED : LISTENER_BOUND; /* not bound yet */
	listener->quiet = true;
	error = fill(listener, 1, beside);
	if (is_unix && !error) {
		listener->origin = LISTENER_BOUND_UNIX;
		listener_note_file(listener);
	}
	/* Sharing with ourselves we have shared with anybody of our user. */
	return !error && beside && socket_is_shared(&listener->address, &own) ? -EADDRINUSE : error;
}

static void close_one(const struct listeners *listeners, struct listener *listener)
{
	for (unsigned k = 0; k < listener->count; k++) {
		if (listeners->discard)
			listeners->discard(listeners->context, listener->sockets[k]);
		else
			fd_close(&listener->sockets[k]);
	}
	listener_remove_file(listener);
	free(listener->sockets);
}

/* Nobody is to come by it any more, whoever still has a copy; one that was inherited lives on with whoever bound it. */
static void close_for_good(const struct listeners *listeners, struct listener *listener)
{
	for (unsigned k = 0; k < listener->count && listener->origin != LISTENER_INHERITED; k++)
		(void)!shutdown(listener->sockets[k], SHUT_RDWR);
	close_one(listeners, listener);
}

void listeners_sweep(struct listeners *listeners)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];

		if (listener->now || listener->next || listener->leaving)
			listeners->all[kept++] = *listener;
		else
			close_for_good(listeners, listener);
	}
	listeners->count = kept;
}

static void keep(struct listener *listener, const struct cluster_listen *wish)
{
	listener->next = true;
	listener->next_backlog = wish->backlog;
	listener->next_mode = wish->unix_mode;
	listener->next_tag = wish->tag;
}

/* By what was wished for, or by what has become of that: a port that the kernel chose, or "*" where there is no IPv6.
 */
static struct listener *find(struct listeners *listeners, const struct address *address)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];

		if (!listener->leaving &&
		    (address_same(&listener->wish, address) || address_same(&listener->address, address)))
			return listener;
	}
	return NULL;
}

static int add(struct listeners *listeners, const struct cluster_listen *wish, char *reason, size_t room)
{
	struct listener *all = realloc(listeners->all, (listeners->count + 1) * sizeof(*all));
	struct listener *listener, *twin;
	int error;

	if (!all)
		return -ENOMEM;
	listeners->all = all;
	listener = &all[listeners->count];
	*listener = (struct listener){.id = ++listeners->last_id, .tag = wish->tag};
	keep(listener, wish);
	error = open_one(listeners, listener, wish);
	if (error) {
		explain(listeners, listener, error, reason, room);
		close_one(listeners, listener);
		return error;
	}
	twin = find(listeners, &listener->address);
	if (twin && listener->origin == LISTENER_BOUND) { /* two of the very same address would be one group */
		close_one(listeners, listener);
		keep(twin, wish);
		return 0;
	}
	listeners->count++;
	return 0;
}

int listeners_prepare(struct listeners *listeners, const struct cluster_options *options, char *reason, size_t room)
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

		/* A socket that nobody can reach any more makes room for one that is reached. */
		if (have && listener_is_reached(have))
			keep(have, wish);
		else
			error = add(listeners, wish, reason, room);
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
	if (listener->backlog == listener->next_backlog)
		return;
	listener->backlog = listener->next_backlog;
	for (unsigned i = 0; i < listener->count && !listener->quiet; i++)
		if (socket_begin(listener->sockets[i], listener->backlog) < 0)
			return; /* it keeps the old length */
}

static void follow_mode(struct listener *listener)
{
	int error;

	if (listener->unix_mode == listener->next_mode || listener->origin != LISTENER_BOUND_UNIX)
		return;
	error = listener_set_mode(listener, listener->next_mode);
	if (error)
		log_error("the permissions of %s stay %04o: %s", listener->address.text, listener->unix_mode,
			  strerror(-error));
	else
		listener->unix_mode = listener->next_mode;
}

void listeners_commit(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];

		if (listener->next) {
			follow_backlog(listener);
			follow_mode(listener);
			listener->tag = listener->next_tag;
		}
		listener->leaving |= listener->now && !listener->next;
		listener->now = listener->next;
		listener->next = false;
	}
	listeners_sweep(listeners);
}

bool listeners_begin(struct listeners *listeners, bool loud)
{
	char reason[256];
	bool all = true;

	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];
		int error = 0;

		if (!listener->now || !listener->quiet)
			continue;
		for (unsigned k = 0; k < listener->count && error == 0; k++)
			error = socket_begin(listener->sockets[k], listener->backlog);
		listener->quiet = error != 0;
		all &= !listener->quiet;
		if (error == 0 || !loud)
			continue;
		explain(listeners, listener, error, reason, sizeof(reason));
		log_error("%s", reason);
	}
	return all;
}

void listeners_abandon(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++)
		listeners->all[i].next = false;
	listeners_sweep(listeners);
}

int listeners_grow(struct listeners *listeners, unsigned sockets, char *reason, size_t room)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->all[i];
		int error;

		if (listener->origin != LISTENER_BOUND || listener->leaving || listener->count >= sockets)
			continue;
		error = fill(listener, sockets, true);
		if (error) {
			explain(listeners, listener, error, reason, room);
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

static size_t put(const struct listener *listener, unsigned index, int *fds, unsigned *ids, size_t room)
{
	if (room == 0 || index >= listener->count)
		return 0;
	*fds = listener->sockets[index];
	*ids = listener->id;
	return 1;
}

size_t listeners_of_worker(const struct listeners *listeners, bool next, enum cluster_accept accept, unsigned slot,
			   int *fds, unsigned *ids, size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->all[i];
		bool one = accept == CLUSTER_ACCEPT_REUSEPORT && listener->origin == LISTENER_BOUND;

		if (!listener->now && !(next && listener->next))
			continue;
		for (unsigned k = one ? slot : 0; k < (one ? slot + 1 : listener->count); k++)
			found += put(listener, k, fds + found, ids + found, room - found);
	}
	return found;
}

size_t listeners_of_group(const struct listeners *listeners, unsigned index, int *fds, unsigned *ids, size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].origin == LISTENER_BOUND && listeners->all[i].now)
			found += put(&listeners->all[i], index, fds + found, ids + found, room - found);
	return found;
}

size_t listeners_in_force(const struct listeners *listeners, unsigned *ids, size_t room)
{
	size_t found = 0;

	for (unsigned i = 0; i < listeners->count && found < room; i++)
		if (listeners->all[i].now)
			ids[found++] = listeners->all[i].id;
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
		for (unsigned k = 0; k < listener->count && listener->origin == LISTENER_BOUND; k++)
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
