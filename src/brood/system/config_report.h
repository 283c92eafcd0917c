/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration: all of it, one line each, with the place where it was
 * written. Bounded, however long the file. */
#ifndef BROOD_BROOD_SYSTEM_CONFIG_REPORT_H
#define BROOD_BROOD_SYSTEM_CONFIG_REPORT_H

#include "base/buffer.h"

#include <stddef.h>

/* Where a setting came from. All NULL: the command line's own options, or a default. Borrowed. */
struct origin {
	const char *file; /* with `line` */
	unsigned line;
	const char *set; /* NAME=VALUE of a -s */
};

struct report {
	struct buffer *lines;
	unsigned count; /* of errors, also those that found no room in the buffer */
};

/* Adds a line. What comes from outside may be anything: control octets are escaped, and a long line
 * is cut. NULL: no place to name. */
void report_add(struct report *report, const struct origin *origin, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes a text in the file's own syntax: quoted, escaped. 0 or -ENOMEM. */
int report_quote(struct buffer *out, const char *text) __attribute__((warn_unused_result));

#endif
