/* SPDX-License-Identifier: MIT
 *
 * The entries of a directory, and how they are written. Private to listing.c and the two forms. */
#ifndef BROOD_HTTP_FILES_LISTING_TEXT_H
#define BROOD_HTTP_FILES_LISTING_TEXT_H

#include "base/buffer.h"
#include "http/site/site.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { LISTING_HREF_MAX = 3 * NAME_MAX + 8 };

struct listing_entry {
	const char *name;
	bool directory;
	uint64_t size;
	time_t modified;
};

struct listing {
	const struct http_location *location;
	struct slice name; /* of the directory: "" or with a slash at its end */
	const struct listing_entry *entries;
	size_t count;
	bool cut; /* there are more */
};

/* 0 or -ENOMEM. */
int listing_write_html(const struct listing *listing, struct buffer *out) __attribute__((warn_unused_result));
int listing_write_json(const struct listing *listing, struct buffer *out) __attribute__((warn_unused_result));

/* The reference that a page in the directory has to the entry: "./name", percent-encoded, so that no
 * name is taken for a scheme; `&` and `'` stay as they are. 0 or -ENAMETOOLONG. */
int listing_href(const struct listing_entry *entry, char room[LISTING_HREF_MAX], struct slice *out)
	__attribute__((warn_unused_result));

#endif
