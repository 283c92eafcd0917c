/* SPDX-License-Identifier: MIT
 *
 * See sites.h. Master only. */
#include "brood/sites/sites.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/log.h"
#include "brood/config/config_sites.h"
#include "brood/sites/former_roots.h"
#include "brood/config/known_roots.h"
#include "brood/config/looking.h"
#include "brood/config/setting_checks.h"
#include "http/site/epochs.h"
#include "http/site/header_rules.h"
#include "http/site/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct sites_block {
	struct sites_block *next;
	max_align_t octets[];
};

/* What is passed along. */
struct making {
	struct sites *sites;
	const struct config *config;
};

/* Zeroed, and freed with all the rest; NULL: no memory. */
static void *take(struct making *making, size_t count, size_t size)
{
	struct sites_block *block = calloc(1, sizeof(*block) + count * size);

	if (!block)
		return NULL;
	block->next = making->sites->blocks;
	making->sites->blocks = block;
	return block->octets;
}

/* The texts, which stay the configuration's, ended by NULL; 0 or -ENOMEM. */
static int take_list(struct making *making, const struct config_list *list, const char *const **out)
{
	const char **items = take(making, list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		items[i] = list->items[i];
	*out = items;
	return 0;
}

/* "NAME: VALUE", with CRLF; empty for none. 0 or -ENOMEM. */
static int take_line(struct making *making, const char *name, const char *value, struct slice *out)
{
	size_t room = value ? strlen(name) + strlen(value) + sizeof(": \r\n") : 1;
	char *line = take(making, room, 1);

	if (!line)
		return -ENOMEM;
	if (value)
		snprintf(line, room, "%s: %s\r\n", name, value);
	*out = slice_of(line);
	return 0;
}

static int take_error_pages(struct making *making, const struct config_list *list, const struct error_page **out)
{
	struct error_page *pages = take(making, list->count + 1, sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		pages[i].name = read_error_page(list->items[i], &pages[i].status);
	*out = list->count > 0 ? pages : NULL;
	return 0;
}

static int take_redirects(struct making *making, const struct config_list *list, const struct redirects **out)
{
	struct redirects *redirects;

	*out = NULL;
	if (list->count == 0)
		return 0;
	redirects = take(making, 1, sizeof(*redirects));
	if (!redirects || redirects_make(redirects, (const char *const *)list->items, list->count) < 0)
		return -ENOMEM;
	*out = redirects;
	return 0;
}

/* The lists stay the configuration's. */
static const struct networks *borrow(struct making *making, const struct networks *networks, int *rc)
{
	struct networks *copy;

	if (networks->count == 0)
		return NULL;
	copy = take(making, 1, sizeof(*copy));
	if (copy)
		*copy = *networks;
	else
		*rc = -ENOMEM;
	return copy;
}

/* All that holds in a location, once it is resolved. 0 or -ENOMEM. */
static int fill_location(struct making *making, const struct config_location *from, struct http_location *out)
{
	/* A field that is set for all responses goes before one for some. */
	bool set = header_lines_have(out->fields, SLICE("Cache-Control"));
	int rc = take_list(making, &from->index, &out->index_names);

	if (rc == 0 && from->try.count > 0)
		rc = take_list(making, &from->try, &out->try_names);
	if (rc == 0)
		rc = take_error_pages(making, &from->error_pages, &out->error_pages);
	if (rc == 0)
		rc = take_redirects(making, &from->redirects, &out->redirects);
	if (rc == 0)
		rc = take_line(making, "Cache-Control", set ? NULL : from->cache_control, &out->cache_control);
	if (rc == 0)
		rc = take_line(making, "Cache-Control", set ? NULL : from->cache_control_hashed,
			       &out->cache_control_hashed);
	if (rc == 0)
		rc = take_line(making, "Strict-Transport-Security", from->hsts, &out->hsts);
	if (rc == 0 && from->gzip)
		rc = take_list(making, &from->gzip_types, &out->gzip_types);
	out->gzip_min_size = (size_t)from->gzip_min_size;
	out->allow = borrow(making, &from->allow, &rc);
	out->deny = borrow(making, &from->deny, &rc);
	out->fallback = from->fallback;
	out->clean_urls = from->clean_urls;
	out->listing = from->listing;
	out->precompressed = from->precompressed;
	out->listing_css = from->listing_css;
	return rc;
}

/* `block`: NULL for the site as a whole. 0 or -ENOMEM. */
static int make_location(struct making *making, const struct config_site *from, const struct config_block *block,
			 struct http_location *out)
{
	struct config_location location;
	int rc = config_headers_make(making->config, from, block, &out->fields);

	if (rc < 0)
		return rc;
	config_location_resolve(making->config, from, block, &location);
	out->prefix = block ? slice_of(block->path + 1) : SLICE("");
	return fill_location(making, &location, out);
}

static int make_locations(struct making *making, const struct config_site *from, struct http_site *out)
{
	int rc;

	out->locations = take(making, from->location_count + 1, sizeof(*out->locations));
	if (!out->locations)
		return -ENOMEM;
	out->location_count = from->location_count + 1;
	rc = make_location(making, from, NULL, &out->locations[0]);
	for (size_t i = 0; rc == 0 && i < from->location_count; i++)
		rc = make_location(making, from, &from->locations[i], &out->locations[i + 1]);
	return rc;
}

/* fd: the site's from here on; -errno: it has none. What it had is somebody else's by now. */
static void give_root(struct http_site *site, int fd, uint64_t version)
{
	bool no_links = site->root.no_links;

	site->root = fd < 0 ? file_root_none(no_links) : file_root_make(fd, no_links);
	site->follow.error = fd < 0 ? fd : 0;
	site->follow.version = version;
	if (fd >= 0)
		fd_note(fd, FD_FOLDER);
}

/* fd or -errno; *version is that of either. */
static int open_root(const struct making *making, const char *path, uint64_t *version)
{
	const struct known_root *known = known_roots_find(making->config->known_roots, path);
	int fd;

	if (!known || !known->given) {
		looking_at(making->config->looking, "root", path);
		fd = privilege_open_directory(&making->config->privilege, path);
		*version = fd < 0 ? (uint64_t)-fd : root_version(fd);
		return fd;
	}
	*version = known->version;
	if (known->fd < 0)
		return -(int)known->version;
	fd = fcntl(known->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* 0, or -1 with a reason. */
static int make_site(struct making *making, const struct config_site *from, char *reason, size_t room)
{
	struct http_sites *http = &making->sites->http;
	struct http_site *site = &http->list[http->count];
	struct config_site resolved;
	uint64_t version;
	int fd;

	config_site_resolve(making->config, from, &resolved);
	fd = open_root(making, resolved.root, &version);
	if (fd < 0 && !known_roots_find(making->config->known_roots, resolved.root)) {
		snprintf(reason, room, "root '%s': %s", resolved.root, strerror(-fd));
		return -1;
	}
	http->count++;
	site->root = file_root_none(resolved.symlinks == SYMLINKS_NONE);
	site->follow.path = resolved.root;
	give_root(site, fd, version);
	site->identity = version_add_octets(site->root.no_links, slice_of(resolved.root));
	if (make_locations(making, from, site) < 0) {
		snprintf(reason, room, "no memory");
		return -1;
	}
	for (size_t i = 0; i < from->names.count; i++)
		http->names[http->name_count++] = (struct site_name){from->names.items[i], site};
	return 0;
}

static int make_sites(struct making *making, char *reason, size_t room)
{
	const struct config *config = making->config;
	struct http_sites *http = &making->sites->http;
	size_t names = config->site.names.count;
	int rc = 0;

	for (size_t i = 0; i < config->site_count; i++)
		names += config->sites[i].names.count;
	http->list = take(making, config->site_count + 1, sizeof(*http->list));
	http->names = take(making, names + 1, sizeof(*http->names));
	if (!http->list || !http->names) {
		snprintf(reason, room, "no memory");
		return -1;
	}
	http->refuse_unknown = config->unknown_host == UNKNOWN_HOST_421;
	if (config->site.root)
		rc = make_site(making, &config->site, reason, room);
	for (size_t i = 0; rc == 0 && i < config->site_count; i++)
		rc = make_site(making, &config->sites[i], reason, room);
	return rc;
}

int sites_open(struct sites *out, const struct config *config, char *reason, size_t room)
{
	struct making making = {.sites = out, .config = config};

	*out = (struct sites){0};
	if (make_sites(&making, reason, room) < 0) {
		sites_close(out);
		return -1;
	}
	http_sites_sort(&out->http);
	return 0;
}

void sites_tell(const struct sites *sites)
{
	if (sites->http.count > 0 && sites->http.list[0].root.walks)
		log_info("openat2 is refused here (a kernel before 5.6, or a filter): paths are gone along folder by "
			 "folder, which is as safe, and slower where a file is not cached");
}

void sites_give_root(struct sites *sites, const char *path, int fd, int error, uint64_t version)
{
	struct former_roots former = {0};

	for (size_t i = 0; i < sites->http.count; i++) {
		struct http_site *site = &sites->http.list[i];
		int copy = error;

		if (strcmp(site->follow.path, path) != 0)
			continue;
		if (error == 0)
			copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0 && error == 0)
			continue; /* workers to come find out by themselves */
		former_roots_add(&former, site->root.fd);
		give_root(site, copy, version);
	}
	former_roots_close(&former);
}

static bool have_root(const struct sites *sites, uint64_t version)
{
	for (size_t i = 0; i < sites->http.count; i++) {
		if (sites->http.list[i].root.fd >= 0 && sites->http.list[i].follow.version == version)
			return true;
	}
	return false;
}

void sites_part(struct sites *sites, const struct sites *others)
{
	struct former_roots former = {0};

	for (size_t i = 0; i < sites->http.count; i++) {
		struct http_site *site = &sites->http.list[i];

		if (have_root(others, site->follow.version))
			continue;
		former_roots_add(&former, site->root.fd);
		site->root.fd = -1;
	}
	former_roots_close(&former);
}

static void close_site(struct http_site *site)
{
	fd_close(&site->root.fd);
	for (size_t i = 0; i < site->location_count; i++) {
		struct http_location *location = &site->locations[i];

		free((char *)location->fields.ptr);
		if (location->redirects)
			redirects_free((struct redirects *)location->redirects);
	}
}

void sites_close(struct sites *sites)
{
	struct sites_block *block;

	for (size_t i = 0; i < sites->http.count; i++)
		close_site(&sites->http.list[i]);
	while ((block = sites->blocks)) {
		sites->blocks = block->next;
		free(block);
	}
	*sites = (struct sites){0};
}
