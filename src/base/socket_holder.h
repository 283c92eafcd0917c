/* SPDX-License-Identifier: MIT
 *
 * Who has an address that is taken, by /proc. */
#ifndef BROOD_BASE_SOCKET_HOLDER_H
#define BROOD_BASE_SOCKET_HOLDER_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sockets that do not count. NULL: all do. */
struct socket_own {
	bool (*has)(const void *context, uint64_t inode);
	const void *context;
};

/* The number by which /proc knows a socket, unique while it is there; 0: it cannot be told. */
uint64_t socket_inode(int fd);

/* Does another socket listen, by TCP, where this address does? One of the same user may share it unseen (SO_REUSEPORT).
 * Only what listens is looked at, however many connections there are. */
bool socket_is_shared(const struct address *address, const struct socket_own *own);

/* Who listens on this address: "pid 4711 (nginx)"; of a family of processes the one with
 * the lowest pid. False when it cannot be told. Slow (reads all of /proc): for error messages. */
bool socket_holder(const struct address *address, const struct socket_own *own, char *out, size_t room);

/* What is to be expected of who listens on the address: nobody does (any more); only processes do whose names begin so
 * (children, whose parent shared it with them and has gone), and such as are coming to their end; or somebody else. As
 * slow. */
enum socket_prospect { SOCKET_FREE, SOCKET_LEFT, SOCKET_TAKEN };

enum socket_prospect socket_prospect(const struct address *address, const char *children);

#endif
