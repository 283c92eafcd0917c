/* SPDX-License-Identifier: MIT
 *
 * What the private server serves: a temporary folder with a few files whose every octet is known,
 * and its configuration beside them. */
#ifndef BROOD_PROVE_PROVE_SITE_H
#define BROOD_PROVE_PROVE_SITE_H

#include <stddef.h>

enum { SITE_SMALL, SITE_MIDDLE, SITE_LARGE, SITE_FILES };
enum { SITE_PATH_MAX = 256 };

struct site_file {
	const char *target; /* of a request: "/1k.bin" */
	size_t size;
	const char *content; /* the site's */
};

struct site {
	char folder[SITE_PATH_MAX]; /* "": there is none */
	char root[SITE_PATH_MAX + 8], config[SITE_PATH_MAX + 16];
	struct site_file file[SITE_FILES];
	char *noise; /* owned; the files are parts of it */
};

/* Makes the folder below $TMPDIR, or below /tmp, also for root where others could put another folder in its place;
 * readable by everybody, since workers may run as another user. 0 or -errno. In every case `site_remove` is to
 * follow. */
int site_make(struct site *site) __attribute__((warn_unused_result));

/* Writes the configuration afresh; each `edition` differs in a setting. 0 or -errno. */
int site_configure(const struct site *site, unsigned edition, unsigned drain_delay_ms)
	__attribute__((warn_unused_result));

/* Removes all that was made, if anything was. */
void site_remove(struct site *site);

#endif
