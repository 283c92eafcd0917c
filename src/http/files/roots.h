/* SPDX-License-Identifier: MIT
 *
 * The roots of all sites of a process, which follow where their paths lead (root_follow.h), with what is cached of
 * them. */
#ifndef BROOD_HTTP_FILES_ROOTS_H
#define BROOD_HTTP_FILES_ROOTS_H

#include "http/site/site.h"

struct epochs;
struct file_cache;
struct listings;

struct roots {
	const struct http_sites *sites;
	struct file_cache *cache;
	struct listings *listings;
};

/* From here on; whether those that nobody has looked at before can be entered: 0 or -errno. */
int roots_begin(struct roots *roots, const struct epochs *epochs) __attribute__((warn_unused_result));

/* Something else was told of the site's root than what this process has. */
void roots_follow(const struct roots *roots, const struct http_site *site);

/* All of them, also those that nobody asks for: a folder that was left is not held on to. */
void roots_tick(const struct roots *roots);

/* Has the default site a root? */
bool roots_have_default(const struct roots *roots);

/* The same; or, where hosts that are not named are refused, has any site? */
bool roots_are_ready(const struct roots *roots);

#endif
