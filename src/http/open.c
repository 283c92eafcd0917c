/* SPDX-License-Identifier: MIT
 *
 * See open.h. */
#include "http/open.h"

#include "base/fd_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_TRIES = 8 /* the kernel gives EAGAIN when a rename crosses the look-up */ };

int file_open(struct file_root root, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH |
			   (root.no_links ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS),
	};

	fd_expect(root.fd, FD_FOLDER);
	for (int try = 0; try < OPEN_TRIES; try++) {
		long fd = syscall(SYS_openat2, root.fd, name, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}
