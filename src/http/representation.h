/* SPDX-License-Identifier: MIT
 *
 * From a file that has been found to the response to a GET or HEAD of it: conditions (RFC 9110
 * section 13), ranges (section 14). */
#ifndef BROOD_HTTP_REPRESENTATION_H
#define BROOD_HTTP_REPRESENTATION_H

struct file;
struct request;
struct response;
struct response_maker;

/* Takes over the caller's reference to the file. */
void representation_answer(const struct request *request, struct response_maker *maker,
			   struct response *response, struct file *file);

#endif
