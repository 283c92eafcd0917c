/* SPDX-License-Identifier: MIT
 *
 * Opening things beneath a root, without ever leaving it. The kernel decides (openat2). */
#ifndef BROOD_HTTP_OPEN_H
#define BROOD_HTTP_OPEN_H

#include <stdbool.h>

struct file_root {
	int fd;        /* of a directory; borrowed */
	bool no_links; /* no symbolic link is followed; else those that stay beneath it */
};

/* Opens something below a root, without leaving it, waiting, or becoming a controlling terminal's
 * owner; O_CLOEXEC is added. fd or -errno: -ELOOP for a link that is not followed, -EXDEV for one
 * that leads out. -ENOSYS: a kernel before 5.6. */
int file_open(struct file_root root, const char *name, int flags)
	__attribute__((warn_unused_result));

#endif
