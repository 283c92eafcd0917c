/* SPDX-License-Identifier: MIT
 *
 * Descriptors over a Unix socket (SCM_RIGHTS, unix(7)): the only file that knows CMSG_*. */
#ifndef BROOD_PROC_FDPASS_H
#define BROOD_PROC_FDPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { FDPASS_MAX = 64 };

/* Sends one packet with copies of the descriptors, never waiting. 0 or -errno. */
int fdpass_send(int socket, const struct iovec *parts, size_t part_count, const int *fds,
		size_t fd_count) __attribute__((warn_unused_result));

/* Receives one packet, never waiting. fds has room for FDPASS_MAX; those received are close-on-exec and
 * the caller's. *lost: the kernel had to drop some (no free descriptor in this process), or the data
 * was cut. Returns the packet's size, 0 at end-of-file, or -errno. */
ssize_t fdpass_receive(int socket, void *data, size_t room, int *fds, size_t *fd_count, bool *lost)
	__attribute__((warn_unused_result));

#endif
