/* SPDX-License-Identifier: MIT
 *
 * See line_queue.h. A ring of records, each a header and its text. Positions only ever grow; a record lies
 * in one piece, so that there may be a gap before the ring's end. Where the reader has read all, the writer
 * goes back to the ring's beginning after a while: then the memory that is used is that of the longest queue
 * there was, not all of the ring. */
#include "base/line_queue.h"

#include "base/fd.h"
#include "base/fd_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ALIGN = 8,
	FILLING = 0xffff,                 /* a record's kind: up to the ring's end there is nothing */
	UNREAD_MAX = 2 * LINE_QUEUE_ROOM, /* a ring's filling, and a full ring behind it */
	REWIND = 2 * LINE_QUEUE_BELL,     /* an empty queue begins anew behind that */
};

static const uint32_t layout = 0x62514c31;

struct header {
	uint16_t size;
	uint16_t kind;
	uint32_t log;
};

_Static_assert(sizeof(struct header) == ALIGN, "a filling of any length has room for its header");
_Static_assert(LINE_QUEUE_ROOM % ALIGN == 0, "records do not straddle the end");

struct line_queue_page {
	uint32_t layout, room;
	/* Written by the writer. */
	uint64_t end __attribute__((aligned(64)));
	uint64_t lost;
	uint64_t gap; /* from there to the ring's end there is nothing; of the last time that this was so */
	/* Written by the reader. */
	uint64_t released __attribute__((aligned(64)));
	uint64_t lost_told;
	uint64_t notes_end; /* notes are about what is before that; released, or less: there are none */
	struct line_note notes[LINE_QUEUE_NOTES];
	uint32_t note_count;
	char ring[] __attribute__((aligned(4096)));
};

enum { SIZE = sizeof(struct line_queue_page) + LINE_QUEUE_ROOM };

int line_queue_create(void)
{
	struct line_queue_page head = {.layout = layout, .room = LINE_QUEUE_ROOM, .gap = UINT64_MAX};
	int fd = memfd_create("brood-lines", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	/* Sealed, so that nobody who holds it can shrink it under a reader (SIGBUS). */
	if (ftruncate(fd, SIZE) == 0 && pwrite(fd, &head, offsetof(struct line_queue_page, ring), 0) > 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		fd_note(fd, FD_MEMORY);
		return fd;
	}
	error = -errno;
	fd_close(&fd);
	return error;
}

int line_queue_open(struct line_queue *queue, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct line_queue_page *page;
	struct stat status;

	*queue = (struct line_queue){0};
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &status) < 0 || status.st_size != SIZE)
		return -EBADMSG;
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (page->layout != layout || page->room != LINE_QUEUE_ROOM) {
		munmap(page, SIZE);
		return -EBADMSG;
	}
	queue->page = page;
	queue->at = queue->seen = queue->told = __atomic_load_n(&page->released, __ATOMIC_ACQUIRE) / ALIGN * ALIGN;
	return 0;
}

void line_queue_close(struct line_queue *queue)
{
	if (queue->page)
		munmap(queue->page, SIZE);
	*queue = (struct line_queue){0};
}

static struct header *header_at(const struct line_queue *queue, uint64_t at)
{
	return (struct header *)(void *)(queue->page->ring + at % LINE_QUEUE_ROOM);
}

static uint64_t left_of_ring(uint64_t at)
{
	return LINE_QUEUE_ROOM - at % LINE_QUEUE_ROOM;
}

static size_t record_size(size_t text)
{
	return sizeof(struct header) + (text + ALIGN - 1) / ALIGN * ALIGN;
}

/* --- writer --- */

static void publish(struct line_queue *queue, uint64_t end)
{
	queue->at = end;
	__atomic_store_n(&queue->page->end, end, __ATOMIC_RELEASE);
}

/* Nothing more up to the ring's end. Where nothing is unread that is said beside the ring, which then is there
 * for lines as a whole. */
static bool begin_anew(struct line_queue *queue)
{
	uint64_t end = queue->at + left_of_ring(queue->at);

	if (queue->seen == queue->at) {
		queue->page->gap = queue->at;
		queue->seen = end;
	} else {
		if (end - queue->seen > LINE_QUEUE_ROOM)
			return false;
		*header_at(queue, queue->at) = (struct header){.kind = FILLING};
	}
	publish(queue, end);
	return true;
}

char *line_queue_reserve(struct line_queue *queue, size_t most)
{
	uint64_t released = __atomic_load_n(&queue->page->released, __ATOMIC_ACQUIRE);
	size_t need = record_size(most);

	if (released > queue->seen)
		queue->seen = released;
	if (left_of_ring(queue->at) < need || (queue->seen == queue->at && queue->at % LINE_QUEUE_ROOM > REWIND))
		if (!begin_anew(queue))
			goto lost;
	if (queue->at + need - queue->seen <= LINE_QUEUE_ROOM)
		return (char *)(header_at(queue, queue->at) + 1);
lost:
	queue->page->lost++;
	return NULL;
}

void line_queue_commit(struct line_queue *queue, uint32_t log, uint16_t kind, size_t size)
{
	*header_at(queue, queue->at) = (struct header){.size = (uint16_t)size, .kind = kind, .log = log};
	publish(queue, queue->at + record_size(size));
}

/* --- reader --- */

int line_queue_peek(struct line_queue *queue, struct line *out)
{
	uint64_t end = __atomic_load_n(&queue->page->end, __ATOMIC_ACQUIRE), at = queue->at, there;
	struct header header;

	/* A gap is followed by something else: this ends. It belongs to the line behind it. */
	for (;;) {
		there = end - at;
		if (there == 0)
			return 0;
		if (there > UNREAD_MAX || there % ALIGN != 0)
			return -EBADMSG;
		memcpy(&header, header_at(queue, at), sizeof(header));
		if (header.kind != FILLING && at != queue->page->gap)
			break;
		if (left_of_ring(at) > there)
			return -EBADMSG;
		at += left_of_ring(at);
	}
	if (header.size > LINE_QUEUE_LINE_MAX || record_size(header.size) > there ||
	    record_size(header.size) > left_of_ring(at))
		return -EBADMSG;
	*out = (struct line){.log = header.log,
			     .kind = header.kind,
			     .size = header.size,
			     .text = (const char *)(header_at(queue, at) + 1),
			     .end = at + record_size(header.size)};
	return 1;
}

void line_queue_skip(struct line_queue *queue, const struct line *line)
{
	queue->at = line->end;
}

void line_queue_release(struct line_queue *queue)
{
	if (queue->seen == queue->at)
		return;
	queue->seen = queue->at;
	__atomic_store_n(&queue->page->released, queue->at, __ATOMIC_RELEASE);
}

uint64_t line_queue_lost(const struct line_queue *queue)
{
	return __atomic_load_n(&queue->page->lost, __ATOMIC_RELAXED) - queue->page->lost_told;
}

void line_queue_lost_told(struct line_queue *queue, uint64_t lost)
{
	queue->page->lost_told += lost;
}

void line_queue_note(struct line_queue *queue, const struct line_note *notes, size_t count)
{
	struct line_queue_page *page = queue->page;

	memcpy(page->notes, notes, count * sizeof(*notes));
	page->note_count = (uint32_t)count;
	__atomic_store_n(&page->notes_end, queue->at, __ATOMIC_RELEASE);
}

size_t line_queue_notes(const struct line_queue *queue, struct line_note out[LINE_QUEUE_NOTES], uint64_t *end)
{
	const struct line_queue_page *page = queue->page;
	size_t count = page->note_count < LINE_QUEUE_NOTES ? page->note_count : LINE_QUEUE_NOTES;

	*end = __atomic_load_n(&page->notes_end, __ATOMIC_ACQUIRE);
	if (*end <= queue->at || *end - queue->at > UNREAD_MAX)
		return 0;
	memcpy(out, page->notes, count * sizeof(*out));
	return count;
}
