/* SPDX-License-Identifier: MIT
 *
 * The guard: looks over the octets of a request head before the parser sees any, finds the head's
 * end, and refuses what a lenient parser would take (RFC 9112 sections 2.2, 3 and 5):
 *
 *     lines end in CR LF, and neither octet stands anywhere else
 *     method SP target SP "HTTP/" DIGIT "." DIGIT, with exactly two spaces
 *     no line but the first begins with a space, a tab (folded lines) or a colon (empty names)
 *     a limited number of octets, of target octets, of lines, and of empty lines before
 *
 * Names and values of fields are the parser's business. A head that comes in pieces is scanned on
 * from where the last piece ended, and the verdict does not depend on how it was cut. */
#ifndef BROOD_HTTP_MESSAGE_GUARD_H
#define BROOD_HTTP_MESSAGE_GUARD_H

#include "http/message/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GUARD_EMPTY_LINES_MAX = 4,        /* before a request line (RFC 9112 section 2.2) */
	GUARD_METHOD_SIZE_MAX = 128,      /* octets; longer ones are no method that anybody knows */
	GUARD_HEAD_SIZE_LIMIT = 16 << 20, /* the largest head_size_max: offsets have 32 bits */
};

struct guard_limits {
	uint32_t head_size_max, target_size_max, fields_max;
};

/* Where the parts of a head are. Offsets count from the first octet given to guard_scan. */
struct guard {
	uint32_t start;       /* of the request line, behind empty lines */
	uint32_t line;        /* start of the line that is being scanned */
	uint32_t scanned;     /* octets before this one hold no further end of line */
	uint32_t line_size;   /* of the request line, without CR LF */
	uint32_t method_size; /* the method begins at `start`, the target one octet behind it */
	uint32_t target_size;
	uint32_t field_count;
	enum refusal refusal;  /* once refused */
	uint8_t minor_version; /* 0 or 1 */
	uint8_t empty_lines;
};

enum guard_verdict {
	GUARD_MORE,     /* so far so good, the end is not there yet */
	GUARD_COMPLETE, /* guard->line is the first octet behind the head */
	GUARD_REFUSED,  /* guard->refusal says why */
};

/* A new head begins. */
void guard_reset(struct guard *guard);

/* Looks at the first `size` octets of a head; all of those given before must be among them,
 * unchanged. After GUARD_MORE the caller may drop the first guard->start octets if it calls
 * guard_rebase. */
enum guard_verdict guard_scan(struct guard *guard, const struct guard_limits *limits, const char *data, size_t size);

/* The first guard->start octets (empty lines) have been dropped. */
void guard_rebase(struct guard *guard);

/* RFC 9110 section 5.6.2: an octet that may stand in a token. */
bool guard_is_token(unsigned char octet);

#endif
