/* SPDX-License-Identifier: MIT
 *
 * Listeners, from one version of the master to another (listeners_saved.h). Master only. */
#include "cluster/master/listeners_saved.h"

#include "cluster/upgrade/upgrade_master.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

void listener_save(const struct listener *listener, struct upgrade_writer *writer)
{
	struct upgrade_listener saved;

	memset(&saved, 0, sizeof(saved));
	saved.id = listener->id;
	saved.backlog = (uint32_t)listener->backlog;
	saved.unix_mode = listener->unix_mode;
	saved.growable = listener->origin == LISTENER_BOUND;
	saved.unlink_path = listener->origin == LISTENER_BOUND_UNIX;
	saved.now = listener->now;
	saved.wish = listener->wish;
	saved.address = listener->address;
	saved.tag = listener->tag;
	saved.device = listener->device;
	saved.inode = listener->inode;
	upgrade_put(writer, RECORD_LISTENER, &saved, sizeof(saved));
	for (unsigned i = 0; i < listener->count; i++) {
		struct upgrade_socket one = {.fd = upgrade_keep_fd(writer, listener->sockets[i])};

		upgrade_put(writer, RECORD_SOCKET, &one, sizeof(one));
	}
}

static bool is_address(const struct address *address)
{
	socklen_t size = address->size;

	if (!memchr(address->text, '\0', sizeof(address->text)))
		return false;
	switch (address->storage.ss_family) {
	case AF_INET:
		return size == sizeof(struct sockaddr_in);
	case AF_INET6:
		return size == sizeof(struct sockaddr_in6);
	case AF_UNIX:
		return size >= sizeof(sa_family_t) && size <= sizeof(struct sockaddr_un);
	default:
		return false;
	}
}

static bool has_listener(const struct listeners *listeners, unsigned id)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].id == id)
			return true;
	return false;
}

int listener_restore(struct listeners *listeners, const struct upgrade_record *record)
{
	struct upgrade_listener saved;
	struct listener *all;

	upgrade_get(record, &saved, sizeof(saved));
	if (listeners->count >= CLUSTER_LISTEN_MAX || saved.id == 0 || saved.id > listeners->last_id ||
	    has_listener(listeners, saved.id) || saved.backlog > INT32_MAX || !saved.now || !is_address(&saved.wish) ||
	    !is_address(&saved.address) || (saved.unlink_path && !address_is_unix(&saved.address)))
		return -EBADMSG;
	all = realloc(listeners->all, (listeners->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	listeners->all = all;
	all[listeners->count++] = (struct listener){
		.id = saved.id,
		.wish = saved.wish,
		.address = saved.address,
		.backlog = (int)saved.backlog,
		.next_backlog = (int)saved.backlog,
		.unix_mode = saved.unix_mode,
		.next_mode = saved.unix_mode,
		.device = (dev_t)saved.device,
		.inode = (ino_t)saved.inode,
		.tag = saved.tag,
		.next_tag = saved.tag,
		.origin = saved.growable      ? LISTENER_BOUND
			  : saved.unlink_path ? LISTENER_BOUND_UNIX
					      : LISTENER_INHERITED,
		.now = saved.now,
	};
	return 0;
}

int listener_restore_socket(struct listeners *listeners, const struct upgrade_record *record, struct fd_claims *claims)
{
	struct upgrade_socket saved;
	struct listener *listener;
	int *sockets, error;

	if (listeners->count == 0)
		return -EBADMSG;
	listener = &listeners->all[listeners->count - 1];
	if (listener->count >= (listener->origin == LISTENER_BOUND ? CLUSTER_SLOTS_MAX : 1))
		return -EBADMSG;
	upgrade_get(record, &saved, sizeof(saved));
	error = fd_claim_socket(claims, saved.fd, SOCKET_LISTENING);
	if (error)
		return error;
	sockets = realloc(listener->sockets, (listener->count + 1) * sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	listener->sockets = sockets;
	sockets[listener->count++] = saved.fd;
	return 0;
}

/* A listener without a socket would be deaf, and its address free for others. */
bool listeners_are_whole(const struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].count == 0)
			return false;
	return listeners->count > 0;
}
