/* SPDX-License-Identifier: MIT
 *
 * Bodies of several ranges: multipart/byteranges (RFC 9110 section 14.6). */
#ifndef BROOD_HTTP_FILES_MULTIPART_H
#define BROOD_HTTP_FILES_MULTIPART_H

#include "base/slice.h"

#include <stdint.h>

struct file;
struct multipart;
struct range_set;
struct response;

/* One per process: a boundary that no file can be made to contain, and room for one body's parts.
 * NULL: no memory. */
struct multipart *multipart_new(void);
void multipart_free(struct multipart *multipart);

/* The Content-Type of the whole. */
struct slice multipart_type(const struct multipart *multipart);

/* About the octets that a part has beyond its range: below it, a gap is cheaper sent than left
 * out. */
uint64_t multipart_overhead(const struct file *file);

/* Gives the response a body of these ranges (RANGE_COUNT_MAX at most) of the file, whose reference
 * stays the caller's; head and file are not touched. Valid until the next call. Returns the length
 * of the body. */
uint64_t multipart_make(struct multipart *multipart, struct response *response, const struct file *file,
			const struct range_set *set);

#endif
