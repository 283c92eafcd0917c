/* SPDX-License-Identifier: MIT
 *
 * The listening sockets. The master owns them and they outlive every worker; workers get copies.
 *
 * Every TCP listener is a group of one or more sockets that share its address (SO_REUSEPORT): one in
 * modes shared and handoff, one for each slot in mode reuseport. Closing a socket of a group resets
 * what is queued on it, so a group only ever grows, and a change of mode only changes who accepts on
 * which. A reload prepares the new set beside the old one; a commit or an abandon ends that.
 *
 * A new listener is quiet up to the commit: it is bound and does not listen, so that no client comes to what nobody
 * accepts on yet, and what may be given up. It may overlap with one that goes ("*:80" and "127.0.0.1:80"): both stand
 * side by side for a while. The old one steps aside at the commit, and is emptied before it is closed
 * (listeners_leaving.c). Master only. */
#ifndef BROOD_CLUSTER_IPC_LISTENERS_H
#define BROOD_CLUSTER_IPC_LISTENERS_H

#include "cluster/cluster.h"

enum listener_origin {
	LISTENER_INHERITED,  /* from whoever started the server: one socket, and a file is theirs */
	LISTENER_BOUND,      /* TCP: further sockets can join */
	LISTENER_BOUND_UNIX, /* with a file to be removed */
};

struct listener {
	unsigned id;            /* for as long as it lives, whatever comes and goes beside it */
	struct address wish;    /* as configured */
	struct address address; /* as bound: with the port the kernel chose */
	int backlog, next_backlog;
	unsigned unix_mode, next_mode;
	dev_t device;           /* of a Unix socket that was bound here: its file, which may be another's by now */
	ino_t inode;            /* 0: not known */
	unsigned tag, next_tag; /* the program's, in this and in the next configuration */
	enum listener_origin origin;
	int *sockets;
	unsigned count;
	bool now, next;  /* part of the configuration in force; of the one that is prepared */
	bool quiet;      /* does not listen yet */
	bool leaving;    /* part of neither: its last clients come in */
	uint64_t due_ms; /* when it is closed; 0: it has not stepped aside yet */
};

/* With more of them the first ones have to hurry. */
enum { LISTENERS_LEAVING_MAX = 256 };

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

/* The same at a start, and the commit: waits for up to two seconds where workers of a server that was killed are just
 * about to leave an address. */
int listeners_start(struct listeners *listeners, const struct cluster_options *options, char *reason,
		    size_t reason_room) __attribute__((warn_unused_result));

/* The next set is the one in force, and its Unix sockets have the permissions that they are to have; those that are no
 * part of it are leaving. What is quiet is to be begun. */
void listeners_commit(struct listeners *listeners);

/* Forgets the next set; what was opened only for it is closed. */
void listeners_abandon(struct listeners *listeners);

/* Those in force that are quiet listen. False: one cannot (logged when `loud`), and may be tried again. */
bool listeners_begin(struct listeners *listeners, bool loud);

/* Makes sure that groups have so many sockets. 0, or -errno with a reason. */
int listeners_grow(struct listeners *listeners, unsigned sockets, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* How many sockets the largest group has. */
unsigned listeners_sockets(const struct listeners *listeners);

/* A worker's sockets: of each listener in force, and of those to come for one that is next, in mode reuseport the one
 * of its slot, else all; of those that are no group the only one. fds[i] belongs to listener ids[i]; borrowed. Returns
 * how many. Those that are next do without what is not theirs from the commit on. */
size_t listeners_of_worker(const struct listeners *listeners, bool next, enum cluster_accept accept, unsigned slot,
			   int *fds, unsigned *ids, size_t room);

/* Socket number `index` of each group in force: what somebody must accept on when its slot does not. */
size_t listeners_of_group(const struct listeners *listeners, unsigned index, int *fds, unsigned *ids, size_t room);

/* The listeners in force. Returns how many. */
size_t listeners_in_force(const struct listeners *listeners, unsigned *ids, size_t room);

/* The tags of all listeners, for a worker of the configuration in force (or next). Returns how many. */
size_t listeners_tags(const struct listeners *listeners, bool next, struct listener_tag *out, size_t room);

/* Admits no new clients by TCP on sockets that were bound here, while those whose handshakes have begun still
 * come. False: where that is not possible, or there is no such socket. */
bool listeners_close_doors(const struct listeners *listeners);

/* Closes those that are neither in force nor next nor leaving. */
void listeners_sweep(struct listeners *listeners);

/* --- listeners_leaving.c --- */

/* One that is leaving lets new clients pass by, and the file of a Unix socket goes. */
void listener_step_aside(struct listener *listener, uint64_t now_ms);

/* Has its time come to be closed? */
bool listener_is_due(const struct listener *listener, uint64_t now_ms);

/* How many are leaving. */
unsigned listeners_leaving(const struct listeners *listeners);

/* Those whose time has come are closed, whoever has a copy. */
void listeners_part(struct listeners *listeners, uint64_t now_ms);

/* --- listeners_file.c --- */

/* These are about the file of a Unix socket that was bound here; it is noted then. */
void listener_note_file(struct listener *listener);
/* False: at its path there is none any more, or another. */
bool listener_is_reached(const struct listener *listener);
bool listeners_are_reached(const struct listeners *listeners);
void listener_remove_file(const struct listener *listener);
/* 0 or -errno. */
int listener_set_mode(const struct listener *listener, unsigned mode) __attribute__((warn_unused_result));

/* --- */

/* Closes all and removes the files of Unix sockets. */
void listeners_close(struct listeners *listeners);

#endif
