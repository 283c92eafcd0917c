/* SPDX-License-Identifier: MIT
 *
 * From a request target to the name of a file below the root, and back into a Location.
 *
 * Decoded once, dot segments removed by their text alone (RFC 3986 section 5.2.4, never above the
 * root), so that "/a/../b" is "/b" whether or not "a" exists. Repeated slashes count as one: the
 * file system sees it so, and one name for a file leaves one rule for it. */
#ifndef BROOD_HTTP_PATH_H
#define BROOD_HTTP_PATH_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

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
unsigned path_parse(struct slice target, char *room, struct path *out)
	__attribute__((warn_unused_result));

/* Writes a path-absolute reference to `path` with a slash at its end, and its query: octets other
 * than unreserved ones and sub-delims are percent-encoded. It begins with one slash and no more, so
 * it never names another host. Returns its length, 0 when it does not fit. */
size_t path_write_directory(const struct path *path, char *out, size_t room);

#endif
