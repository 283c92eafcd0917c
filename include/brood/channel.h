/* SPDX-License-Identifier: MIT
 *
 * Channels: messages and file descriptors between a parent and its child, both ways.
 *
 * A channel is one end of a connected pair of AF_UNIX SOCK_SEQPACKET sockets: a frame arrives whole
 * or not at all, its descriptors arrive with it, and the end of the peer (by exit or by death) is
 * seen as end-of-file after the last frame it sent. See unix(7), recvmsg(2).
 *
 * All calls are for the process that owns the end, from the thread that runs its event loop. */
#ifndef BROOD_CHANNEL_H
#define BROOD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct brood_channel;

enum {
	BROOD_CHANNEL_SIZE_MAX = 65536, /* octets of one frame's data */
	BROOD_CHANNEL_FDS_MAX = 64,     /* descriptors with one frame */
	BROOD_CHANNEL_QUEUE_MAX = 256,  /* frames that brood_channel_send keeps for a full peer */
};

struct brood_frame {
	uint32_t type;    /* the user's own numbers */
	const void *data; /* may be NULL when size is 0 */
	size_t size;      /* octets */
	int *fds;         /* received: the callback takes one by putting -1 in its place; what it
			     leaves is closed (`discard`). Sent: borrowed, the sender keeps its copies. */
	size_t fd_count;
	bool fds_lost; /* received: the kernel dropped descriptors (this process has none free) */
};

struct brood_channel_handlers {
	/* A frame came. May send, and may free the channel. */
	void (*frame)(void *context, struct brood_frame *frame);
	/* The peer is gone and all it sent has been delivered; error is 0 or a negative errno.
	 * Called once. May free the channel. */
	void (*closed)(void *context, int error);
	/* Takes a descriptor that is to be closed: one that came and that `frame` has left, a copy made for
	 * sending, at last the channel's own end, with what was not read from it. For a process that must not
	 * wait for a close. NULL: it is closed at once. */
	void (*discard)(void *context, int fd);
};

/* Makes a connected pair, close-on-exec and non-blocking. 0 or -errno. */
int brood_channel_pair(int ends[2]) __attribute__((warn_unused_result));

/* Puts an end into the loop. Takes `fd` (also when it fails). `handlers` must outlive the channel.
 * 0, -ENOMEM, or -EINVAL when fd is no such socket. */
int brood_channel_open(struct brood_channel **out, struct event_base *base, int fd,
		       const struct brood_channel_handlers *handlers, void *context)
	__attribute__((warn_unused_result));

/* Sends now or not at all: 0; -EAGAIN when the peer's queue is full (nothing was sent; frames queued by
 * brood_channel_send go first); -EPIPE when the peer is gone; -EMSGSIZE, -ENOMEM; another -errno, most often for
 * one of the descriptors: see brood_channel_can_carry. */
int brood_channel_try(struct brood_channel *channel, const struct brood_frame *frame)
	__attribute__((warn_unused_result));

/* Can this descriptor be sent over a channel at all? 0, also where nothing can be sent at the moment; or why not:
 * -EBADF, -EINVAL, -ETOOMANYREFS (a Unix socket in whose queue others are nested too deep). */
int brood_channel_can_carry(int fd) __attribute__((warn_unused_result));

/* Sends now, or as soon as the peer has room, in order. The frame is copied, its descriptors are
 * duplicated. 0; -ENOBUFS when the queue is full; -EPIPE, -EMSGSIZE, -ENOMEM, -EMFILE. */
int brood_channel_send(struct brood_channel *channel, const struct brood_frame *frame)
	__attribute__((warn_unused_result));

/* Reads and delivers all that has come, without waiting: what a parent does with a dead child's
 * channel before it decides what the child had not done. Ends also when somebody who has inherited the
 * other end goes on sending. Returns true when the end was reached (closed was called), or the channel
 * was freed by a callback. */
bool brood_channel_drain(struct brood_channel *channel);

/* Do frames wait for the peer to have room? */
bool brood_channel_is_full(const struct brood_channel *channel);

int brood_channel_fd(const struct brood_channel *channel);

/* Closes the end and forgets what is queued. NULL is allowed. */
void brood_channel_free(struct brood_channel *channel);

#endif
