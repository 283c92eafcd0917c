/* SPDX-License-Identifier: MIT
 *
 * See roots.h. */
#include "http/files/roots.h"

#include "http/files/file_cache.h"
#include "http/files/listing.h"

#include <errno.h>

int roots_begin(struct roots *roots, const struct epochs *epochs)
{
	for (size_t i = 0; i < roots->sites->count; i++)
		root_follow_begin(&roots->sites->list[i], epochs);
	return http_sites_try(roots->sites);
}

/* What is there of another folder is no file of the site any more. */
static void follow(const struct roots *roots, struct http_site *site)
{
	int rc;

	do {
		rc = root_follow(site);
	} while ((rc == -EMFILE || rc == -ENFILE) && file_cache_shed(roots->cache));
	if (rc < 0)
		root_follow_fail(site, rc);
	if (rc == 0)
		return;
	file_cache_forget(roots->cache, site);
	listings_forget(roots->listings);
}

void roots_follow(const struct roots *roots, const struct http_site *site)
{
	follow(roots, &roots->sites->list[site - roots->sites->list]);
}

static bool has_root(const struct roots *roots, size_t index)
{
	struct http_site *site = &roots->sites->list[index];

	if (!epoch_holds(&site->follow.seen))
		follow(roots, site);
	return site->follow.error == 0;
}

void roots_tick(const struct roots *roots)
{
	for (size_t i = 0; i < roots->sites->count; i++)
		(void)has_root(roots, i);
}

bool roots_have_default(const struct roots *roots)
{
	return has_root(roots, 0);
}

bool roots_are_ready(const struct roots *roots)
{
	size_t count = roots->sites->refuse_unknown ? roots->sites->count : 1;

	for (size_t i = 0; i < count; i++) {
		if (has_root(roots, i))
			return true;
	}
	return false;
}
