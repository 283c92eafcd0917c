/* SPDX-License-Identifier: MIT
 *
 * The octets of one connection, both ways: all that is above these functions is the same whatever
 * lies below them. Non-blocking, like the socket. The socket is its owner's. */
#ifndef BROOD_HTTP_TRANSPORT_STREAM_H
#define BROOD_HTTP_TRANSPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct stream;
struct tls_session;

enum { STREAM_STATE_MAX = 800 };

/* What all of these return instead of a number of octets: -EAGAIN when nothing could be done now,
 * -ECONNABORTED when the client has been told why this is the end, another -errno when the connection
 * is broken. */
struct stream_io {
	/* 0: the client has sent all it ever will. */
	ssize_t (*receive)(struct stream *stream, void *out, size_t room);
	/* `more`: further octets follow at once. May take less than all. */
	ssize_t (*send)(struct stream *stream, const struct iovec *pieces, unsigned count, bool more);
	/* 0: the file has no more, though it should. */
	ssize_t (*send_file)(struct stream *stream, int file, uint64_t offset, size_t size);
	/* Nothing more will be sent: what has been is complete, and is going to reach the client even if
	 * the socket is closed now. 0, also where that cannot be done any more, or -EAGAIN. NULL: it
	 * is so anyway. */
	int (*conclude)(struct stream *stream);
	/* Then, where the client is to see that while the socket stays open. 0 or -errno. */
	int (*finish)(struct stream *stream);
	/* Writes what another process needs to go on with the socket, at most STREAM_STATE_MAX
	 * octets, and returns how many. NULL: nothing. */
	size_t (*save)(const struct stream *stream, char *out);
	/* Something has come that is not enough to receive any of it. NULL: there is no such thing. */
	bool (*holds_part)(const struct stream *stream);
	/* Gives back all but the socket, and tells the client nothing. */
	void (*release)(struct stream *stream);
	unsigned requests_max; /* of one connection */
	bool moves;            /* another process can go on with it */
	/* So many octets may be sent in one turn of a connection, while the others wait: the fewer, the
	 * more time an octet takes. */
	size_t turn;
};

enum stream_phase {
	STREAM_OPEN,
	STREAM_HANDSHAKE, /* it is not open yet: what is received and sent is not the client's or ours */
	STREAM_FRESH,     /* it has been opened by a handshake, and nothing of the client's has come */
};

struct stream {
	const struct stream_io *io;
	int fd;
	/* After -EAGAIN: what the socket is to be watched for (EV_READ, EV_WRITE) where that is not
	 * what the call suggests; 0: it is. */
	short wants;
	enum stream_phase phase;
	/* Other processes have had the socket, and may have copies: what copies share may not be as it should. */
	bool moved;    /* it may have been set to linger */
	bool unsure;   /* it may wait: calls that cannot be told not to are made after stream_make_sure only */
	bool buffered; /* there is more to receive, whatever the socket says */
	struct tls_session *tls;
};

/* A socket as it is. */
extern const struct stream_io stream_plain;

/* Its sending, for others on which it is the same. */
ssize_t stream_socket_send(struct stream *stream, const struct iovec *pieces, unsigned count, bool more);
ssize_t stream_socket_send_file(struct stream *stream, int file, uint64_t offset, size_t size);

/* Octets in the socket, which stay there: for what comes before the stream proper. */
ssize_t stream_peek(const struct stream *stream, void *out, size_t room);

/* When it is closed now, what the client has not taken is dropped, and it sees a reset. */
void stream_abandon(struct stream *stream);

/* No call on its socket waits from now on (as long as nobody who has a copy changes that). */
void stream_make_sure(struct stream *stream);

/* Closes the socket without waiting. */
void stream_close(const struct stream *stream);

/* Octets that have been sent, but not taken by the client. */
int stream_unacknowledged(const struct stream *stream);

/* Of a TCP connection, as far as the kernel knows by now; else 0. */
unsigned stream_round_trip_us(const struct stream *stream);

static inline bool stream_is_plain(const struct stream *stream)
{
	return stream->io == &stream_plain;
}

static inline ssize_t stream_receive(struct stream *stream, void *out, size_t room)
{
	return stream->io->receive(stream, out, room);
}

static inline ssize_t stream_send(struct stream *stream, const struct iovec *pieces, unsigned count, bool more)
{
	return stream->io->send(stream, pieces, count, more);
}

static inline ssize_t stream_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
	return stream->io->send_file(stream, file, offset, size);
}

static inline int stream_conclude(struct stream *stream)
{
	return stream->io->conclude ? stream->io->conclude(stream) : 0;
}

static inline int stream_finish(struct stream *stream)
{
	return stream->io->finish(stream);
}

static inline bool stream_holds_part(const struct stream *stream)
{
	return stream->io->holds_part && stream->io->holds_part(stream);
}

static inline size_t stream_save(const struct stream *stream, char *out)
{
	return stream->io->save ? stream->io->save(stream, out) : 0;
}

static inline void stream_release(struct stream *stream)
{
	stream->io->release(stream);
}

#endif
