/* SPDX-License-Identifier: MIT
 *
 * What a client would like: media types by Accept (RFC 9110 section 12.5.1), pages by navigating.
 */
#ifndef BROOD_HTTP_MESSAGE_ACCEPT_H
#define BROOD_HTTP_MESSAGE_ACCEPT_H

#include "base/slice.h"

#include <stdbool.h>

struct request;

enum { ACCEPT_QUALITY_MAX = 1000 };

/* The quality, from 0 (not wanted) to ACCEPT_QUALITY_MAX, of "type/subtype" by the range that names
 * it most closely; `ranges`: also those with "*" count. Parameters other than q are not looked at.
 * Without Accept all is wanted; 0 then without `ranges`. */
unsigned accept_quality(const struct request *request, struct slice type, bool ranges);

/* Is it a person's browser that goes to another page, rather than a page that loads something?
 * Sec-Fetch-Mode tells, or, where there is none, that Accept names text/html. */
bool accept_is_navigation(const struct request *request);

#endif
