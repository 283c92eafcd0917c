/* SPDX-License-Identifier: MIT
 *
 * See sites.h. Master only. */
#include "brood/sites.h"

#include "base/fd.h"
#include "brood/config_sites.h"

#include <errno.h>
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

/* `location`: NULL for the site as a whole. 0 or -ENOMEM. */
static int make_place(struct making *making, const struct config_site *from,
		      const struct config_location *location, struct http_place *out)
{
	struct config_place place;

	config_place_resolve(making->config, from, location, &place);
	out->prefix = location ? slice_of(location->path + 1) : SLICE("");
	out->precompressed = place.precompressed;
	return take_list(making, &place.index, &out->index_names);
}

static int make_places(struct making *making, const struct config_site *from, struct http_site *out)
{
	int rc;

	out->places = take(making, from->location_count + 1, sizeof(*out->places));
	if (!out->places)
		return -ENOMEM;
	rc = make_place(making, from, NULL, &out->places[0]);
	for (size_t i = 0; rc == 0 && i < from->location_count; i++)
		rc = make_place(making, from, &from->locations[i], &out->places[i + 1]);
	out->place_count = from->location_count + 1;
	return rc;
}

/* 0, or -1 with a reason. */
static int make_site(struct making *making, const struct config_site *from, char *reason,
		     size_t room)
{
	struct http_sites *http = &making->sites->http;
	struct http_site *site = &http->list[http->count];
	struct config_site resolved;
	int fd;

	config_site_resolve(making->config, from, &resolved);
	fd = privilege_open_directory(&making->config->privilege, resolved.root);
	if (fd < 0) {
		snprintf(reason, room, "root '%s': %s", resolved.root, strerror(-fd));
		return -1;
	}
	http->count++;
	site->root = (struct file_root){fd, resolved.symlinks == SYMLINKS_NONE};
	if (make_places(making, from, site) < 0) {
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

void sites_close(struct sites *sites)
{
	struct sites_block *block;

	for (size_t i = 0; i < sites->http.count; i++)
		fd_close(&sites->http.list[i].root.fd);
	while ((block = sites->blocks)) {
		sites->blocks = block->next;
		free(block);
	}
	*sites = (struct sites){0};
}
