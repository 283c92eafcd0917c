/* SPDX-License-Identifier: MIT
 *
 * What is in a directory, as a page or as JSON. Sorted, directories first; without what would not
 * be served: hidden names, links that are not followed, what is neither file nor directory. The
 * work is bounded: of a large directory only so many entries are shown, which is said in it, and
 * what was made is kept for a second, or until another worker has seen something else there. */
#ifndef BROOD_HTTP_FILES_LISTING_H
#define BROOD_HTTP_FILES_LISTING_H

#include "base/slice.h"

#include <stdint.h>

enum {
	LISTING_ENTRIES_MAX = 4096,                    /* that are shown */
	LISTING_SCANNED_MAX = 4 * LISTING_ENTRIES_MAX, /* that are looked at */
};

struct epochs;
struct file;
struct http_location;
struct listings;

enum listing_form { LISTING_HTML, LISTING_JSON };

/* Those of a process. NULL: no memory. The table is borrowed. */
struct listings *listings_new(const struct epochs *epochs);
void listings_free(struct listings *listings);

/* The listing of the directory `name` (of struct path, so "" or with a slash at its end) of a
 * location, with a reference for the caller: a file that is none on disk, with body, type and etag and
 * nothing else. 0 or -errno. */
int listings_get(struct listings *listings, const struct http_location *location, struct slice name,
		 enum listing_form form, uint64_t now_ms, struct file **out) __attribute__((warn_unused_result));

/* Forgets all. */
void listings_forget(struct listings *listings);

/* Forgets those that are no longer given. */
void listings_tick(struct listings *listings, uint64_t now_ms);

#endif
