/* SPDX-License-Identifier: MIT
 *
 * Giving memory back, and what would be in the way of it (heap.h).
 *
 * The C library keeps what was freed for the next one who asks; all that it gives back by itself is
 * the heap's upper end, and there most often something lies that is in use. */
#include "base/heap.h"

#include "base/clock.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	LOOK_MS = 1000,
	LOOK_SHARE = 200,       /* at most one part in so many of the time is spent on it */
	WORTH_IT = 256 << 10,   /* octets */
	CACHED_SIZE_MAX = 1032, /* octets in a piece that is kept apart (glibc's tcache) */
	CACHED_CHOICE = 32,     /* of which 7 of a size are kept */
	PIECE = 32,             /* of lasting memory */
	PIECES_MAX = 1 << 20,   /* about as many descriptors as a process can have */
};

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)

/* Octets in memory that are the process's own; -1: it cannot be told. */
static int64_t resident(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	long pages, shared;
	char text[128];
	ssize_t size;

	if (fd < 0)
		return -1;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size > 0 ? size : 0] = '\0';
	if (sscanf(text, "%*u %ld %ld", &pages, &shared) != 2)
		return -1;
	return (int64_t)(pages - shared) * sysconf(_SC_PAGESIZE);
}

/* Octets in memory that nobody has asked for, and some that have nothing to do with the heap. What
 * was given back is free, but not in memory; what somebody has asked for and not touched counts
 * less than nothing. So only how it changes means anything. False: it cannot be told now (no
 * descriptor is left, say). */
static bool idle(int64_t *out)
{
	struct mallinfo2 all = mallinfo2();
	int64_t in_memory = resident();

	if (in_memory < 0)
		return false;
	*out = in_memory - (int64_t)(all.uordblks + all.hblkhd);
	return true;
}

/* For all of the last looks it was so much more than when it was last given back, and since. */
static int64_t worth(const struct heap *heap)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < HEAP_LOOKS; i++)
		least = heap->idle[i] < least ? heap->idle[i] : least;
	return least - heap->floor;
}

static int by_address(const void *one, const void *other)
{
	const char *a = *(char *const *)one, *b = *(char *const *)other;

	return (a > b) - (a < b);
}

/* The C library keeps a few free pieces of each small size apart, where malloc_trim does not see
 * them; each holds a page back. So these become the lowest ones that there are: at the beginning of
 * the heap lies what lasts. */
static void gather_cached(void)
{
	void *pieces[CACHED_CHOICE];

	for (size_t size = 24; size <= CACHED_SIZE_MAX; size += 16) {
		unsigned count = 0;

		while (count < CACHED_CHOICE && (pieces[count] = malloc(size)))
			count++;
		qsort(pieces, count, sizeof(pieces[0]), by_address);
		for (unsigned i = 0; i < count; i++)
			free(pieces[i]); /* the first ones are kept */
	}
}

static void give_back(struct heap *heap)
{
	gather_cached();
	malloc_trim(0);
	(void)idle(&heap->floor);
	heap->looks = 0;
}

void heap_tick(struct heap *heap, uint64_t now_ms)
{
	uint64_t begin_us, took_ms;
	int64_t now = 0;
	bool told;

	if (now_ms < heap->next_ms)
		return;
	begin_us = clock_now_us();
	told = idle(&now);
	took_ms = (clock_now_us() - begin_us) / 1000;
	heap->next_ms = now_ms + (took_ms * LOOK_SHARE > LOOK_MS ? took_ms * LOOK_SHARE : LOOK_MS);
	if (!told)
		return;
	heap->idle[heap->looks++ % HEAP_LOOKS] = now;
	heap->floor = now < heap->floor ? now : heap->floor;
	if (heap->looks >= HEAP_LOOKS && worth(heap) >= WORTH_IT)
		give_back(heap);
}

#else

void heap_tick(struct heap *heap, uint64_t now_ms)
{
	(void)heap, (void)now_ms;
}

#endif

/* --- lasting memory --- */

struct piece {
	struct piece *next; /* while it is free */
};

/* A library's functions for memory get no context: one of the few things of a process that have no
 * owner but it. */
static struct {
	char *begin; /* NULL: not asked for yet, or not to be had */
	size_t used; /* octets from the beginning on that have ever been given out */
	struct piece *free;
	bool asked;
} lasting;

static bool is_lasting(const void *piece)
{
	return lasting.begin && (const char *)piece >= lasting.begin &&
	       (const char *)piece < lasting.begin + lasting.used;
}

/* Room in the address space only: the kernel has memory for what has been touched. */
static bool have_room(void)
{
	void *room;

	if (!lasting.asked) {
		lasting.asked = true;
		room = mmap(NULL, (size_t)PIECES_MAX * PIECE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		lasting.begin = room == MAP_FAILED ? NULL : room;
	}
	return lasting.begin && lasting.used < (size_t)PIECES_MAX * PIECE;
}

void *heap_lasting_malloc(size_t size)
{
	struct piece *piece = lasting.free;

	if (size > PIECE)
		return malloc(size);
	if (piece) {
		lasting.free = piece->next;
		return piece;
	}
	if (!have_room())
		return malloc(size);
	piece = (struct piece *)(lasting.begin + lasting.used);
	lasting.used += PIECE;
	return piece;
}

void *heap_lasting_realloc(void *piece, size_t size)
{
	void *larger;

	if (!is_lasting(piece))
		return piece ? realloc(piece, size) : heap_lasting_malloc(size);
	if (size <= PIECE)
		return piece;
	larger = malloc(size);
	if (larger) {
		memcpy(larger, piece, PIECE);
		heap_lasting_free(piece);
	}
	return larger;
}

void heap_lasting_free(void *memory)
{
	struct piece *piece = memory;

	if (!is_lasting(memory)) {
		free(memory);
		return;
	}
	piece->next = lasting.free;
	lasting.free = piece;
}
