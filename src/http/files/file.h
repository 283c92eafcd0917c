/* SPDX-License-Identifier: MIT
 *
 * One regular file below the root, as it was at one moment: its facts, the head of its 200
 * response, and its octets, or an open descriptor when they are many. It does not change but for
 * the dates in its head; a file that has changed on disk becomes another struct file. */
#ifndef BROOD_HTTP_FILES_FILE_H
#define BROOD_HTTP_FILES_FILE_H

#include "base/list.h"
#include "base/slice.h"
#include "http/message/coding.h"
#include "http/site/epochs.h"
#include "http/files/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_location;
struct mime_table;
struct response_maker;
struct variants;

enum { FILE_TYPE_MAX = 256 }; /* octets of a Content-Type, with its charset */

struct file {
	/* The cache's. */
	struct file *bucket_next;
	uint64_t hash;
	struct list by_use;
	bool has_fds;        /* it or a variant of it is open */
	uint64_t checked_ms; /* when it was last seen to be what is on disk, */
	struct epoch seen;   /* and whether anybody has seen something else there since, */
	struct epoch way;    /* or, if it is provisional, another file that answers for its key */

	unsigned references;                  /* its keeper's, and one for each response not yet written */
	bool kept;                            /* it has a keeper: the cache, or the file that it is a variant of */
	bool doubtful;                        /* whether it has variants could not be told: not checked at all */
	const struct http_location *location; /* and */
	struct slice key;                     /* of the cache: whose file it is, and what it is asked for as */
	const char *name;                     /* of the file below the root; begins with the key */

	/* "head CRLF body" lie one behind the other; `body` is empty when there is an fd. */
	struct slice head, body;
	int fd;                /* -1: in memory */
	int64_t date_second;   /* what Date in the head says */
	int64_t last_modified; /* what Last-Modified says: mtime, but never later than Date */
	char *date_text, *last_modified_text;
	struct slice type, etag; /* within the head */
	struct slice freshness;  /* the location's line for caches, with CRLF, or empty; not in an error */
	bool provisional;        /* something that goes before it may come into being under its key */

	enum coding coding;
	bool varies;               /* by Accept-Encoding: there are other codings of it */
	struct variants *variants; /* these, if this is the file as it is; NULL: none */

	struct file_stamp stamp;
	uint64_t version; /* of it with its siblings, for epochs.h */
	bool settled;     /* false: can have changed with its stamp staying the same; not to be kept */
	size_t allocated; /* octets, all of it */
};

struct file_source {
	const struct http_location *location; /* whose file it is, below the root of its site */
	const struct mime_table *mime;
	size_t body_max; /* larger files are kept open instead of read */
};

/* Loads a file, with one reference, for the caller. `key_length`: how much of the name is its key.
 * -EISDIR: a directory; -EACCES: also what is not a regular file; -ESTALE: it keeps changing. */
int file_load(const struct file_source *source, const struct response_maker *maker, const char *name, size_t key_length,
	      struct file **out) __attribute__((warn_unused_result));

/* A sibling of a file that has just been loaded, as it was when it was seen, with one reference.
 * 0 or -errno, as above; -ESTALE: it is another one by now. */
int file_load_sibling(const struct file_source *source, const struct response_maker *maker, const struct file *of,
		      enum coding coding, const struct file_stamp *seen, struct file **out)
	__attribute__((warn_unused_result));

/* Is its name still that of the same, unchanged file, with the same siblings? 1 or 0; -errno when it cannot be told
 * because there are no descriptors or no memory left: what is here can be served, its successor cannot. */
int file_is_current(const struct file *file) __attribute__((warn_unused_result));

/* The same for its descriptor: what would be sent by it now is still what the head says. */
bool file_is_intact(const struct file *file);

/* What it costs, with its variants: octets held in memory in place of open files, and open files. */
size_t file_bytes(const struct file *file);
size_t file_fds(const struct file *file);

static inline void file_keep(struct file *file)
{
	file->references++;
}

/* Makes the head say `second`, unless a response of it may be half written: then false. One
 * reference is the caller's. */
bool file_set_date(struct file *file, struct slice date, int64_t second);

/* What Last-Modified has to say at `second` (RFC 9110 section 8.8.2.1). */
int64_t file_last_modified(const struct file *file, int64_t second);

#endif
