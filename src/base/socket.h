/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: made once by the master, kept for as long as their listener lives. */
#ifndef BROOD_BASE_SOCKET_H
#define BROOD_BASE_SOCKET_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum socket_sharing {
	SOCKET_ALONE,         /* one socket for the address */
	SOCKET_GROUP_FIRST,   /* bound without SO_REUSEPORT, so that a second server gets "address in
				 use"; the option is set between bind and listen, for the others */
	SOCKET_GROUP_FURTHER, /* bound with it: joins the first one's group */
};

struct socket_options {
	int backlog;                 /* length of the accept queue (the kernel cuts it to somaxconn) */
	enum socket_sharing sharing; /* TCP only */
	bool quiet;                  /* bind only: nobody comes by it before socket_begin */
	mode_t unix_mode;            /* permissions of a Unix socket's file */
	uid_t unix_owner;            /* (uid_t)-1, (gid_t)-1: as created */
	gid_t unix_group;
};

/* Binds and listens; close-on-exec, non-blocking; TCP with SO_REUSEADDR, TCP_DEFER_ACCEPT (accept
 * returns what has sent something) and TCP_NODELAY (inherited by what is accepted). *address gets
 * the port that the kernel chose when it was 0, and becomes 0.0.0.0 when it was the wildcard and
 * there is no IPv6. "[::]" takes IPv6 only.
 *
 * A Unix socket's file appears with its final mode, and has its final owner before anybody can
 * connect. What is at its path before is replaced only if it is a socket that nobody answers on;
 * -EEXIST: it is no socket; -EPERM: there is a link on the way that must not be followed (trusted_path.h). The umask is
 * changed for a moment: not for processes with threads.
 *
 * Returns the fd or -errno (-EADDRINUSE: somebody listens there; socket_holder.h tells who). */
int socket_listen(struct address *address, const struct socket_options *options) __attribute__((warn_unused_result));

/* A connection to a Unix socket that somebody listens on, or -errno; -EAGAIN: its queue is full. */
int socket_connect_unix(const struct address *address) __attribute__((warn_unused_result));

/* Listens, or changes the length of its queue. 0 or -errno. */
int socket_begin(int fd, int backlog) __attribute__((warn_unused_result));

/* From now on attempts to connect pass this TCP listening socket by: they go to whoever else listens on an address that
 * is theirs, or are refused. Handshakes that have begun go on. There is no way back. 0, or -errno where it cannot be
 * done (kernels before 5.7, without privileges). */
int socket_step_aside(int fd) __attribute__((warn_unused_result));

/* From now on the kernel drops attempts to connect to this TCP listening socket (and whoever makes one tries
 * again in a second); handshakes that have begun go on. There is no way back, for nobody who has a copy of the
 * socket. 0, or -errno where it cannot be done (-EPERM: it has been done). */
int socket_close_door(int fd) __attribute__((warn_unused_result));

enum socket_role { SOCKET_LISTENING, SOCKET_CONNECTION, SOCKET_CHANNEL };

/* Is the descriptor a stream socket that listens, one that does not, or a channel (SOCK_SEQPACKET)? */
bool socket_has_role(int fd, enum socket_role role);

/* Is it a client's connection, as a listener of ours accepts them: TCP (or MPTCP) or Unix, a stream, not listening? One
 * that has been reset is one, too. None of the questions waits for whoever else uses the socket. */
bool socket_is_connection(int fd);

/* Closes one of which others have, or had, copies: should they have set it to linger, it does not. (They can set it
 * again in this very moment; whoever must not wait at all leaves the close to somebody else.) */
void socket_close_promptly(int fd);

#endif
