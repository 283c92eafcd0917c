/* SPDX-License-Identifier: MIT
 *
 * Where a site's files are: in the folder that the path of its root leads to now, which another one may take the place
 * of at any time (a link is switched, a folder is renamed or made anew, something is mounted over it). Somebody looks
 * at the paths a few times a second and tells what is there by epochs.h; each process opens a path again when something
 * else was told than what it has. So all answer from the new folder from the same moment on, and pay one load for it.
 */
#ifndef BROOD_HTTP_SITE_ROOT_FOLLOW_H
#define BROOD_HTTP_SITE_ROOT_FOLLOW_H

#include "http/site/epochs.h"

#include <stdbool.h>

struct http_site;

/* Of a site. */
struct root_follow {
	const char *path;  /* absolute, lasting; NULL: there is nothing to follow, its descriptor is all there is */
	uint64_t version;  /* of the folder that is open, or of why there is none */
	int error;         /* 0; -errno: there is none, and the descriptor is -1. -EACCES: there is, but not for us */
	uint64_t untold;   /* in place of the word for a path where there is none: it stays 0 */
	struct epoch seen; /* this process's own: does that still hold? */
};

/* The folder that a path leads to now (O_PATH). fd or -errno; *version is that of either. May wait for a file system
 * that does not answer. */
int root_open(const char *path, uint64_t *version) __attribute__((warn_unused_result));

/* Of an open folder; waits for nobody. */
uint64_t root_version(int fd);

/* The word for what a path leads to. */
struct epoch root_epoch(const struct epochs *epochs, const char *path);

/* Once in each process: it goes by what has been told so far. */
void root_follow_begin(struct http_site *site, const struct epochs *epochs);

/* To be called when site->follow.seen does not hold: looks where the path leads. 1: the site has another folder from
 * now on, or none; 0: the same as before; -errno: this process has run out of something, and does not know. */
int root_follow(struct http_site *site) __attribute__((warn_unused_result));

/* What cannot be known must not be taken for what it was: the site has no root until it is. */
void root_follow_fail(struct http_site *site, int error);

#endif
