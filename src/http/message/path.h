/* SPDX-License-Identifier: MIT
 *
 * From a request target to the name of a file below the root, and back into a Location.
 *
 * Decoded once, dot segments removed by their text alone (RFC 3986 section 5.2.4, never above the
 * root), so that "/a/../b" is "/b" whether or not "a" exists. Repeated slashes count as one: the
 * file system sees it so, and one name for a file leaves one rule for it. */
#ifndef BROOD_HTTP_MESSAGE_PATH_H
#define BROOD_HTTP_MESSAGE_PATH_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct head;

struct path {
	/* Relative to the root, decoded: no slash in front, no empty, "." or ".." segment; ends
	 * with a slash where the path does. The root itself is "". No NUL in it. */
	struct slice name;
	struct slice query; /* with its "?", as received; empty when there is none */
	bool directory;     /* the path ends with a slash, or with a dot segment */
};

/* Reads a target in origin-form or absolute-form (http and https). `room` is for target.len octets;
 * *out points into it or into the target. Returns 0 or the status to answer: 400 for what is no
 * path, 404 for names that are never served: hidden ones (a segment that starts with a dot, but for
 * /.well-known/ as the first one, RFC 8615), and those with an encoded slash. */
unsigned path_parse(struct slice target, char *room, struct path *out) __attribute__((warn_unused_result));

/* Write a name (struct path) and a query into a URL: octets that cannot stand there are
 * percent-encoded. With one slash in front, which is the caller's to write, a name never names a
 * host. */
void path_put_name(struct head *out, struct slice name);
void path_put_query(struct head *out, struct slice query);

/* A path-absolute reference to the path, with its query, and with a slash at the end of its name if
 * it is to be a directory's. It begins with one slash and no more, so it is of this host. */
void path_put_location(struct head *out, const struct path *path, bool directory);

#endif
