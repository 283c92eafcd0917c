/* SPDX-License-Identifier: MIT
 *
 * A socket whose records the kernel seals and opens (the kernel's Documentation/networking/tls.rst). The
 * keys of both directions are the socket's, so another process can go on with it as with a plain one.
 * What is not a client's data is marked by a control message.
 *
 * New keys (KeyUpdate, RFC 8446 section 4.6.3) cannot be told to the kernels of today: a client that
 * wants them is told goodbye, and so is one, by an answer, long before it would have to want them. */
#include "http/transport/stream.h"
#include "http/tls/private.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 8446 section 5.5 has new keys after some 24 million records. */
enum { REQUESTS_MAX = 4000000 };

enum { LEVEL_TLS = 282 /* SOL_TLS, which not every C library has */ };
enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23, RECORD_UNKNOWN = -1 };
enum { MESSAGE_CLIENT_HELLO = 1, MESSAGE_KEY_UPDATE = 24 };
enum { LEVEL_WARNING = 1, LEVEL_FATAL = 2 };
enum {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_USER_CANCELED = 90,
	ALERT_NO_RENEGOTIATION = 100,
};

union control {
	struct cmsghdr header; /* for its alignment */
	char room[CMSG_SPACE(sizeof(unsigned char))];
};

static int send_alert(int fd, unsigned char level, unsigned char description)
{
	unsigned char alert[] = {level, description};
	union control control = {.room = {0}};
	struct iovec piece = {alert, sizeof(alert)};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = LEVEL_TLS;
	header->cmsg_type = TLS_SET_RECORD_TYPE;
	header->cmsg_len = CMSG_LEN(sizeof(unsigned char));
	*CMSG_DATA(header) = RECORD_ALERT;
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* --- what comes --- */

/* Of a record that has been received. */
static int type_of(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (!header || header->cmsg_level != LEVEL_TLS || header->cmsg_type != TLS_GET_RECORD_TYPE)
		return RECORD_UNKNOWN;
	return *CMSG_DATA(header);
}

/* The last word. What the client goes on to send is to be read all the same. */
static ssize_t end_by(struct stream *stream, unsigned char level, unsigned char description)
{
	struct tls_session *session = stream->tls;

	if (!session->concluded && send_alert(stream->fd, level, description) < 0)
		return -EIO;
	session->concluded = true;
	return -ECONNABORTED;
}

static bool is_tls_1_3(const struct stream *stream)
{
	struct tls_saved_view view;

	return saved_read(&view, stream->tls->saved->octets, stream->tls->saved->size) &&
	       strcmp(view.version, "TLSv1.3") == 0;
}

/* RFC 8446 section 6: but for two, all of them mean the end; RFC 5246 section 7.2: those that only
 * warn do not. */
static ssize_t take_alert(const struct stream *stream, const unsigned char *alert, size_t size)
{
	if (size != 2)
		return -EIO;
	if (alert[1] == ALERT_CLOSE_NOTIFY)
		return 0;
	if (alert[1] == ALERT_USER_CANCELED || (alert[0] == LEVEL_WARNING && !is_tls_1_3(stream)))
		return -EAGAIN;
	return -ECONNRESET;
}

static ssize_t take_handshake(struct stream *stream, const unsigned char *message, size_t size)
{
	bool newer = is_tls_1_3(stream);

	if (size > 0 && message[0] == MESSAGE_CLIENT_HELLO && !newer)
		return send_alert(stream->fd, LEVEL_WARNING, ALERT_NO_RENEGOTIATION) < 0 ? -EIO : -EAGAIN;
	if (size > 0 && message[0] == MESSAGE_KEY_UPDATE && newer)
		return end_by(stream, LEVEL_WARNING, ALERT_CLOSE_NOTIFY);
	return end_by(stream, LEVEL_FATAL, ALERT_UNEXPECTED_MESSAGE);
}

static ssize_t receive_failure(struct stream *stream, int error)
{
	if (error == EAGAIN || error == EINTR)
		return -EAGAIN;
	if (error == EBADMSG)
		return end_by(stream, LEVEL_FATAL, ALERT_BAD_RECORD_MAC);
	return -error;
}

/* One call gives octets of records of the same type. */
static ssize_t receive(struct stream *stream, void *out, size_t room)
{
	union control control;
	struct iovec piece = {out, room};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(stream->fd, &message, MSG_DONTWAIT);

	if (size < 0)
		return receive_failure(stream, errno);
	if (size == 0)
		return 0;
	switch (type_of(&message)) {
	case RECORD_DATA:
		return size;
	case RECORD_ALERT:
		return take_alert(stream, out, (size_t)size);
	case RECORD_HANDSHAKE:
		return take_handshake(stream, out, (size_t)size);
	default:
		return end_by(stream, LEVEL_FATAL, ALERT_UNEXPECTED_MESSAGE);
	}
}

/* --- the end --- */

static bool takes_more(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLOUT};

	return poll(&one, 1, 0) == 1;
}

/* The kernel keeps sealed records to itself while the socket is full. Closing pushes them into the
 * socket as far as there is room, and drops the rest: so there must be room. */
static int conclude(struct stream *stream)
{
	struct tls_session *session = stream->tls;
	int rc = 0;

	if (!session->concluded)
		rc = send_alert(stream->fd, LEVEL_WARNING, ALERT_CLOSE_NOTIFY);
	if (rc == -EAGAIN || rc == -EINTR)
		return -EAGAIN;
	session->concluded = true;
	return takes_more(stream->fd) ? 0 : -EAGAIN;
}

/* The client has been told by close_notify. A FIN would overtake records that the kernel keeps. */
static int finish(struct stream *stream)
{
	(void)stream;
	return 0;
}

static size_t save(const struct stream *stream, char *out)
{
	const struct tls_saved *saved = stream->tls->saved;

	memcpy(out, saved->octets, saved->size);
	return saved->size;
}

static void release(struct stream *stream)
{
	free(stream->tls->saved);
	free(stream->tls);
	stream->tls = NULL;
	stream->io = &stream_plain;
}

/* Part of a record is all that may be in the socket after nothing could be received. */
static bool holds_part(const struct stream *stream)
{
	int octets;

	return ioctl(stream->fd, SIOCINQ, &octets) == 0 && octets > 0;
}

static const struct stream_io stream_kernel = {
	.receive = receive,
	.send = stream_socket_send,
	.send_file = stream_socket_send_file,
	.conclude = conclude,
	.finish = finish,
	.save = save,
	.holds_part = holds_part,
	.release = release,
	.requests_max = REQUESTS_MAX,
	.turn = 4 * TLS_RECORD_MAX, /* sealing takes its time in the kernel, too */
	.moves = true,
};

/* --- from OpenSSL to the kernel --- */

bool kernel_has_keys(const SSL *ssl)
{
	return BIO_get_ktls_send(SSL_get_wbio(ssl)) && BIO_get_ktls_recv(SSL_get_rbio(ssl));
}

bool kernel_take_over(struct stream *stream)
{
	struct tls_session *session = stream->tls;

	if (session->unsent > 0 || SSL_has_pending(session->ssl))
		return false;
	if (!session->client)
		session->client = client_facts(session->ssl);
	session->saved = saved_new(session);
	if (!session->saved)
		return false;
	SSL_free(session->ssl);
	free(session->client);
	free(session->name);
	session->ssl = NULL;
	session->client = NULL;
	session->name = NULL;
	stream->io = &stream_kernel;
	stream->wants = 0;
	stream->buffered = false;
	return true;
}

/* --- from another process --- */

int tls_resume(struct tls *tls, struct stream *stream, const void *octets, size_t size)
{
	struct tls_session *session;
	struct tls_saved_view view;

	if (!saved_read(&view, octets, size))
		return -EINVAL;
	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->saved = saved_copy(octets, size);
	if (!session->saved) {
		free(session);
		return -ENOMEM;
	}
	session->tls = tls;
	session->fd = stream->fd;
	session->settled = true;
	stream->tls = session;
	stream->io = &stream_kernel;
	return 0;
}

bool tls_kernel_exists(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool exists = false;

	if (fd < 0)
		return false;
	/* It is refused in any case, since the socket is not connected: how tells why. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0)
		exists = errno == ENOTCONN;
	close(fd);
	return exists;
}
