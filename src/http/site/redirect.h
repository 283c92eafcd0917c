/* SPDX-License-Identifier: MIT
 *
 * Redirects: "FROM TO [STATUS]", where FROM is a path, or a path with "*" behind its last slash,
 * which stands for all that follows; TO is a path or an absolute http or https URL, with the same
 * at its end. STATUS is 301 (the default), 302, 303, 307 or 308. The query goes along.
 *
 * Both are written as in a URL, percent-encoded; FROM is compared decoded and normalised. Where a
 * Location leads is said by TO alone: what a client puts into a path or query never names a
 * host. */
#ifndef BROOD_HTTP_SITE_REDIRECT_H
#define BROOD_HTTP_SITE_REDIRECT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct head;
struct path;

struct redirect {
	struct slice from; /* decoded, without the slash in front; a prefix ends with a slash or is "" */
	struct slice to;   /* without the "*" */
	unsigned status;
	bool prefix;
	bool rest; /* what follows the prefix goes behind `to` */
};

/* A frozen set. */
struct redirects {
	struct redirect *exact; /* in order */
	size_t exact_count;
	struct redirect *prefixes; /* the longest first */
	size_t prefix_count;
	char *room; /* owned, as both lists are */
};

/* False: why not, in words. */
bool redirect_is_valid(const char *rule, char *reason, size_t room);

/* From valid rules, which must live on. Of two with the same FROM the later one counts. 0 or
 * -ENOMEM. */
int redirects_make(struct redirects *out, const char *const *rules, size_t count) __attribute__((warn_unused_result));
void redirects_free(struct redirects *redirects);

/* The one for a path: the exact one, else that of the longest prefix; NULL for none. */
const struct redirect *redirects_find(const struct redirects *redirects, const struct path *path);

/* Writes where it leads to from that path. False: there is no room. */
bool redirect_write(const struct redirect *redirect, const struct path *path, struct head *out);

#endif
