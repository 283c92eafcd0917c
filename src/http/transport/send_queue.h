/* SPDX-License-Identifier: MIT
 *
 * Responses on their way out of one connection, in order. A process has one queue for staging,
 * where the answers of one turn are gathered so that they leave in one system call. What the socket
 * does not take at once moves to a queue of the connection's own, with copies of all that would
 * not last. */
#ifndef BROOD_HTTP_TRANSPORT_SEND_QUEUE_H
#define BROOD_HTTP_TRANSPORT_SEND_QUEUE_H

#include "http/files/response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_entry;
struct stream;

enum {
	SEND_QUEUE_ITEMS_MAX = 64, /* with so many, write before adding */
	SEND_QUEUE_ITEMS_ROOM = SEND_QUEUE_ITEMS_MAX + RESPONSE_PARTS_MAX,
	SEND_QUEUE_IOVECS_MAX = 64,
	SEND_QUEUE_STAGED_MAX = 64 << 10, /* octets in memory: with more, write before adding */
	SEND_QUEUE_COPIES_MAX = 64 << 10, /* of these, octets that had to be copied */
};

enum { PART_HEAD, PART_FIELDS, PART_END, PART_BODY, PART_COUNT };

/* What is left of one response, or of a piece of one that is made of several. Such a response has as
 * many items one behind the other; the last one holds the file and has the entry. */
struct send_queue_item {
	struct slice parts[PART_COUNT];
	bool keep_head, keep_body; /* these parts last while `file` is held; others get copied */
	bool continued;            /* the next item is of the same response */
	int file_fd;
	uint64_t file_offset, file_left;
	struct file *file;          /* held, or NULL */
	struct access_entry *entry; /* for the log, or NULL; owned here once the queue is detached */
	/* Both with those of the items of the same response that have been taken before. */
	uint64_t head_size; /* in all, with the empty line */
	uint64_t written;   /* so far */
};

struct send_queue {
	unsigned first; /* items before it are out */
	unsigned taken; /* items before it have been taken */
	unsigned count;
	unsigned pinned; /* items before it need nothing of the response builder's scratch space */
	uint64_t written;
	size_t staged; /* octets in memory */
	size_t copies_used;
	char *copies;
	struct send_queue_item items[];
};

/* For staging: room for SEND_QUEUE_ITEMS_ROOM. NULL: no memory. */
struct send_queue *send_queue_new(void);

/* Gives the memory back; all items must have been taken. NULL is allowed. */
void send_queue_free(struct send_queue *queue);

/* The staging queue: empty and ready for the next connection; all items must have been taken. */
void send_queue_reset(struct send_queue *queue);

/* Whether one more response may be made and added; makes what was added before independent of the
 * response builder's scratch space. To be asked before each response but the first. */
bool send_queue_ready(struct send_queue *queue);

/* Adds a response, taking over its hold on the file. `end` follows the head: further field lines
 * and the empty line, lasting. Without a body for HEAD; 1xx, 204 and 304 have none anyway. The
 * item is the response's last one. */
struct send_queue_item *send_queue_add(struct send_queue *queue, const struct response *response, struct slice end,
				       bool body);

enum send_queue_result {
	SEND_QUEUE_EMPTY,   /* all is written */
	SEND_QUEUE_BLOCKED, /* the socket takes no more for now */
	SEND_QUEUE_YIELDED, /* it may take more, but others should have their turn */
	SEND_QUEUE_BROKEN,  /* the connection is gone, or a file became shorter while it was sent */
};

/* One turn's share: of files no more than the stream likes to send while others wait. */
enum send_queue_result send_queue_write(struct send_queue *queue, struct stream *stream);

/* The next response that is out, by its last item, for logging and releasing; NULL for none. */
struct send_queue_item *send_queue_take_written(struct send_queue *queue);

/* The next one, out or not, of a connection that is over. */
struct send_queue_item *send_queue_take(struct send_queue *queue);

/* Moves what is left in the staging queue to one that a connection can keep. NULL: no memory, and
 * nothing has changed. */
struct send_queue *send_queue_detach(struct send_queue *staging);

/* The entry of the response that is being written and has begun to go out; NULL: none is, or nobody
 * wants an entry. */
struct access_entry *send_queue_entry_begun(const struct send_queue *queue);

/* Octets of the body that have been written. */
uint64_t send_queue_item_body_sent(const struct send_queue_item *item);

#endif
