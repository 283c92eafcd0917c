/* SPDX-License-Identifier: MIT
 *
 * What a server that runs knows of roots that a configuration may name again: those that are gone, which an upgrade
 * goes on without; those that do not answer, which must not be opened, since that would wait; and those that somebody
 * else has opened in our place, who could wait (reload_look.h). */
#ifndef BROOD_BROOD_CONFIG_KNOWN_ROOTS_H
#define BROOD_BROOD_CONFIG_KNOWN_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_root {
	char *path;
	bool given;       /* it must not be opened: it does not answer and is what it was last, or somebody just has */
	int fd;           /* of that folder, if it is given; -1: it was gone */
	uint64_t version; /* of that folder, or of why there was none (root_follow.h) */
};

/* Owns what it has. All-zero: nothing is known. */
struct known_roots {
	struct known_root *list;
	size_t count;
};

/* Takes fd. Without memory, it is not known. */
void known_roots_add(struct known_roots *roots, const char *path, bool given, int fd, uint64_t version);
/* All that are not known there yet; none is left here. */
void known_roots_move(struct known_roots *to, struct known_roots *from);
void known_roots_free(struct known_roots *roots);

/* NULL: nothing is known of it; also for no roots at all. */
const struct known_root *known_roots_find(const struct known_roots *roots, const char *path);

#endif
