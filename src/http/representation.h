/* SPDX-License-Identifier: MIT
 *
 * From a file that has been found to the response to a GET or HEAD of it: conditions (RFC 9110
 * section 13), ranges (section 14). */
#ifndef BROOD_HTTP_REPRESENTATION_H
#define BROOD_HTTP_REPRESENTATION_H

struct file;
struct representer;
struct request;
struct response;
struct response_maker;

/* What making them needs, one per process. NULL: no memory. */
struct representer *representer_new(void);
void representer_free(struct representer *representer); /* NULL is allowed */

/* Takes over the caller's reference to the file. */
void representation_answer(struct representer *representer, const struct request *request,
			   struct response_maker *maker, struct response *response,
			   struct file *file);

#endif
