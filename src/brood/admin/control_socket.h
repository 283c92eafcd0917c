/* SPDX-License-Identifier: MIT
 *
 * The control socket: where it is, and making it. The master binds it, so that it outlives each admin
 * process, and never reads from it. Master only. */
#ifndef BROOD_BROOD_ADMIN_CONTROL_SOCKET_H
#define BROOD_BROOD_ADMIN_CONTROL_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

enum { CONTROL_PATH_MAX = 107 }; /* octets: what a socket's address has room for, unix(7) */

/* To be zeroed but for fd, -1: there is none. */
struct control_socket {
	int fd;     /* listening, non-blocking, close-on-exec */
	char *path; /* absolute, owned */
	dev_t device;
	ino_t inode; /* of the file that was made */
	pid_t pid;   /* of who made it */
};

/* Opens what the setting `control` says: "off", "auto", or an absolute path. The file is its owner's
 * alone (0600), its folder is made if need be (not the folders above it). A socket that nobody answers
 * on is replaced.
 *
 * 0: done, or there is none to be. Negative errno with a reason in words: -EADDRINUSE when somebody
 * answers there. Whether that matters is the caller's decision: it must not for "auto". */
int control_socket_open(struct control_socket *out, const char *setting, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Closes; removes the file, if it is still the one that this very process made. */
void control_socket_close(struct control_socket *control);

#endif
