/* SPDX-License-Identifier: MIT
 *
 * One regular file below the root, in one coding, as it was at one moment: the head of its 200 response, and its
 * octets, or an open descriptor when they are many. It does not change but for the dates in its head; a file that
 * has changed on disk becomes another struct file. */
#ifndef BROOD_HTTP_FILES_FILE_H
#define BROOD_HTTP_FILES_FILE_H

#include "base/slice.h"
#include "http/message/coding.h"
#include "http/files/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_TYPE_MAX = 256 }; /* octets of a Content-Type, with its charset */

struct file {
	unsigned references; /* an entry's (file_entry.h), and one for each response not yet written */
	bool kept;           /* one of these is an entry's */
	bool settled;        /* false: can have changed with the stamp staying the same; not to be kept */
	bool varies;         /* by Accept-Encoding: the file has other codings */
	bool makes_gzip;     /* one of these is made when somebody asks for it, or has been */

	/* "head CRLF body" lie one behind the other; `body` is empty when there is an fd. */
	struct slice head, body;
	int fd;                /* -1: in memory */
	int64_t date_second;   /* what Date in the head says */
	int64_t last_modified; /* what Last-Modified says: mtime, but never later than Date */
	char *date_text, *last_modified_text;
	struct slice type, etag;    /* within the head */
	struct slice cache_control; /* the location's line for caches, with CRLF, or empty; not in an error */

	enum coding coding;
	struct file_stamp stamp;
	size_t allocated; /* octets, all of it */
};

static inline void file_keep(struct file *file)
{
	file->references++;
}

/* Gives back a reference. NULL is allowed. */
void file_release(struct file *file);

/* Whether what would be sent by the descriptor now is still what the head says. */
bool file_is_intact(const struct file *file);

/* Makes the head say `second`, unless a response of it may be half written: then false. One
 * reference is the caller's. */
bool file_set_date(struct file *file, struct slice date, int64_t second);

/* What Last-Modified has to say at `second` (RFC 9110 section 8.8.2.1). */
int64_t file_last_modified(const struct file *file, int64_t second);

#endif
