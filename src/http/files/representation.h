/* SPDX-License-Identifier: MIT
 *
 * From a file that has been found to the response to a GET or HEAD of it: conditions (RFC 9110
 * section 13), ranges (section 14). */
#ifndef BROOD_HTTP_FILES_REPRESENTATION_H
#define BROOD_HTTP_FILES_REPRESENTATION_H

struct answering;
struct file_cache;
struct file_entry;
struct representer;
struct response_builder;

/* What making them needs, one per process; builder and cache are borrowed. NULL: no memory. */
struct representer *representer_new(struct file_cache *cache, const struct response_builder *builder);

/* A few times a second: more may be compressed. */
void representer_tick(struct representer *representer);

void representer_free(struct representer *representer); /* NULL is allowed */

/* Who has found the entry is done with it. */
void representation_answer(struct representer *representer, const struct answering *at, struct file_entry *entry);

#endif
