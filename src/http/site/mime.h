/* SPDX-License-Identifier: MIT
 *
 * Content types by the ending of a file's name. Making the table is in http.h, since its owner is
 * the program; this is the side that reads it. */
#ifndef BROOD_HTTP_SITE_MIME_H
#define BROOD_HTTP_SITE_MIME_H

#include "base/slice.h"

#include <stdbool.h>

struct mime_table;

/* The type for a name like "docs/Guide.HTML", by what follows the last dot of its last segment,
 * upper and lower case being one; application/octet-stream for what is unknown. Valid as long as
 * the table. `table` may be NULL: then the built-in types alone. */
struct slice mime_type(const struct mime_table *table, struct slice name);

/* Whether the table has a type for it. */
bool mime_is_known(const struct mime_table *table, struct slice name);

/* Whether "; charset=utf-8" belongs to a type: to text of all kinds and to JavaScript, which
 * readers would otherwise guess or take for a legacy encoding. Not to XML (also image/svg+xml),
 * whose documents name their encoding themselves and would be overruled (RFC 7303 section 3), and
 * not to JSON, which is UTF-8 by definition and has no such parameter (RFC 8259 section 11). */
bool mime_wants_charset(struct slice type);

#endif
