/* SPDX-License-Identifier: MIT
 *
 * What the next configuration names, looked at by a child before the master does the same. It reads the configuration,
 * checks it and opens its roots, as the master would, and may be kept waiting by any of these for ever. The roots come
 * back as open folders, so the master opens none of them; and all else it opens when that has just answered. Master
 * only. */
#ifndef BROOD_BROOD_RELOAD_LOOK_H
#define BROOD_BROOD_RELOAD_LOOK_H

#include "brood/config/known_roots.h"

#include <stddef.h>
#include <sys/types.h>

struct looking;
struct options;

enum { RELOAD_LOOK_LEFT = 4 };

/* All-zero, but for the channel: -1. */
struct reload_look {
	pid_t pid; /* lives, or is not reaped, as long as its end of the channel is open */
	int channel;
	struct looking *looking; /* shared with it */
	struct known_roots found;
	int left[RELOAD_LOOK_LEFT]; /* channels of those that were killed while they waited; some wait on */
	size_t left_count;
};

/* `known`: roots that must not be opened. The channel, which can be read when there is something to hear, or -errno;
 * -EBUSY: too many of them cannot be ended. */
int reload_look_begin(struct reload_look *look, const struct options *options, const struct known_roots *known)
	__attribute__((warn_unused_result));

/* 0: it is over, whatever it has come to; -EAGAIN: it is not. */
int reload_look_hear(struct reload_look *look) __attribute__((warn_unused_result));

/* Ends it. What it was at last goes to `what`; what it has found stays. */
void reload_look_end(struct reload_look *look, char *what, size_t room);

/* With the server; and in a child, where the descriptors are not. */
void reload_look_close(struct reload_look *look);
void reload_look_in_child(struct reload_look *look);

#endif
