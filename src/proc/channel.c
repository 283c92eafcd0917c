/* SPDX-License-Identifier: MIT
 *
 * Channels (brood/channel.h): frames over SOCK_SEQPACKET in an event loop. Any process; what the
 * frames mean is their users' affair. */
#include "brood/channel.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/list.h"
#include "base/log.h"
#include "proc/fdpass.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert((int)FDPASS_MAX == (int)BROOD_CHANNEL_FDS_MAX, "one limit for both");

/* On the wire, in host order: both ends are on one machine. Frozen for 1.x. */
struct header {
	uint32_t size; /* of the data that follows */
	uint32_t type;
};

/* A frame that waits for the peer to have room. Owns its descriptors. */
struct waiting {
	struct list link;
	struct header header;
	size_t fd_count;
	int fds[BROOD_CHANNEL_FDS_MAX];
	char data[];
};

struct brood_channel {
	int fd;
	const struct brood_channel_handlers *handlers;
	void *context;
	struct event *readable, *writable;
	struct list queue; /* of struct waiting, oldest first */
	unsigned queued;
	bool *freed; /* while frames are delivered: set when a callback frees the channel */
	bool ended;
	char *received; /* room for one frame */
};

enum {
	FRAMES_PER_TURN = 64, /* taken from a channel before others have their turn */
	DRAIN_MAX = 4096,     /* more than a socket holds: what goes on beyond comes from somebody who
				 goes on sending, and may never stop */
};

static int transmit(struct brood_channel *channel, const struct header *header, const void *data, const int *fds,
		    size_t fd_count)
{
	struct iovec parts[2] = {{(void *)header, sizeof(*header)}, {(void *)data, header->size}};
	int error = fdpass_send(channel->fd, parts, header->size > 0 ? 2 : 1, fds, fd_count);

	/* A shortage of kernel memory for the packet passes as soon as somebody reads. */
	if (error == -ENOBUFS)
		return -EAGAIN;
	if (error == -ECONNRESET || error == -ENOTCONN)
		return -EPIPE;
	return error;
}

static void discard(const struct brood_channel_handlers *handlers, void *context, int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (handlers->discard && fds[i] != -1)
			handlers->discard(context, fds[i]);
		else
			fd_close(&fds[i]);
		fds[i] = -1;
	}
}

static void forget(struct brood_channel *channel, struct waiting *frame)
{
	list_remove(&frame->link);
	channel->queued--;
	discard(channel->handlers, channel->context, frame->fds, frame->fd_count);
	free(frame);
}

/* So does too many descriptors in flight for this user. */
static bool passes(int error)
{
	return error == -EAGAIN || error == -ETOOMANYREFS;
}

/* Has it a descriptor that nobody can be sent? */
static bool is_hopeless(const struct waiting *frame)
{
	bool hopeless = false;

	for (size_t i = 0; i < frame->fd_count && !hopeless; i++)
		hopeless = fdpass_check(frame->fds[i]) < 0;
	return hopeless;
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct brood_channel *channel = argument;
	struct waiting *frame;
	int error;

	(void)fd, (void)what;
	while (!list_empty(&channel->queue)) {
		frame = LIST_ENTRY(channel->queue.next, struct waiting, link);
		error = transmit(channel, &frame->header, frame->data, frame->fds, frame->fd_count);
		if (error == -EAGAIN || (error == -ETOOMANYREFS && !is_hopeless(frame)))
			return;
		/* Sent; or the peer is gone, which the reading side will say. */
		if (error < 0 && error != -EPIPE)
			log_error("a message of type %u cannot be sent and is lost: %s", frame->header.type,
				  strerror(-error));
		forget(channel, frame);
	}
	event_del(channel->writable);
}

/* Delivers one frame. False when the callback has freed the channel. */
static bool deliver(struct brood_channel *channel, struct brood_frame *frame)
{
	const struct brood_channel_handlers *handlers = channel->handlers;
	void *context = channel->context;
	bool freed = false;

	channel->freed = &freed;
	handlers->frame(context, frame);
	discard(handlers, context, frame->fds, frame->fd_count);
	if (freed)
		return false;
	channel->freed = NULL;
	return true;
}

enum reading { READING_MORE, READING_EMPTY, READING_OVER };

static enum reading end(struct brood_channel *channel, int error)
{
	channel->ended = true;
	event_del(channel->readable);
	channel->handlers->closed(channel->context, error);
	return READING_OVER;
}

/* Receives and delivers one frame. READING_OVER: the end was told, or the channel is no more. */
static enum reading read_one(struct brood_channel *channel)
{
	int fds[FDPASS_RECEIVE_MAX];
	struct header header;
	struct brood_frame frame = {.fds = fds};
	ssize_t size = fdpass_receive(channel->fd, channel->received, sizeof(header) + BROOD_CHANNEL_SIZE_MAX, fds,
				      &frame.fd_count, &frame.fds_lost);

	if (size == -EAGAIN)
		return READING_EMPTY;
	/* A peer that died with unread frames of ours sets this error once; what it had sent is still
	 * there and comes next. */
	if (size == -ECONNRESET)
		return READING_MORE;
	if (size < 0 || (size == 0 && frame.fd_count == 0))
		return end(channel, (int)size);
	memcpy(&header, channel->received, (size_t)size < sizeof(header) ? (size_t)size : sizeof(header));
	if ((size_t)size < sizeof(header) || header.size != (size_t)size - sizeof(header) ||
	    frame.fd_count > BROOD_CHANNEL_FDS_MAX) {
		discard(channel->handlers, channel->context, fds, frame.fd_count);
		return end(channel, -EPROTO);
	}
	frame.type = header.type;
	frame.data = channel->received + sizeof(header);
	frame.size = header.size;
	return deliver(channel, &frame) ? READING_MORE : READING_OVER;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct brood_channel *channel = argument;

	(void)fd, (void)what;
	for (unsigned i = 0; i < FRAMES_PER_TURN; i++)
		if (read_one(channel) != READING_MORE)
			return;
}

int brood_channel_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ? -errno : 0;
}

static int check_socket(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return -EINVAL;
	return 0;
}

int brood_channel_open(struct brood_channel **out, struct event_base *base, int fd,
		       const struct brood_channel_handlers *handlers, void *context)
{
	struct brood_channel *channel = calloc(1, sizeof(*channel));
	int error = check_socket(fd);

	*out = NULL;
	if (!channel) {
		fd_close(&fd);
		return -ENOMEM;
	}
	channel->fd = fd;
	fd_note(fd, FD_CHANNEL);
	channel->handlers = handlers;
	channel->context = context;
	list_init(&channel->queue);
	if (error)
		goto fail;
	error = -ENOMEM;
	channel->received = malloc(sizeof(struct header) + BROOD_CHANNEL_SIZE_MAX);
	channel->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, channel);
	channel->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, channel);
	if (!channel->received || !channel->readable || !channel->writable || event_add(channel->readable, NULL) < 0)
		goto fail;
	*out = channel;
	return 0;
fail:
	brood_channel_free(channel);
	return error;
}

static struct header header_of(const struct brood_frame *frame)
{
	return (struct header){.size = (uint32_t)frame->size, .type = frame->type};
}

int brood_channel_try(struct brood_channel *channel, const struct brood_frame *frame)
{
	struct header header = header_of(frame);

	if (frame->size > BROOD_CHANNEL_SIZE_MAX || frame->fd_count > BROOD_CHANNEL_FDS_MAX)
		return -EMSGSIZE;
	if (!list_empty(&channel->queue))
		return -EAGAIN;
	return transmit(channel, &header, frame->data, frame->fds, frame->fd_count);
}

static int enqueue(struct brood_channel *channel, const struct brood_frame *frame)
{
	struct waiting *waiting;
	int error;

	if (channel->queued >= BROOD_CHANNEL_QUEUE_MAX)
		return -ENOBUFS;
	waiting = malloc(sizeof(*waiting) + frame->size);
	if (!waiting)
		return -ENOMEM;
	list_init(&waiting->link);
	waiting->header = header_of(frame);
	if (frame->size > 0)
		memcpy(waiting->data, frame->data, frame->size);
	list_append(&channel->queue, &waiting->link);
	channel->queued++;
	for (waiting->fd_count = 0; waiting->fd_count < frame->fd_count; waiting->fd_count++) {
		int copy = fcntl(frame->fds[waiting->fd_count], F_DUPFD_CLOEXEC, 3);

		if (copy < 0) {
			error = -errno;
			goto fail;
		}
		waiting->fds[waiting->fd_count] = copy;
	}
	if (event_add(channel->writable, NULL) == 0)
		return 0;
	error = -ENOMEM;
fail:
	forget(channel, waiting);
	return error;
}

int brood_channel_send(struct brood_channel *channel, const struct brood_frame *frame)
{
	int error = brood_channel_try(channel, frame);

	return passes(error) ? enqueue(channel, frame) : error;
}

int brood_channel_can_carry(int fd)
{
	return fdpass_check(fd);
}

bool brood_channel_drain(struct brood_channel *channel)
{
	enum reading reading = channel->ended ? READING_OVER : READING_MORE;

	for (unsigned i = 0; i < DRAIN_MAX && reading == READING_MORE; i++)
		reading = read_one(channel);
	return reading == READING_OVER; /* the channel may be gone by now */
}

bool brood_channel_is_full(const struct brood_channel *channel)
{
	return !list_empty(&channel->queue);
}

int brood_channel_fd(const struct brood_channel *channel)
{
	return channel->fd;
}

void brood_channel_free(struct brood_channel *channel)
{
	if (!channel)
		return;
	if (channel->freed)
		*channel->freed = true;
	while (!list_empty(&channel->queue))
		forget(channel, LIST_ENTRY(channel->queue.next, struct waiting, link));
	if (channel->readable)
		event_free(channel->readable);
	if (channel->writable)
		event_free(channel->writable);
	discard(channel->handlers, channel->context, &channel->fd, 1);
	free(channel->received);
	free(channel);
}
