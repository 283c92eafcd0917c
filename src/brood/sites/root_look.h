/* SPDX-License-Identifier: MIT
 *
 * A process that looks where the paths of roots lead, a few times a second, and tells all workers by epochs.h, and the
 * master by messages. It has no privileges, no descriptors but those, and may be kept waiting by a file system that
 * does not answer for as long as that likes: nobody waits for it (root_watch.h). */
#ifndef BROOD_BROOD_SITES_ROOT_LOOK_H
#define BROOD_BROOD_SITES_ROOT_LOOK_H

#include <stddef.h>
#include <stdint.h>

struct epochs;
struct privilege;

/* A path, and what is known of where it leads. */
struct root_known {
	char *path;
	uint64_t version;
};

/* What master and looker share. */
struct root_page {
	uint64_t beat;  /* changes while it does not wait */
	uint32_t at;    /* the path that is looked at; ROOT_NONE: none */
	uint32_t leave; /* not 0: another one has taken its place */
};

enum { ROOT_NONE = UINT32_MAX };

/* To the master, with the descriptor of the folder if there is one. */
struct root_news {
	uint64_t version;
	uint32_t number; /* of the path */
	int32_t error;   /* 0, or -errno */
};

struct root_look {
	struct root_known *list;
	size_t count;
	struct epochs *epochs;
	const struct privilege *privilege;
	struct root_page *page;
	int channel;
};

/* As brood_process_options.main, with a struct root_look. */
int root_look_main(void *context);

#endif
