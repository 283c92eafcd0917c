/* SPDX-License-Identifier: MIT
 *
 * From a path to the file that answers for it in its location: out of the cache, else from disk. What is found is an
 * entry, which its finder takes a file out of before anything else is looked up (file_entry.h). */
#ifndef BROOD_HTTP_FILES_LOOKUP_H
#define BROOD_HTTP_FILES_LOOKUP_H

#include "http/files/file_load.h"

#include <stdint.h>

struct epochs;
struct file_cache;
struct file_entry;
struct http_location;
struct path;

struct lookup {
	struct file_source source;
	struct file_cache *cache;
	struct epochs *epochs;
	uint64_t now_ms;
};

/* What became of it. */
enum lookup_verdict {
	LOOKUP_FILE,      /* found */
	LOOKUP_ERROR,     /* -errno */
	LOOKUP_DIRECTORY, /* the path wants a slash at its end */
	LOOKUP_BARE,      /* a directory without an index */
	LOOKUP_MOVED,     /* the same is to be found under another path, which is its proper one */
};

struct lookup_result {
	enum lookup_verdict verdict;
	struct file_entry *entry;
	int error;
	size_t proper_length; /* of the path's name: the proper one is its beginning */
};

/* The one that is known and fresh for a path's name in a location; NULL: it is to be looked up. Not for locations with
 * clean URLs. */
struct file_entry *lookup_cached(struct lookup *lookup, const struct http_location *location, struct slice name);

/* The file of a path in a location: index, clean URLs, names to try. */
struct lookup_result lookup_find(struct lookup *lookup, const struct http_location *location, const struct path *path);

/* A file of exactly that name, without a slash in front; 0 or -errno. */
int lookup_name(struct lookup *lookup, const struct http_location *location, struct slice name, struct file_entry **out)
	__attribute__((warn_unused_result));

/* Does the error mean that there is nothing of that name, for a client to see? */
bool lookup_is_nothing(int error);

#endif
