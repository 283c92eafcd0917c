/* SPDX-License-Identifier: MIT
 *
 * Descriptors over a Unix socket. Any process. */
#include "proc/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char space[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	struct cmsghdr align;
};

union control_received {
	char space[CMSG_SPACE(FDPASS_RECEIVE_MAX * sizeof(int))];
	struct cmsghdr align;
};

int fdpass_send(int socket, const struct iovec *parts, size_t part_count, const int *fds, size_t fd_count)
{
	union control control;
	struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = part_count};
	struct cmsghdr *header;
	ssize_t sent;

	if (fd_count > FDPASS_MAX)
		return -EMSGSIZE;
	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	do
		sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

ssize_t fdpass_receive(int socket, void *data, size_t room, int *fds, size_t *fd_count, bool *lost)
{
	union control_received control;
	struct iovec part = {.iov_base = data, .iov_len = room};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space)};
	struct cmsghdr *header;
	ssize_t size;
	size_t bytes;

	*fd_count = 0;
	*lost = false;
	do
		size = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	*lost = (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
	for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = header->cmsg_len - CMSG_LEN(0);
		memcpy(fds + *fd_count, CMSG_DATA(header), bytes);
		*fd_count += bytes / sizeof(int);
	}
	return size;
}

/* One that can always be sent tells whether it is this descriptor that cannot. */
int fdpass_check(int fd)
{
	struct iovec part = {.iov_base = (char[]){0}, .iov_len = 1};
	int ends[2], other, error = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return 0;
	other = eventfd(0, EFD_CLOEXEC);
	if (other >= 0 && fdpass_send(ends[0], &part, 1, &other, 1) == 0)
		error = fdpass_send(ends[0], &part, 1, &fd, 1);
	if (other >= 0)
		close(other);
	close(ends[0]);
	close(ends[1]);
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM ? 0 : error;
}
