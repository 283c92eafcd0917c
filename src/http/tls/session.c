/* SPDX-License-Identifier: MIT
 *
 * One connection's TLS as a stream (stream.h). */
#include "http/transport/stream.h"
#include "http/tls/private.h"

#include <openssl/err.h>

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The handshake is over, one way or the other. */
static void settle(struct tls_session *session)
{
	struct tls *tls = session->tls;

	session->settled = true;
	list_remove(&session->link);
	tls->stats.handshakes--;
	if (!SSL_is_init_finished(session->ssl))
		tls->stats.failed++;
	else if (SSL_session_reused(session->ssl))
		tls->stats.resumed++;
	else
		tls->stats.full++;
}

static void note_progress(struct stream *stream)
{
	struct tls_session *session = stream->tls;

	if (!session->settled && SSL_is_init_finished(session->ssl)) {
		settle(session);
		stream->phase = STREAM_FRESH;
		session->kernel = session->tls->kernel && kernel_has_keys(session->ssl);
	}
}

static void session_free(struct tls_session *session)
{
	SSL_free(session->ssl);
	free(session->saved);
	free(session->client);
	free(session->name);
	free(session);
}

static void release(struct stream *stream)
{
	if (!stream->tls->settled)
		settle(stream->tls);
	session_free(stream->tls);
	stream->tls = NULL;
	stream->phase = STREAM_OPEN;
	stream->io = &stream_plain;
}

static bool speaks_plain_http(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	return reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST;
}

/* What a call that gave no octets comes to. */
static ssize_t failure(struct stream *stream, int result)
{
	struct tls_session *session = stream->tls;
	ssize_t rc = -EIO;

	switch (SSL_get_error(session->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		stream->wants = EV_READ;
		rc = -EAGAIN;
		break;
	case SSL_ERROR_WANT_WRITE:
		stream->wants = EV_WRITE;
		rc = -EAGAIN;
		break;
	case SSL_ERROR_ZERO_RETURN:
		rc = 0;
		break;
	case SSL_ERROR_SSL:
		rc = !session->settled && speaks_plain_http() ? -EPROTO : -ECONNABORTED;
		session->broken = true;
		break;
	default:
		session->broken = true;
	}
	ERR_clear_error();
	return rc;
}

/* What comes to the stream when nothing came of a call to receive. Where OpenSSL has told the client by an
 * alert, what that goes on to send must be read all the same: a reset would take the alert with it. */
static ssize_t end_receiving(struct stream *stream, int result)
{
	ssize_t rc = failure(stream, result);

	if (rc == -EPROTO || rc == -ECONNABORTED)
		release(stream);
	return rc;
}

/* All records that have come, as far as there is room: what OpenSSL holds back the socket does not
 * tell of. */
static ssize_t receive(struct stream *stream, void *out, size_t room)
{
	struct tls_session *session = stream->tls;
	size_t size, total = 0;
	ssize_t rc;
	int result;

	do {
		result = SSL_read_ex(session->ssl, (char *)out + total, room - total, &size);
		if (result != 1)
			break;
		total += size;
	} while (total < room && SSL_has_pending(session->ssl));
	stream->wants = 0;
	stream->buffered = total == room && SSL_has_pending(session->ssl);
	note_progress(stream);
	rc = total > 0 ? (ssize_t)total : end_receiving(stream, result);
	ERR_clear_error(); /* if there was one it will come again */
	if ((rc > 0 || rc == -EAGAIN) && session->kernel)
		kernel_take_over(stream);
	return rc;
}

/* The first `size` octets of tls->record. When the socket did not take a record OpenSSL wants to be
 * offered as many octets again, though a file may have become shorter since. Most often it does not
 * look at them, having sealed the record; but it has not where a message of its own was in the way, so
 * what others have left behind them must not be sent. */
static ssize_t send_record(struct stream *stream, size_t size)
{
	struct tls_session *session = stream->tls;
	char *record = session->tls->record;
	size_t sent = 0;
	int result;

	if (session->unsent > size) {
		memset(record + size, 0, session->unsent - size);
		size = session->unsent;
	}
	result = SSL_write_ex(session->ssl, record, size, &sent);
	stream->wants = 0;
	note_progress(stream);
	if (result == 1) {
		session->unsent = 0;
		return (ssize_t)sent;
	}
	session->unsent = size;
	return failure(stream, result);
}

/* Fills the record with what is at `at` of the pieces and behind. */
static size_t gather(char *record, const struct iovec *pieces, unsigned count, size_t at)
{
	size_t used = 0;

	for (unsigned i = 0; i < count && used < TLS_RECORD_MAX; i++) {
		size_t size = pieces[i].iov_len, step;

		if (at >= size) {
			at -= size;
			continue;
		}
		step = size - at < TLS_RECORD_MAX - used ? size - at : TLS_RECORD_MAX - used;
		memcpy(record + used, (const char *)pieces[i].iov_base + at, step);
		used += step;
		at = 0;
	}
	return used;
}

static ssize_t send_pieces(struct stream *stream, const struct iovec *pieces, unsigned count, bool more)
{
	char *record = stream->tls->tls->record;
	size_t total = 0, size;
	ssize_t sent = 0;

	(void)more;
	while ((size = gather(record, pieces, count, total)) > 0) {
		sent = send_record(stream, size);
		if (sent <= 0)
			break;
		total += (size_t)sent;
	}
	if (total > 0)
		return (ssize_t)total;
	return sent < 0 ? sent : -EIO;
}

static ssize_t send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
	char *record = stream->tls->tls->record;
	size_t total = 0;
	ssize_t got, sent = 0;

	while (total < size) {
		size_t want = size - total < TLS_RECORD_MAX ? size - total : TLS_RECORD_MAX;

		got = pread(file, record, want, (off_t)(offset + total));
		if (got <= 0) {
			sent = got < 0 ? -errno : 0;
			break;
		}
		sent = send_record(stream, (size_t)got);
		if (sent <= 0) {
			sent = sent < 0 ? sent : -EIO;
			break;
		}
		total += (size_t)sent;
	}
	return total > 0 ? (ssize_t)total : sent;
}

/* RFC 8446 section 6.1: close_notify tells that nothing was cut off. */
static int conclude(struct stream *stream)
{
	struct tls_session *session = stream->tls;
	int result;

	if (session->concluded || session->broken || session->unsent > 0 || !SSL_is_init_finished(session->ssl))
		return 0;
	result = SSL_shutdown(session->ssl);
	if (result < 0 && SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_WRITE) {
		stream->wants = EV_WRITE;
		ERR_clear_error();
		return -EAGAIN;
	}
	session->concluded = true;
	stream->wants = 0;
	ERR_clear_error();
	return 0;
}

static int finish(struct stream *stream)
{
	return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
}

/* A handshake that has begun, part of a record. */
static bool holds_part(const struct stream *stream)
{
	const SSL *ssl = stream->tls->ssl;

	if (stream->phase == STREAM_HANDSHAKE)
		return BIO_number_read(SSL_get_rbio(ssl)) > 0;
	return SSL_has_pending(ssl);
}

static const struct stream_io stream_tls = {
	.receive = receive,
	.send = send_pieces,
	.send_file = send_file,
	.conclude = conclude,
	.finish = finish,
	.holds_part = holds_part,
	.release = release,
	.requests_max = UINT_MAX,
	.turn = 4 * TLS_RECORD_MAX,
};

struct stream *tls_gives_way(const struct tls *tls)
{
	if (tls->stats.handshakes < tls->handshakes_max)
		return NULL;
	return LIST_ENTRY(tls->handshakes.next, struct tls_session, link)->stream;
}

int tls_open(struct tls *tls, struct stream *stream)
{
	struct tls_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->tls = tls;
	session->stream = stream;
	session->fd = stream->fd;
	session->ssl = SSL_new(tls->contexts[0].ssl);
	if (!session->ssl || SSL_set_fd(session->ssl, stream->fd) != 1 ||
	    SSL_set_app_data(session->ssl, session) != 1) {
		ERR_clear_error();
		SSL_free(session->ssl);
		free(session);
		return -ENOMEM;
	}
	SSL_set_accept_state(session->ssl);
	if (stream->unsure)
		stream_make_sure(stream);
	list_append(&tls->handshakes, &session->link);
	tls->stats.handshakes++;
	stream->tls = session;
	stream->io = &stream_tls;
	stream->phase = STREAM_HANDSHAKE;
	return 0;
}
