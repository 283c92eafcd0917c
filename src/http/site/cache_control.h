/* SPDX-License-Identifier: MIT
 *
 * What caches are told about a file: Cache-Control by its location, and by its name where that changes
 * with its contents. */
#ifndef BROOD_HTTP_SITE_CACHE_CONTROL_H
#define BROOD_HTTP_SITE_CACHE_CONTROL_H

#include "base/slice.h"

struct http_location;

/* The line, with CRLF, for a file of that name in a location; empty for none. */
struct slice location_cache_control(const struct http_location *location, struct slice name);

#endif
