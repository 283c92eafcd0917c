/* SPDX-License-Identifier: MIT
 *
 * The heap after a flood: what was needed for a while and is free goes back to the kernel. A
 * process's own. */
#ifndef BROOD_BASE_HEAP_H
#define BROOD_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

enum { HEAP_LOOKS = 3 };

/* All zero at the beginning. */
struct heap {
	int64_t idle[HEAP_LOOKS]; /* octets in memory and not in use, as of the last looks */
	unsigned looks;           /* since some were given back */
	int64_t floor;            /* the least there has been since, when nothing more could be given back */
	uint64_t next_ms;         /* time of the next look */
};

/* To be called a few times a second. Looks once a second, or less often where looking takes long
 * (half a percent of the time), and gives back what has been free for two such intervals, if that
 * is worth the call (which takes about 0.2 ms for each MiB). */
void heap_tick(struct heap *heap, uint64_t now_ms);

/* Memory for what is small and kept for good by a library that takes its memory from functions like
 * these. It does not lie between what comes and goes, where each such piece would hold a page back.
 * Larger pieces are malloc's, and so are those for which there is no room. For a process with one
 * thread. */
void *heap_lasting_malloc(size_t size);
void *heap_lasting_realloc(void *piece, size_t size);
void heap_lasting_free(void *piece);

#endif
