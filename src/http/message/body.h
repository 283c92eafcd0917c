/* SPDX-License-Identifier: MIT
 *
 * The body of a request, for whoever wants one (files do not): octets in, content out, in the pieces
 * they come in and without copies. By Content-Length or chunked (RFC 9112 sections 6 and 7.1), by
 * the letter and within limits: there is no second way to read the same octets.
 *
 *     chunk     size in hexadecimal digits, extensions, CR LF, content, CR LF
 *     extensions are checked and ignored, trailer fields checked and dropped; both are limited
 *
 * Time is the connection's business: a body has as long as body_timeout, in all. */
#ifndef BROOD_HTTP_MESSAGE_BODY_H
#define BROOD_HTTP_MESSAGE_BODY_H

#include "base/slice.h"
#include "http/message/refusal.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

struct body_limits {
	uint64_t size_max;           /* octets of content -> 413 */
	uint32_t extensions_max;     /* octets of all chunk extensions together -> 400 */
	uint32_t trailer_size_max;   /* octets of the trailer section -> 431 */
	uint32_t trailer_fields_max; /* -> 431 */
};

enum {
	BODY_SIZE_DIGITS_MAX = 32, /* of one chunk size, leading zeros among them */
};

/* Where in a body the next octet is. */
struct body {
	uint64_t left; /* octets of content to come: of this chunk, or of all */
	uint64_t size; /* octets of content that there have been or that were announced */
	uint32_t extensions, trailer_size, trailer_fields;
	uint8_t digits; /* of the chunk size that is being read */
	uint8_t state;
	enum refusal refusal; /* once refused */
};

enum body_verdict {
	BODY_MORE,     /* all octets are used, further ones are needed */
	BODY_CONTENT,  /* *content is the next piece; there may be more in the input */
	BODY_COMPLETE, /* what is left of the input is behind the body */
	BODY_REFUSED,  /* body->refusal says why; the connection must end */
};

/* The body of a request that framing.h has found right. A request without one has one of no
 * octets. Refused at once where Content-Length tells that it is too large. */
enum refusal body_begin(struct body *body, const struct body_limits *limits, const struct request *request)
	__attribute__((warn_unused_result));

/* Takes octets off the front of *input. With BODY_CONTENT, *content is some of them, at least one;
 * otherwise it is empty. The verdict and the content do not depend on how a body was cut. After
 * BODY_COMPLETE or BODY_REFUSED it returns the same again and takes nothing. */
enum body_verdict body_read(struct body *body, const struct body_limits *limits, struct slice *input,
			    struct slice *content) __attribute__((warn_unused_result));

#endif
