/* SPDX-License-Identifier: MIT
 *
 * The listening sockets. The master owns them and they outlive every worker; workers get copies.
 *
 * Every TCP listener is a group of one or more sockets that share its address (SO_REUSEPORT): one in
 * modes shared and handoff, one for each slot in mode reuseport. Closing a socket of a group resets
 * what is queued on it, so a group only ever grows, and a change of mode only changes who accepts on
 * which. A reload prepares the new set beside the old one; a commit or an abandon ends that. Master
 * only. */
#ifndef BROOD_CLUSTER_LISTENERS_H
#define BROOD_CLUSTER_LISTENERS_H

#include "cluster/cluster.h"

struct listener {
	unsigned id;            /* for as long as it lives, whatever comes and goes beside it */
	struct address wish;    /* as configured */
	struct address address; /* as bound: with the port the kernel chose */
	int backlog, next_backlog;
	unsigned unix_mode;
	unsigned tag, next_tag; /* the program's, in this and in the next configuration */
	bool growable;          /* TCP and bound here, so that further sockets can join */
	int *sockets;
	unsigned count;
	bool unlink_path;       /* a Unix socket that was bound here */
	bool now, next;         /* part of the configuration in force; of the one that is prepared */
};

/* What a worker has to know of a listener by which connections come. */
struct listener_tag {
	unsigned id, tag;
};

struct listeners {
	struct listener *all;
	unsigned count;
	unsigned last_id;
	/* Takes sockets that are no longer listened on. NULL: they are closed. */
	void (*discard)(void *context, int fd);
	void *context;
};

/* Opens what `options` wants and what is not there yet, all or nothing, and marks the next set. 0, or
 * -errno with a reason for people, naming the address and who holds it. Takes the descriptors in
 * options->listen. */
int listeners_prepare(struct listeners *listeners, const struct cluster_options *options, char *reason,
		      size_t reason_room) __attribute__((warn_unused_result));

/* The next set is the one in force; those that are no part of it are passed to `leaving`, which takes
 * what is still queued on their sockets, then closed. */
void listeners_commit(struct listeners *listeners,
		      void (*leaving)(void *context, const struct listener *listener), void *context);

/* Forgets the next set; what was opened only for it is closed. */
void listeners_abandon(struct listeners *listeners);

/* Makes sure that groups have so many sockets. 0, or -errno with a reason. */
int listeners_grow(struct listeners *listeners, unsigned sockets, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* How many sockets the largest group has. */
unsigned listeners_sockets(const struct listeners *listeners);

/* A worker's sockets: of each listener in force (or next), in mode reuseport the one of its slot, else
 * all; of those that are no group the only one. fds[i] belongs to listener ids[i]; borrowed. Returns
 * how many. */
size_t listeners_of_worker(const struct listeners *listeners, bool next, enum cluster_accept accept,
			   unsigned slot, int *fds, unsigned *ids, size_t room);

/* Socket number `index` of each group in force: what somebody must accept on when its slot does not. */
size_t listeners_of_group(const struct listeners *listeners, unsigned index, int *fds, unsigned *ids,
			  size_t room);

/* The tags of all listeners, for a worker of the configuration in force (or next). Returns how many. */
size_t listeners_tags(const struct listeners *listeners, bool next, struct listener_tag *out,
		      size_t room);

/* Admits no new clients by TCP on sockets that were bound here, while those whose handshakes have begun still
 * come. False: where that is not possible, or there is no such socket. */
bool listeners_close_doors(const struct listeners *listeners);

/* Closes all and removes the files of Unix sockets. */
void listeners_close(struct listeners *listeners);

#endif
