/* SPDX-License-Identifier: MIT
 *
 * An obituary as a JSON object. What is not known, or does not apply, is left out. */
#ifndef BROOD_BROOD_ADMIN_OBITUARY_JSON_H
#define BROOD_BROOD_ADMIN_OBITUARY_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct cluster_obituary;

enum { OBITUARY_TIME_MAX = 32 };

/* The text, one line without a newline, to be freed; NULL without memory. */
char *obituary_json(const struct cluster_obituary *obituary);

/* "2026-11-21T04:05:06.789Z"; for a file's name "20261121T040506.789Z". */
void obituary_time(uint64_t time_ms, bool for_name, char out[OBITUARY_TIME_MAX]);

#endif
