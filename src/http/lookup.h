/* SPDX-License-Identifier: MIT
 *
 * From a path to the file that it names: out of the cache, else from disk. */
#ifndef BROOD_HTTP_LOOKUP_H
#define BROOD_HTTP_LOOKUP_H

#include "http/file.h"

#include <stdint.h>

struct file_cache;
struct http_place;
struct path;
struct response_maker;

struct lookup {
	struct file_source source; /* its place is that of the path that is looked up */
	struct file_cache *cache;
	uint64_t now_ms;
};

/* The file of a path in a place, with a reference for the caller. 0 or -errno: -EISDIR when the path wants a
 * slash at its end, -EACCES for a directory without an index. */
int lookup_find(struct lookup *lookup, const struct response_maker *maker,
		const struct http_place *place, const struct path *path, struct file **out)
	__attribute__((warn_unused_result));

/* It is to be compared with what is on disk when it is found the next time. */
void lookup_doubt(struct file *file);

#endif
