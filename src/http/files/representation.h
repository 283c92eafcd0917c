/* SPDX-License-Identifier: MIT
 *
 * From a file that has been found to the response to a GET or HEAD of it: conditions (RFC 9110
 * section 13), ranges (section 14). */
#ifndef BROOD_HTTP_FILES_REPRESENTATION_H
#define BROOD_HTTP_FILES_REPRESENTATION_H

struct file;
struct file_cache;
struct representer;
struct request;
struct response;
struct response_maker;

/* What making them needs, one per process; maker and cache are borrowed. NULL: no memory. */
struct representer *representer_new(struct file_cache *cache);

/* A few times a second: more may be compressed. */
void representer_tick(struct representer *representer);

void representer_free(struct representer *representer); /* NULL is allowed */

/* Takes over the caller's reference to the file. */
void representation_answer(struct representer *representer, const struct request *request, struct response_maker *maker,
			   struct response *response, struct file *file);

#endif
