/* SPDX-License-Identifier: MIT
 *
 * See fd_kind.h. */
#include "base/fd_kind.h"

#ifdef BROOD_FD_KINDS

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NUMBERS = 1 << 16 }; /* others are not looked after */

/* One table per process, as descriptors are one process's. */
static unsigned char kinds[NUMBERS];

static int is_watched(int fd)
{
	return fd > STDERR_FILENO && fd < NUMBERS;
}

static void check(int fd, enum fd_kind kind, const char *what)
{
	static const char *const names[FD_KINDS] = {"unknown",   "a connection", "a listener",
						    "a channel", "a log",        "shared memory",
						    "a folder",  "a file",       "the pid file"};

	if (!is_watched(fd) || kinds[fd] == FD_UNKNOWN || kinds[fd] == kind)
		return;
	/* Not by the log, which may be what is wrong. */
	dprintf(STDERR_FILENO, "brood: ERROR: descriptor %d is %s and is %s %s\n", fd, names[kinds[fd]], what,
		names[kind]);
	abort();
}

void fd_note(int fd, enum fd_kind kind)
{
	check(fd, kind, "made");
	if (is_watched(fd))
		kinds[fd] = (unsigned char)kind;
}

void fd_expect(int fd, enum fd_kind kind)
{
	check(fd, kind, "used as");
}

void fd_forget(int fd)
{
	if (is_watched(fd))
		kinds[fd] = FD_UNKNOWN;
}

void fd_forget_between(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < NUMBERS; fd++)
		kinds[fd] = FD_UNKNOWN;
}

#else

typedef int nothing_of_this; /* ISO C wants something in each file */

#endif
