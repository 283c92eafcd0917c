/* SPDX-License-Identifier: MIT
 *
 * Lines from one process to another through shared memory: one writes, one reads, neither waits. A line
 * that was put is there whatever becomes of its writer, until it was read; so nothing that a process said
 * is lost with it.
 *
 *     line_queue_create (master) -- fork --> line_queue_open, reserve, commit (writer)
 *           `-- descriptor over a channel --> line_queue_open, peek, release (reader)
 *
 * Each line has the number of the log that it is for, and a kind. The reader trusts nothing that is in the
 * memory: sizes are checked, and what makes no sense ends the reading of this queue and touches nothing
 * else. It remembers how far it has read by itself; what it notes in the memory is for the writer (how much
 * room there is) and for a reader to come. The layout is told by its first word: a process that does not
 * know it does not open it. */
#ifndef BROOD_BASE_LINE_QUEUE_H
#define BROOD_BASE_LINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINE_QUEUE_ROOM = 4 << 20, /* octets; only what was used at a time takes memory */
	LINE_QUEUE_LINE_MAX = 8192,
	LINE_QUEUE_BELL = 65536, /* so many unread octets are worth waking the reader for */
	LINE_QUEUE_NOTES = 8,
};

/* What a reader is about to write where, for the one that takes over when it has died on the way. */
struct line_note {
	uint32_t log;
	uint32_t size;   /* octets that will be added */
	uint64_t before; /* to a file of that size */
};

struct line_queue_page;

struct line_queue {
	struct line_queue_page *page;
	uint64_t at;   /* the writer's end, the reader's beginning */
	uint64_t seen; /* writer: nothing before that is unread; reader: how far it has said so */
	uint64_t told; /* writer: up to where the reader was woken */
};

/* A line as it lies in the memory, which its writer may still change: to be copied before it is judged. */
struct line {
	uint32_t log;
	uint16_t kind; /* the users' own numbers, below 0xffff */
	size_t size;
	const char *text;
	uint64_t end; /* the queue's own */
};

/* A memory file for a queue. A descriptor (close-on-exec), or -errno. */
int line_queue_create(void) __attribute__((warn_unused_result));

/* Maps it; the descriptor stays the caller's and is not needed any more. The writer is the only one, or
 * none; a reader goes on where the last one had noted. 0, -errno, or -EBADMSG when it is no such memory. */
int line_queue_open(struct line_queue *queue, int fd) __attribute__((warn_unused_result));
void line_queue_close(struct line_queue *queue);

/* --- writer --- */

/* Room for a line of up to `most` octets (LINE_QUEUE_LINE_MAX at most); NULL: there is none, and the line
 * counts as lost. It is there once it is committed, or not at all. */
char *line_queue_reserve(struct line_queue *queue, size_t most);
void line_queue_commit(struct line_queue *queue, uint32_t log, uint16_t kind, size_t size);

/* Is there so much of which the reader was not told? */
static inline bool line_queue_is_heavy(const struct line_queue *queue)
{
	return queue->at - queue->told >= LINE_QUEUE_BELL;
}

/* Is there anything of which it was not told? */
static inline bool line_queue_is_untold(const struct line_queue *queue)
{
	return queue->at != queue->told;
}

static inline void line_queue_told(struct line_queue *queue)
{
	queue->told = queue->at;
}

/* --- reader --- */

/* The next line: 1; 0: there is none; -EBADMSG: what is there makes no sense, now and for good. It stays
 * there until it is released. */
int line_queue_peek(struct line_queue *queue, struct line *out) __attribute__((warn_unused_result));
/* Goes on behind it. */
void line_queue_skip(struct line_queue *queue, const struct line *line);
/* All that was skipped is done: there is room for other lines. */
void line_queue_release(struct line_queue *queue);

/* Lines that were lost and not told of yet, also by another reader; and that this is done. */
uint64_t line_queue_lost(const struct line_queue *queue);
void line_queue_lost_told(struct line_queue *queue, uint64_t lost);

/* Notes what will be written for all that has been skipped, before it is; line_queue_release takes the notes
 * back. A reader that takes over finds them, as far as somebody died in between: how many, and up to which
 * line of its own they go (compare with queue->at). */
void line_queue_note(struct line_queue *queue, const struct line_note *notes, size_t count);
size_t line_queue_notes(const struct line_queue *queue, struct line_note out[LINE_QUEUE_NOTES], uint64_t *end);

#endif
