/* SPDX-License-Identifier: MIT
 *
 * See open.h. */
#include "http/site/open.h"

#include "base/fd_kind.h"
#include "base/path_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_TRIES = 8 /* it is EAGAIN when a rename crosses the look-up */ };

/* fd or -errno. */
static int ask_kernel(struct file_root root, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | (root.no_links ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS),
	};
	long fd = syscall(SYS_openat2, root.fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

struct file_root file_root_make(int fd, bool no_links)
{
	struct file_root root = {.fd = -1, .no_links = no_links};
	int error = ask_kernel(root, ".", O_PATH);

	/* Nothing else does a kernel say that has the call and all of its flags, of a descriptor that is none; filters
	 * say ENOSYS, EPERM or what they like. */
	root.walks = error != -EBADF && error != -EMFILE && error != -ENFILE && error != -ENOMEM;
	root.fd = fd;
	return root;
}

struct file_root file_root_none(bool no_links)
{
	return (struct file_root){.fd = -1, .no_links = no_links};
}

int file_open(struct file_root root, const char *name, int flags)
{
	fd_expect(root.fd, FD_FOLDER);
	for (int try = 0; try < OPEN_TRIES; try++) {
		int fd = root.walks ? path_walk_open(root.fd, name, flags, root.no_links)
				    : ask_kernel(root, name, flags);

		if (fd != -EAGAIN && fd != -EINTR)
			return fd;
	}
	return -EAGAIN;
}

bool file_error_is_own(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EINTR || error == -EAGAIN;
}
