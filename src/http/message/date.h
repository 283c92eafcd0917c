/* SPDX-License-Identifier: MIT
 *
 * HTTP dates (RFC 9110 section 5.6.7): one form is written, three are read. Pure arithmetic,
 * without the C library's time zones, which read files. */
#ifndef BROOD_HTTP_MESSAGE_DATE_H
#define BROOD_HTTP_MESSAGE_DATE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { DATE_LENGTH = 29 };

/* Writes IMF-fixdate, "Sat, 21 Nov 2026 10:00:00 GMT", without NUL, for seconds since 1970. What is
 * outside of the years 1 to 9999 becomes the nearest second that is inside. */
void date_format(char out[DATE_LENGTH], int64_t seconds);

/* Reads IMF-fixdate, RFC 850 and asctime dates, the whole text and in their exact letter case.
 * `now` settles the century of a two-digit year. The name of the weekday must be one, but it need
 * not be that date's: it says nothing that the rest does not. False: not a date. */
bool date_parse(struct slice text, int64_t now, int64_t *seconds) __attribute__((warn_unused_result));

#endif
