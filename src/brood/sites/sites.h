/* SPDX-License-Identifier: MIT
 *
 * From a configuration to the sites that workers serve: resolved, roots opened, frozen. Made by the
 * master; workers find them in their memory. */
#ifndef BROOD_BROOD_SITES_SITES_H
#define BROOD_BROOD_SITES_SITES_H

#include "http/site/site.h"

#include <stddef.h>

struct config;

/* Beside http: whatever is part of it, in one piece with one owner. All-zero: none. */
struct sites {
	struct http_sites http;
	struct sites_block *blocks;
};

/* Opens for *config, which must live on as long as *out, with the workers' rights. 0, or -1 with a
 * reason, and *out is all-zero. */
int sites_open(struct sites *out, const struct config *config, char *reason, size_t room)
	__attribute__((warn_unused_result));

/* A line for the log where openat2 is refused and roots are walked instead (http/site/open.h); at the start. */
void sites_tell(const struct sites *sites);

/* The root of that path is another folder (fd, borrowed), or there is none (error: -errno), for those who find it in
 * their memory from now on. */
void sites_give_root(struct sites *sites, const char *path, int fd, int error, uint64_t version);

/* Before sites_close in a server that runs, which must not wait: closes the roots that the others have not
 * (former_roots.h). */
void sites_part(struct sites *sites, const struct sites *others);

/* Closes the roots and frees all; *sites is all-zero then. */
void sites_close(struct sites *sites);

#endif
