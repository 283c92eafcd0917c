/* SPDX-License-Identifier: MIT
 *
 * What a server that runs knows of roots that a configuration may name again: those that are gone, which an upgrade goes
 * on without, and those that do not answer, which must not be opened, since that would wait. */
#ifndef BROOD_BROOD_KNOWN_ROOTS_H
#define BROOD_BROOD_KNOWN_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_root {
	char *path;
	bool stuck;       /* it does not answer: it must not be opened, and is what it was last */
	int fd;           /* of that folder, if it is stuck; -1: it was gone */
	uint64_t version; /* of that folder, or of why there was none (root_follow.h) */
};

/* Owns what it has. All-zero: nothing is known. */
struct known_roots {
	struct known_root *list;
	size_t count;
};

/* Takes fd. Without memory, it is not known. */
void known_roots_add(struct known_roots *roots, const char *path, bool stuck, int fd, uint64_t version);
void known_roots_free(struct known_roots *roots);

/* NULL: nothing is known of it; also for no roots at all. */
const struct known_root *known_roots_find(const struct known_roots *roots, const char *path);

#endif
