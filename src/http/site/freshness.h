/* SPDX-License-Identifier: MIT
 *
 * What caches are told about a file: Cache-Control by its location, and by its name where that changes
 * with its contents. */
#ifndef BROOD_HTTP_SITE_FRESHNESS_H
#define BROOD_HTTP_SITE_FRESHNESS_H

#include "base/slice.h"

#include <stdbool.h>

struct http_location;

/* The line, with CRLF, for a file of that name in a location; empty for none. */
struct slice location_freshness(const struct http_location *location, struct slice name);

/* Is there a hash of the contents in the name, as build tools write it ("app.3f9d2c1a.js",
 * "index-BxYz12_3.css", "main.5ZQHXKDN.js.map")? It stands before the ending, behind a dot or a
 * dash: 8 to 64 octets, with a digit and a letter among them, that are all hexadecimal, or letters
 * (a capital one at least), digits and "_". So no date is one ("report-20240131.pdf"), nor a word
 * with a number ("chapter-document1.pdf"). */
bool name_is_hashed(struct slice name);

#endif
