/* SPDX-License-Identifier: MIT
 *
 * Which coding of a file is sent. Its siblings are loaded with it (file_entry.h); gzip is made of it when somebody asks
 * for it first. */
#ifndef BROOD_HTTP_FILES_VARIANTS_H
#define BROOD_HTTP_FILES_VARIANTS_H

#include "http/message/coding.h"

#include <stddef.h>

struct file_cache;
struct file_entry;
struct request;
struct response_builder;

/* What making variants needs: one per process. */
struct variants_maker {
	const struct response_builder *builder;
	struct file_cache *cache; /* what is made counts there with the source */
	size_t budget;            /* octets that may be compressed until this is renewed */
	struct coding_memory last;
};

/* Takes what is to be sent of an entry that has variants: one of these, or the file itself, with a reference for the
 * caller, who is done with the entry. What is made is never for ranges: these are of the file itself then. */
struct file *variants_take(struct variants_maker *by, struct file_entry *entry, const struct request *request);

#endif
