/* SPDX-License-Identifier: MIT
 *
 * The pid file: names the master for scripts, and by its lock keeps a second one from starting with
 * the same file. The lock belongs to the open file, so it passes to the children of a fork and ends
 * when the last of them has closed it: workers must not keep the descriptor. Master only. */
#ifndef BROOD_BROOD_SYSTEM_PIDFILE_H
#define BROOD_BROOD_SYSTEM_PIDFILE_H

#include <stddef.h>
#include <sys/types.h>

struct pidfile {
	int fd;     /* close-on-exec, locked; -1: there is none */
	char *path; /* owned */
	pid_t pid;  /* of whom it was written for, or was to be; 0: nobody yet */
};

/* Opens (or creates) and locks; changes nothing in the file. `path` is absolute. 0, or -errno with
 * a reason in words; -EWOULDBLOCK: "already running, pid 4711 (/run/brood.pid)". -EEXIST: the file
 * has other contents than a pid, and is not touched. */
int pidfile_open(struct pidfile *out, const char *path, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Writes the pid of the calling process. 0, or -errno: then closing it removes the file. */
int pidfile_write(struct pidfile *pidfile) __attribute__((warn_unused_result));

/* Removes the file, if it is still the one that this very process wrote, and lets go of it. */
void pidfile_close(struct pidfile *pidfile);

#endif
