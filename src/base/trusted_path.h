/* SPDX-License-Identifier: MIT
 *
 * The way to a file that root creates, writes to or removes. Whoever may write to a folder on that way can lay a link
 * there that leads to any file of the system. So root follows a link only where nobody else can have laid it:
 *
 *     the link belongs to root,
 *     so does the folder that it lies in, and nobody else may write there, and
 *     so do all folders on the way, in which others may write only if they have the sticky bit.
 *
 * Folders of others are entered, and what lies in them may be used, but no link there or below is followed. A path is
 * gone along component by component, each being opened and then looked at, so that nobody can change what was
 * looked at. Of links in /proc those that mean an object (/proc/self/fd/1) are left to the kernel, by the same rule.
 *
 * A process that is not root follows links as the kernel does: it can write nothing that it could not anyway.
 *
 * Master only: paths come from the configuration, and nothing here waits for anybody. */
#ifndef BROOD_BASE_TRUSTED_PATH_H
#define BROOD_BASE_TRUSTED_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { TRUSTED_REASON_MAX = 512 }; /* room for a reason; longer ones are cut */

/* The last component, if it is a link: to be followed, too, or to be left as it is. */
enum trusted_last { TRUSTED_FOLLOW, TRUSTED_NO_FOLLOW };

struct trusted_path {
	int folder;              /* O_PATH, owned; -1: none */
	char name[NAME_MAX + 1]; /* in that folder; "." for the folder itself. Need not be there */
	bool through;            /* `name` may be a link, which the kernel is to follow */
	bool closed;             /* nobody else may change what lies in the folder */
	bool steady;             /* nobody else may change where the path leads */
};

/* Finds where an absolute path leads; its last component need not be there, what is before it must. 0, or -errno
 * with a reason in words, and *out is closed. -EPERM: there is a link that must not be followed. */
int trusted_path_find(struct trusted_path *out, const char *path, enum trusted_last last, char *reason,
		      size_t reason_room) __attribute__((warn_unused_result));

void trusted_path_close(struct trusted_path *path);

#endif
