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
	int backlog; /* length of the accept queue (the kernel cuts it to somaxconn) */
	enum socket_sharing sharing; /* TCP only */
	mode_t unix_mode;            /* permissions of a Unix socket's file */
	uid_t unix_owner;            /* (uid_t)-1, (gid_t)-1: as created */
	gid_t unix_group;
};

/* Binds and listens; close-on-exec, non-blocking; TCP with SO_REUSEADDR, TCP_DEFER_ACCEPT (accept
 * returns what has sent something) and TCP_NODELAY (inherited by what is accepted). *address gets
 * the port that the kernel chose when it was 0, and becomes 0.0.0.0 when it was the wildcard and
 * there is no IPv6. A Unix socket's file is replaced only if nobody answers on it, and appears with
 * its final mode and owner. Returns the fd or -errno. */
int socket_listen(struct address *address, const struct socket_options *options)
	__attribute__((warn_unused_result));

/* Who listens on this address, by /proc: "pid 4711 (nginx)". False when it cannot be told. */
bool socket_holder(const struct address *address, char *out, size_t room);

#endif
