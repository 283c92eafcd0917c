/* SPDX-License-Identifier: MIT
 *
 * Descriptors over a Unix socket (SCM_RIGHTS, unix(7)): the only file that knows CMSG_*. */
#ifndef BROOD_PROC_FDPASS_H
#define BROOD_PROC_FDPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	FDPASS_MAX = 64,
	FDPASS_RECEIVE_MAX =
		253, /* the kernel's own limit (SCM_MAX_FD): somebody else may send so many, and what there is no room
			for is closed by the kernel, in this process, which may have to wait for that */
};

/* Sends one packet with copies of the descriptors, never waiting. 0 or -errno. */
int fdpass_send(int socket, const struct iovec *parts, size_t part_count, const int *fds, size_t fd_count)
	__attribute__((warn_unused_result));

/* Receives one packet, never waiting. fds has room for FDPASS_RECEIVE_MAX; those received are close-on-exec and
 * the caller's. *lost: the kernel had to drop some (no free descriptor in this process), or the data
 * was cut. Returns the packet's size, 0 at end-of-file, or -errno. */
ssize_t fdpass_receive(int socket, void *data, size_t room, int *fds, size_t *fd_count, bool *lost)
	__attribute__((warn_unused_result));

/* Can this descriptor be sent to anybody? 0, also where none can be sent at the moment, or -errno. */
int fdpass_check(int fd) __attribute__((warn_unused_result));

#endif
