/* SPDX-License-Identifier: MIT
 *
 * Writing without waiting, by the means that each kind of descriptor has for it. */
#include "base/output.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct output output_to(int fd)
{
	struct output output = {.fd = fd, .kind = OUTPUT_FILE};
	int saved = errno;
	struct stat status;

	if (fstat(fd, &status) == 0) {
		if (S_ISSOCK(status.st_mode))
			output.kind = OUTPUT_SOCKET;
		else if (S_ISFIFO(status.st_mode))
			output.kind = OUTPUT_PIPE;
		else if (S_ISCHR(status.st_mode) && isatty(fd))
			output.kind = OUTPUT_TERMINAL;
	}
	errno = saved;
	return output;
}

/* A descriptor that is ready takes a whole page at once (pipe(7)), unless another process fills it
 * between the two calls. */
static ssize_t write_when_ready(int fd, const void *data, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};

	if (poll(&ready, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, size);
}

/* RWF_NOWAIT leaves no gap, but pipes know it only since Linux 6.4. */
static ssize_t write_pipe(int fd, const void *data, size_t size)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	ssize_t done = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);

	if (done < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
		done = write_when_ready(fd, data, size);
	return done;
}

static ssize_t attempt(const struct output *output, const void *data, size_t size)
{
	switch (output->kind) {
	case OUTPUT_PIPE:
		return write_pipe(output->fd, data, size);
	case OUTPUT_SOCKET:
		return send(output->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case OUTPUT_TERMINAL:
		return write_when_ready(output->fd, data, size);
	case OUTPUT_FILE:
		break;
	}
	return write(output->fd, data, size);
}

ssize_t output_write(const struct output *output, const void *data, size_t size)
{
	ssize_t done;

	do
		done = attempt(output, data, size);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}
