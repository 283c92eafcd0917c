/* SPDX-License-Identifier: MIT
 *
 * File descriptors: each has one owner, and these keep the owner's variable honest. */
#ifndef BROOD_BASE_FD_H
#define BROOD_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

/* Closes *fd unless it is -1, and makes it -1. errno is kept. */
void fd_close(int *fd);

/* 0 or -errno. */
int fd_set_nonblock(int fd, bool on) __attribute__((warn_unused_result));
int fd_set_cloexec(int fd, bool on) __attribute__((warn_unused_result));

bool fd_is_pipe(int fd);

/* Does it begin with "#!"? */
bool fd_is_script(int fd);

/* Closes every descriptor above 2 that is not in `keep` (any order, repeats and -1 allowed). */
void fd_close_all_but(const int *keep, size_t count);

/* Makes 0, 1 and 2 exist, on /dev/null where they are closed, so that no socket ever gets such a
 * number. 0 or -errno. */
int fd_open_standard(void) __attribute__((warn_unused_result));

/* Raises RLIMIT_NOFILE to its hard limit and returns what is in force then. */
size_t fd_raise_limit(void);

/* The number of descriptors this process has open (by /proc; 0 when that cannot be read). */
size_t fd_count_open(void);

/* A spare descriptor, given up for a moment when all others are used: with it a process at its
 * limit can still accept a connection to turn it away, instead of spinning on one it cannot take.
 * An all-zero struct is an empty one. */
struct fd_reserve {
	int fd;
};
void fd_reserve_fill(struct fd_reserve *reserve);  /* (re)opens it where possible */
bool fd_reserve_spend(struct fd_reserve *reserve); /* false: there was none */

#endif
