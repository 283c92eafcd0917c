/* SPDX-License-Identifier: MIT
 *
 * A file in its other codings. They are files of their own, with heads and tags of their own, that
 * live with the one they are made for, its source, and are loaded and looked after together with
 * it. */
#ifndef BROOD_HTTP_VARIANTS_H
#define BROOD_HTTP_VARIANTS_H

#include "http/file.h"
#include "http/siblings.h"

struct request;

struct variants {
	struct siblings siblings; /* as they were when the source was loaded */
	struct file *files[CODING_IDENTITY]; /* a reference each; NULL: not there */
};

/* Loads the siblings that have been seen beside a file that has just been loaded. 0, or -errno
 * when one of them cannot be had just now: -ESTALE, -ENOMEM, or no descriptors. */
int variants_load(const struct file_source *source, const struct response_maker *maker,
		  struct file *file, const struct siblings *siblings)
	__attribute__((warn_unused_result));

/* What is to be sent of a file that has variants: one of these, or itself. The reference to the file
 * is taken over, and one to what is returned is the caller's. */
struct file *variants_choose(struct file *file, const struct request *request);

/* NULL is allowed. */
void variants_free(struct variants *variants);

#endif
