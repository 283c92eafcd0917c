/* SPDX-License-Identifier: MIT
 *
 * Putting a struct file together, with the head of its 200 response. */
#ifndef BROOD_HTTP_FILES_FILE_MAKE_H
#define BROOD_HTTP_FILES_FILE_MAKE_H

#include "http/message/coding.h"
#include "http/files/file.h"

struct http_location;
struct response_builder;

struct file_facts {
	const struct http_location *location;
	struct slice name;
	struct slice type;       /* with charset */
	struct file_stamp stamp; /* its size is that of the body */
	bool settled;
	enum coding coding;
	bool varies;   /* there are other codings of it */
	bool distinct; /* the tag has a third number: file_make_distinct is to be called */
	bool in_memory;
};

/* With one reference, for the caller, and without an fd; in memory, the octets of the body are to
 * be filled in. 0, -ENOMEM, or -EOVERFLOW: the head is too large. */
int file_make(const struct file_facts *facts, const struct response_builder *builder, struct file **out)
	__attribute__((warn_unused_result));

/* Sets the third number in the tag. */
void file_make_distinct(struct file *file, uint64_t number);

/* Of the octets of a body: equal octets, equal number; nobody gains from a collision of their own
 * making. */
uint64_t file_make_digest(struct slice octets);

/* One that is none on disk: a copy of these octets, with a type that lasts, and a tag that equal octets
 * have in common; nothing else of it is set. NULL: no memory. */
struct file *file_of_octets(struct slice octets, struct slice type);

#endif
