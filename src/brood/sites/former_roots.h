/* SPDX-License-Identifier: MIT
 *
 * Roots that are none any more, closed by somebody who has the time. The last descriptor on a file system that was
 * unmounted meanwhile (umount -l) is the end of that, which may have to wait for a device or a server that does not
 * answer; and which one is the last nobody can know. Master only. */
#ifndef BROOD_BROOD_SITES_FORMER_ROOTS_H
#define BROOD_BROOD_SITES_FORMER_ROOTS_H

#include <stddef.h>

/* All-zero: none. */
struct former_roots {
	int *fds;
	size_t count;
};

/* Takes fd; -1 is allowed. Without memory it is closed here. */
void former_roots_add(struct former_roots *former, int fd);

/* Leaves them to a child that closes them and ends, however long that takes it, and forgets them. Without a child they
 * are closed here. */
void former_roots_close(struct former_roots *former);

#endif
