/* SPDX-License-Identifier: MIT
 *
 * One response, as whoever makes it (static.c, or an error) gives it to the connection, which alone
 * writes. The connection adds "Connection: close" where due, the empty line, and leaves out the
 * body of a HEAD; so a builder sets the same for GET and HEAD. */
#ifndef BROOD_HTTP_FILES_RESPONSE_H
#define BROOD_HTTP_FILES_RESPONSE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	RESPONSE_SCRATCH_SIZE = 42 << 10, /* a head, and the body of response_simple */
	RESPONSE_PARTS_MAX = 17,
	RESPONSE_FIELDS_MAX = 64,
};

struct file;
struct head;
struct http_location;
struct http_site;

/* A piece of a body that is made of several: some octets, then some of the response's file. */
struct response_part {
	struct slice lead;                 /* valid until the next response is made; what is left over is copied */
	struct slice body;                 /* of a file in memory */
	uint64_t file_offset, file_length; /* of an open one: the response's file_fd */
};

struct response {
	unsigned status;

	/* Status line and all fields, each with its CRLF; no Connection field, no empty line at the
	 * end. In the file's own memory if there is a file and `contiguous` is set, else in the
	 * scratch space: then what could not be written at once is copied. */
	struct slice head;

	/* The body: octets in memory, or `length` octets of an open file from `offset` on. */
	struct slice body;
	int file_fd; /* -1: the body is in memory */
	uint64_t file_offset, file_length;

	/* Or, in place of these two, several pieces; valid until the next response is made. */
	const struct response_part *parts;
	size_t part_count; /* at most RESPONSE_PARTS_MAX */

	/* Field lines of this answer alone, each with its CRLF, which go behind the head's; valid
	 * until the next response is made; at most RESPONSE_FIELDS_MAX octets. */
	struct slice fields;

	/* In memory `head` is directly followed by CRLF and `body`: all three can go as one. */
	bool contiguous;

	/* Keeps body and fd, and a contiguous head, valid and unchanged; the connection calls
	 * file_release when all is written (or the connection is gone). NULL: head and body are in
	 * the scratch space, valid until the next response is made. */
	struct file *file;

	/* For the log: why a request could not be served that is not as it should be (400, 408,
	 * 421, 431, ...). Lasting; NULL when the status says it all. */
	const char *reason;

	bool unlogged;                        /* the access log does not want it */
	const struct http_location *location; /* whose it is; NULL: nobody's */

	bool close; /* this connection must end after it (framing in doubt, body not read) */
};

/* What a process's responses have in common: the Date text of this second, Server, worker tag, and
 * space to build one head at a time. */
struct response_builder;
struct response_builder *response_builder_new(const char *worker_tag); /* NULL: no memory */
void response_builder_free(struct response_builder *builder);

/* The text "Sat, 21 Nov 2026 10:00:00 GMT" (29 octets) of now, and the second it stands for;
 * renewed by response_builder_tick, which the connection calls once per turn of the loop (one clock
 * read, vDSO). */
struct slice response_date(const struct response_builder *builder, int64_t *second);
void response_builder_tick(struct response_builder *builder);

/* The location's fields (NULL: those of a location of defaults) and, if asked for, "X-Brood-Worker: 0-1-4711\r\n":
 * for every response. */
void response_put_common(const struct response_builder *builder, const struct http_location *location,
			 struct head *head);

/* Starts a head in the scratch space: status line, Date, common fields. Then add fields, then
 * finish, then give the response a body if it has one. *response is overwritten as a whole. What
 * does not fit makes response_finish return false and the response a bare 500. */
void response_begin(struct response_builder *builder, struct response *response, const struct http_location *location,
		    unsigned status);
void response_field(struct response_builder *builder, const char *name, struct slice value);
void response_lines(struct response_builder *builder, struct slice lines); /* each with CRLF */
void response_field_u64(struct response_builder *builder, const char *name, uint64_t value);
void response_content_range(struct response_builder *builder, uint64_t first, uint64_t length, uint64_t size);
bool response_finish(struct response_builder *builder, struct response *response);

/* A whole response: errors, redirects. Its body is a small HTML page that says the status. `extra` is further
 * field lines, each with CRLF ("Allow: GET, HEAD, OPTIONS\r\n"), or empty. */
void response_simple(struct response_builder *builder, struct response *response, const struct http_location *location,
		     unsigned status, struct slice extra);

/* One of no location, with a sentence of its own (HTML) in place of what the status means. */
void response_explained(struct response_builder *builder, struct response *response, unsigned status,
			const char *sentence);

#endif
