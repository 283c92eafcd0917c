/* SPDX-License-Identifier: MIT
 *
 * Entity tags (RFC 9110 section 8.8.3): made from a file's size and time, read from If-Match,
 * If-None-Match and If-Range. */
#ifndef BROOD_HTTP_MESSAGE_ETAG_H
#define BROOD_HTTP_MESSAGE_ETAG_H

#include "base/slice.h"
#include "http/message/coding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timespec;

enum { ETAG_ROOM = 64 };

/* Writes a strong tag with its quotes, "size-mtime" in hexadecimal, the time in nanoseconds;
 * returns its length. It has no inode number in it, so that all nodes that serve copies with equal
 * times give the same. `distinct`, if not NULL, is appended as a third number of 16 digits:
 * something that tells contents apart where the time does not (see file.c, gzip.h). Last comes the
 * name of a coding other than identity. */
size_t etag_format(char out[ETAG_ROOM], uint64_t size, const struct timespec *mtime, const uint64_t *distinct,
		   enum coding coding);

struct etag {
	bool weak;
	struct slice opaque; /* with its quotes */
};

/* A field value that is exactly one entity-tag. */
bool etag_parse(struct slice text, struct etag *out) __attribute__((warn_unused_result));

/* Is one of the tags in a list (1#entity-tag) the strong tag `current`? By the strong comparison,
 * in which weak tags equal nothing, or by the weak one (section 8.8.3.2). A member that is no
 * entity-tag equals nothing and does not hide the others. */
bool etag_list_has(struct slice list, struct slice current, bool strongly);

#endif
