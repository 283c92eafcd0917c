/* SPDX-License-Identifier: MIT
 *
 * The last log lines (log_ring.h). Workers write, the master reads. */
#include "cluster/ipc/log_ring.h"

#include "base/text.h"

#include <string.h>

void log_ring_clear(struct log_ring *ring)
{
	__atomic_store_n(&ring->written, 0, __ATOMIC_RELEASE);
}

void log_ring_add(void *context, const char *line, size_t size)
{
	struct log_ring *ring = context;
	uint64_t at = ring->written;

	if (size > LOG_RING_LINE_MAX)
		size = LOG_RING_LINE_MAX;
	for (size_t i = 0; i < size; i++)
		ring->text[at++ % LOG_RING_ROOM] = line[i];
	ring->text[at++ % LOG_RING_ROOM] = '\n';
	/* Last, so that a reader does not take what was there before for a part of the line. */
	__atomic_store_n(&ring->written, at, __ATOMIC_RELEASE);
}

/* In order, oldest octet first, NUL behind; returns the length. */
static size_t copy_out(const struct log_ring *ring, char out[LOG_RING_ROOM + 1])
{
	uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
	size_t used = written < LOG_RING_ROOM ? (size_t)written : LOG_RING_ROOM;
	uint64_t at = written - used;

	for (size_t i = 0; i < used; i++)
		out[i] = ring->text[at++ % LOG_RING_ROOM];
	out[used] = '\0';
	return used;
}

/* The start of the first line that can be shown: the oldest one of a full ring has lost its
 * beginning, and more must go when there is too little room. */
static size_t first_line(const char *text, size_t size, size_t room)
{
	size_t at = size >= room ? size - room + 1 : 0;
	const char *newline;

	if (at == 0 && size < LOG_RING_ROOM)
		return 0;
	if (at > 0 && text[at - 1] == '\n')
		return at;
	newline = memchr(text + at, '\n', size - at);
	return newline ? (size_t)(newline - text) + 1 : size;
}

size_t log_ring_read(const struct log_ring *ring, char *out, size_t room)
{
	char text[LOG_RING_ROOM + 1];
	size_t size, used = 0;

	if (room == 0)
		return 0;
	size = copy_out(ring, text);
	for (size_t at = first_line(text, size, room); at < size;) {
		size_t length = text[at] == '\n' ? 1 : text_printable(text + at);

		if (length == 0)
			out[used++] = '?';
		else
			memcpy(out + used, text + at, length);
		used += length;
		at += length > 0 ? length : 1;
	}
	out[used] = '\0';
	return used;
}
