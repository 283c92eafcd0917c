/* SPDX-License-Identifier: MIT
 *
 * What a process is about to open, told in memory that it shares with one that waits for it: where that is on a file
 * system that does not answer, it is the last that is heard of it. */
#ifndef BROOD_BROOD_CONFIG_LOOKING_H
#define BROOD_BROOD_CONFIG_LOOKING_H

#include <stdio.h>

enum { LOOKING_MAX = 512 };

struct looking {
	char what[LOOKING_MAX]; /* "root '/srv/www'" */
};

/* `looking`: NULL: nobody waits. `path`: NULL: there are several. */
static inline void looking_at(struct looking *looking, const char *what, const char *path)
{
	if (looking && path)
		snprintf(looking->what, sizeof(looking->what), "%s '%s'", what, path);
	else if (looking)
		snprintf(looking->what, sizeof(looking->what), "%s", what);
}

#endif
