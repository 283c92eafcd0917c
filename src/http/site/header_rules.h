/* SPDX-License-Identifier: MIT
 *
 * Rules for the fields of a location's responses:
 *
 *     "set NAME: VALUE"     in place of all of that name
 *     "add NAME: VALUE"     beside them
 *     "remove NAME"
 *
 * They are applied one after the other, those of outer blocks first, so an inner block changes what
 * it names and nothing else. Fields that frame a message, or that tell about what is sent, are
 * brood's own: no rule can name them. */
#ifndef BROOD_HTTP_SITE_HEADER_RULES_H
#define BROOD_HTTP_SITE_HEADER_RULES_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* What Server says where no rule says anything else. */
#define HEADER_SERVER "brood"

enum { HEADER_LINES_MAX = 8192 }; /* of all lines together */

/* False: why not, in words. */
bool header_rule_is_valid(const char *rule, char *reason, size_t room);

/* A value that a field can have: no control characters but tabs. */
bool header_value_is_valid(const char *value);

/* The lines that valid rules leave, each with its CRLF, beginning with Server; malloc'd.
 * 0, -ENOMEM, or -E2BIG: more than HEADER_LINES_MAX. */
int header_rules_make(const char *const *rules, size_t count, struct slice *out) __attribute__((warn_unused_result));

/* Is there a line of that name? */
bool header_lines_have(struct slice lines, struct slice name);

#endif
