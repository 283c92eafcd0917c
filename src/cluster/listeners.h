/* SPDX-License-Identifier: MIT
 *
 * The listening sockets. The master owns them and they outlive every worker; workers get copies. In
 * mode reuseport an address has a socket for each slot, and since closing one of a group resets what
 * is queued on it, sockets are only ever added while the server runs. Master only. */
#ifndef BROOD_CLUSTER_LISTENERS_H
#define BROOD_CLUSTER_LISTENERS_H

#include "cluster/cluster.h"

struct listener {
	struct address address; /* as bound: with the port the kernel chose */
	bool grouped;           /* a socket per slot; else one for all, sockets[0] */
	int backlog;
	int *sockets;
	unsigned count;
	bool unlink_path;       /* a Unix socket that was bound here */
};

struct listeners {
	enum cluster_accept accept;
	struct listener *all;
	unsigned count;
};

/* Binds everything, or nothing: 0, or -errno after logging one line that says which address, why, and
 * who holds it. Takes inherited sockets. */
int listeners_open(struct listeners *listeners, enum cluster_accept accept,
		   const struct cluster_listen *listen, size_t count, unsigned slots)
	__attribute__((warn_unused_result));

/* Makes sure that grouped listeners have a socket for each slot. 0, or -errno (logged). */
int listeners_grow(struct listeners *listeners, unsigned slots) __attribute__((warn_unused_result));

/* A slot's own sockets: fds[i] belongs to listener ids[i]. In mode handoff there are none, in mode
 * shared every slot has the same. Returns how many; borrowed. */
size_t listeners_of_slot(const struct listeners *listeners, unsigned slot, int *fds, unsigned *ids,
			 size_t room);

/* Of these, the ones that no other slot has: what somebody must adopt when the slot is not served. */
size_t listeners_only_of_slot(const struct listeners *listeners, unsigned slot, int *fds,
			      unsigned *ids, size_t room);

/* Closes all and removes the files of Unix sockets. */
void listeners_close(struct listeners *listeners);

#endif
