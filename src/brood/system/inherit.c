/* SPDX-License-Identifier: MIT
 *
 * Socket activation. Master only. */
#include "brood/system/inherit.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static bool read_number(const char *name, uint64_t *out)
{
	const char *text = getenv(name);

	return text && text_parse_u64(text, out) == 0;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Why a descriptor cannot be used, or NULL. */
static const char *find_fault(int fd)
{
	int domain = option(fd, SO_DOMAIN);

	if (domain < 0)
		return errno == ENOTSOCK ? "is no socket" : strerror(errno);
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return "is neither a TCP nor a Unix socket";
	if (option(fd, SO_TYPE) != SOCK_STREAM)
		return "is no stream socket";
	if (option(fd, SO_ACCEPTCONN) != 1)
		return "does not listen";
	if (fd_set_cloexec(fd, true) < 0 || fd_set_nonblock(fd, true) < 0)
		return strerror(errno);
	return NULL;
}

static size_t take(int *fds, size_t room, int end)
{
	size_t count = 0;

	for (int fd = FIRST_FD; fd < end; fd++) {
		const char *fault = find_fault(fd);

		if (!fault && count == room)
			fault = "is one too many";
		if (!fault) {
			fds[count++] = fd;
			continue;
		}
		log_warn("inherited descriptor %d %s; closed", fd, fault);
		close(fd);
	}
	return count;
}

size_t inherit_listeners(int *fds, size_t room)
{
	uint64_t pid = 0, number = 0;
	bool asked = getenv("LISTEN_FDS") != NULL;
	size_t count = 0;
	/* No number above the limit can be open; a wild LISTEN_FDS must not cost a wild loop. */
	long limit = sysconf(_SC_OPEN_MAX);

	if (asked && read_number("LISTEN_PID", &pid) && pid == (uint64_t)getpid()) {
		if (!read_number("LISTEN_FDS", &number) || number > INT_MAX - FIRST_FD ||
		    (long)number + FIRST_FD > limit)
			log_warn("LISTEN_FDS=%s is no number of descriptors; ignored", getenv("LISTEN_FDS"));
		else
			count = take(fds, room, FIRST_FD + (int)number);
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDNAMES");
	return count;
}
