/* SPDX-License-Identifier: MIT
 *
 * What the master does about roots that lead elsewhere, or nowhere, after the start: it has a process look at them
 * (root_look.h), gives workers to come what that has found, and tells people. Master only. */
#ifndef BROOD_BROOD_SITES_ROOT_WATCH_H
#define BROOD_BROOD_SITES_ROOT_WATCH_H

#include "base/buffer.h"
#include "brood/sites/sites.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epochs;
struct known_roots;
struct looker;
struct privilege;

enum { ROOT_LOOKERS_MAX = 8 };

/* All-zero: nobody looks yet. */
struct root_watch {
	struct looker *looker;                  /* NULL: none */
	struct looker *stuck[ROOT_LOOKERS_MAX]; /* each waits for a file system that does not answer */
	size_t stuck_count;
	bool outdated; /* there are other roots than the looker knows */
	bool failed;   /* there could be none, which was said */
	uint64_t retry_ms;
};

/* Whose roots, and what for. */
struct root_scene {
	struct sites *sites[2]; /* in force, and prepared */
	struct epochs *epochs;
	const struct privilege *privilege;
};

/* There are other sites by now. */
void root_watch_renew(struct root_watch *watch);

/* A few times a second. */
void root_watch_look(struct root_watch *watch, const struct root_scene *scene, uint64_t now_ms);

/* A line for each root that is not there or does not answer, ended by a newline; 0 or -ENOMEM. */
int root_watch_trouble(const struct root_watch *watch, const struct sites *sites, struct buffer *out)
	__attribute__((warn_unused_result));

/* Does this path not answer? */
bool root_watch_waits(const struct root_watch *watch, const char *path);

/* Adds those of these sites that do not answer. */
void root_watch_stuck(const struct root_watch *watch, const struct sites *sites, struct known_roots *out);

/* The looker leaves as soon as it can. */
void root_watch_end(struct root_watch *watch);

/* In a child, which has nothing to do with it. */
void root_watch_in_child(struct root_watch *watch);

#endif
