/* SPDX-License-Identifier: MIT
 *
 * A socket as it is: recv; send for one piece, sendmsg for several, sendfile for files. Only the last depends on the
 * socket being non-blocking, which others can change who have a copy. */
#include "http/transport/stream.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/socket.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static ssize_t result_of(ssize_t size)
{
	if (size >= 0)
		return size;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t receive(struct stream *stream, void *out, size_t room)
{
	fd_expect(stream->fd, FD_CONNECTION);
	return result_of(recv(stream->fd, out, room, MSG_DONTWAIT));
}

ssize_t stream_socket_send(struct stream *stream, const struct iovec *pieces, unsigned count, bool more)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
	struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};

	fd_expect(stream->fd, FD_CONNECTION);
	if (count == 1)
		return result_of(send(stream->fd, pieces[0].iov_base, pieces[0].iov_len, flags));
	return result_of(sendmsg(stream->fd, &message, flags));
}

ssize_t stream_socket_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
	off_t from = (off_t)offset;

	fd_expect(stream->fd, FD_CONNECTION);
	fd_expect(file, FD_FILE);
	if (stream->unsure)
		stream_make_sure(stream);
	return result_of(sendfile(stream->fd, file, &from, size));
}

static int finish(struct stream *stream)
{
	return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void release(struct stream *stream)
{
	(void)stream;
}

const struct stream_io stream_plain = {
	.receive = receive,
	.send = stream_socket_send,
	.send_file = stream_socket_send_file,
	.finish = finish,
	.release = release,
	.requests_max = UINT_MAX,
	.moves = true,
	.turn = 1 << 20,
};

ssize_t stream_peek(const struct stream *stream, void *out, size_t room)
{
	return result_of(recv(stream->fd, out, room, MSG_PEEK | MSG_DONTWAIT));
}

void stream_make_sure(struct stream *stream)
{
	if (fd_set_nonblock(stream->fd, true) == 0)
		stream->unsure = false;
}

void stream_close(const struct stream *stream)
{
	int fd = stream->fd;

	if (stream->moved)
		socket_close_promptly(fd);
	else
		fd_close(&fd);
}

void stream_abandon(struct stream *stream)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	/* Where that cannot be set the kernel goes on for a while: no harm that could be helped. */
	(void)!setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	stream->moved = false; /* it is as it should be */
}

int stream_unacknowledged(const struct stream *stream)
{
	int octets;

	return ioctl(stream->fd, SIOCOUTQ, &octets) == 0 ? octets : 0;
}

unsigned stream_round_trip_us(const struct stream *stream)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_rtt : 0;
}
