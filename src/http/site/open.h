/* SPDX-License-Identifier: MIT
 *
 * Opening things beneath a root, without ever leaving it. The kernel decides (openat2); where it is too old, or a
 * filter keeps that call from us, we go along the path ourselves (base/path_walk.h), with the same answers. */
#ifndef BROOD_HTTP_SITE_OPEN_H
#define BROOD_HTTP_SITE_OPEN_H

#include <stdbool.h>

struct file_root {
	int fd;        /* of a directory; borrowed */
	bool no_links; /* no symbolic link is followed; else those that stay beneath it */
	bool walks;    /* by path_walk_open: see file_root_make */
};

/* With `walks` as this process and its children must have it. */
struct file_root file_root_make(int fd, bool no_links);

/* Of nothing: its fd is -1. */
struct file_root file_root_none(bool no_links);

/* Opens something below a root, without leaving it, waiting, or becoming a controlling terminal's
 * owner; O_CLOEXEC is added. fd or -errno: -ELOOP for a link that is not followed, -EXDEV for one
 * that leads out. */
int file_open(struct file_root root, const char *name, int flags) __attribute__((warn_unused_result));

/* Does the error come of what this process has run out of, or of the moment, and tell nothing of the path? */
bool file_error_is_own(int error);

#endif
