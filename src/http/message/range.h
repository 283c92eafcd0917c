/* SPDX-License-Identifier: MIT
 *
 * Range requests (RFC 9110 section 14): which octets a Range field asks for. */
#ifndef BROOD_HTTP_MESSAGE_RANGE_H
#define BROOD_HTTP_MESSAGE_RANGE_H

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum { RANGE_COUNT_MAX = 16 }; /* ranges in one field; with more of them the field is ignored */

struct range {
	uint64_t first, length; /* length is not 0 */
};

struct range_set {
	size_t asked; /* ranges in the field */
	size_t count; /* those of them that are satisfiable, in the order asked for */
	struct range ranges[RANGE_COUNT_MAX];
};

enum range_verdict {
	RANGE_IGNORE,        /* another unit, not by the grammar, too many: as if it were absent */
	RANGE_SATISFIABLE,   /* count is 1 or more */
	RANGE_UNSATISFIABLE, /* 416 */
};

enum range_verdict range_parse(struct slice value, uint64_t size, struct range_set *out);

/* Puts the ranges into the order of the file, and joins those that overlap, touch, or have at most
 * `gap` octets between them. */
void range_join(struct range_set *set, uint64_t gap);

#endif
