/* SPDX-License-Identifier: MIT
 *
 * A file in its other codings. They are files of their own, with heads and tags of their own, that
 * live with the one they are made for, its source, and are loaded and looked after together with
 * it. */
#ifndef BROOD_HTTP_FILES_VARIANTS_H
#define BROOD_HTTP_FILES_VARIANTS_H

#include "http/files/file.h"
#include "http/files/siblings.h"

struct file_cache;
struct http_location;
struct request;

struct variants {
	struct siblings siblings;            /* as they were when the source was loaded */
	struct file *files[CODING_IDENTITY]; /* a reference each; NULL: not there */
	/* The one in gzip is no sibling but is to be made when it is asked for, or has been. */
	bool makes_gzip;
	bool no_gain; /* it would not be smaller, or there is no room for it */
};

/* What making variants needs: one per process. */
struct variants_maker {
	const struct response_maker *maker;
	struct file_cache *cache; /* what is made counts there with the source */
	size_t budget;            /* octets that may be compressed until this is renewed */
	struct coding_memory last;
};

/* Whether a file that is held in memory is to have a variant in gzip. */
bool variants_want_gzip(const struct http_location *location, struct slice type, uint64_t size);

/* Gives a file that has just been loaded its variants: the siblings that have been seen beside it.
 * `makes_gzip`: and one that is made when it is asked for. 0, or -errno
 * when one of them cannot be had just now: -ESTALE, -ENOMEM, or no descriptors. */
int variants_load(const struct file_source *source, const struct response_maker *maker, struct file *file,
		  const struct siblings *siblings, bool makes_gzip) __attribute__((warn_unused_result));

/* What is to be sent of a file that has variants: one of these, or itself. The reference to the file
 * is taken over, and one to what is returned is the caller's. What is made is never for ranges:
 * these are of the file itself then. */
struct file *variants_choose(struct variants_maker *by, struct file *file, const struct request *request);

/* NULL is allowed. */
void variants_free(struct variants *variants);

#endif
