/* SPDX-License-Identifier: MIT
 *
 * Responses on their way out of one connection, in order. A process has one outbox for staging,
 * where the answers of one turn are gathered so that they leave in one system call. What the socket
 * does not take at once moves to an outbox of the connection's own, with copies of all that would
 * not last. */
#ifndef BROOD_HTTP_TRANSPORT_OUTBOX_H
#define BROOD_HTTP_TRANSPORT_OUTBOX_H

#include "http/files/response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;
struct stream;

enum {
	OUTBOX_ITEMS_MAX = 64, /* with so many, write before adding */
	OUTBOX_ITEMS_ROOM = OUTBOX_ITEMS_MAX + RESPONSE_PARTS_MAX,
	OUTBOX_IOVECS_MAX = 64,
	OUTBOX_STAGED_MAX = 64 << 10, /* octets in memory: with more, write before adding */
	OUTBOX_COPIES_MAX = 64 << 10, /* of these, octets that had to be copied */
};

enum { PART_HEAD, PART_FIELDS, PART_END, PART_BODY, PART_COUNT };

/* What is left of one response, or of a piece of one that is made of several. Such a response has as
 * many items one behind the other; the last one holds the file and has the record. */
struct outbox_item {
	struct slice parts[PART_COUNT];
	bool keep_head, keep_body; /* these parts last while `file` is held; others get copied */
	bool continued;            /* the next item is of the same response */
	int file_fd;
	uint64_t file_offset, file_left;
	struct file *file;     /* held, or NULL */
	struct record *record; /* for the log, or NULL; owned here once the outbox is detached */
	/* Both with those of the items of the same response that have been taken before. */
	uint64_t head_size; /* in all, with the empty line */
	uint64_t written;   /* so far */
};

struct outbox {
	unsigned first; /* items before it are out */
	unsigned taken; /* items before it have been taken */
	unsigned count;
	unsigned pinned; /* items before it need nothing of the response maker's scratch space */
	uint64_t written;
	size_t staged; /* octets in memory */
	size_t copies_used;
	char *copies;
	struct outbox_item items[];
};

/* For staging: room for OUTBOX_ITEMS_ROOM. NULL: no memory. */
struct outbox *outbox_new(void);

/* Gives the memory back; all items must have been taken. NULL is allowed. */
void outbox_free(struct outbox *outbox);

/* The staging outbox: empty and ready for the next connection; all items must have been taken. */
void outbox_reset(struct outbox *outbox);

/* Whether one more response may be made and added; makes what was added before independent of the
 * response maker's scratch space. To be asked before each response but the first. */
bool outbox_ready(struct outbox *outbox);

/* Adds a response, taking over its hold on the file. `end` follows the head: further field lines
 * and the empty line, lasting. Without a body for HEAD; 1xx, 204 and 304 have none anyway. The
 * item is the response's last one. */
struct outbox_item *outbox_add(struct outbox *outbox, const struct response *response, struct slice end, bool body);

enum outbox_result {
	OUTBOX_EMPTY,   /* all is written */
	OUTBOX_BLOCKED, /* the socket takes no more for now */
	OUTBOX_YIELDED, /* it may take more, but others should have their turn */
	OUTBOX_BROKEN,  /* the connection is gone, or a file became shorter while it was sent */
};

/* One turn's share: of files no more than the stream likes to send while others wait. */
enum outbox_result outbox_write(struct outbox *outbox, struct stream *stream);

/* The next response that is out, by its last item, for logging and releasing; NULL for none. */
struct outbox_item *outbox_take_written(struct outbox *outbox);

/* The next one, out or not, of a connection that is over. */
struct outbox_item *outbox_take(struct outbox *outbox);

/* Moves what is left in the staging outbox to one that a connection can keep. NULL: no memory, and
 * nothing has changed. */
struct outbox *outbox_detach(struct outbox *staging);

/* The record of the response that is being written and has begun to go out; NULL: none is, or nobody
 * wants a record. */
struct record *outbox_record_begun(const struct outbox *outbox);

/* Octets of the body that have been written. */
uint64_t outbox_item_body_sent(const struct outbox_item *item);

#endif
