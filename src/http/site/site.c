/* SPDX-License-Identifier: MIT
 *
 * See site.h. */
#include "http/site/site.h"

#include "base/fd.h"
#include "http/message/authority.h"
#include "http/site/header_rules.h"

#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>

enum { HOST_MAX = 255 };

/* --- names --- */

static bool is_label_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool site_name_is_valid(const char *text)
{
	struct authority authority;
	size_t length = strlen(text), label = 0;

	if (length == 0 || length > HOST_MAX)
		return false;
	if (text[0] == '[')
		return authority_parse(slice_of(text), &authority) && !authority.has_port;
	if (text[0] == '*' && text[1] == '.')
		text += 2;
	for (; *text; text++) {
		if (*text == '.' ? label == 0 : !is_label_octet(*text))
			return false;
		label = *text == '.' ? 0 : label + 1;
	}
	return label > 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(((const struct site_name *)a)->text, ((const struct site_name *)b)->text);
}

/* The longest prefix first. */
static int compare_locations(const void *a, const void *b)
{
	size_t one = ((const struct http_location *)a)->prefix.len;
	size_t other = ((const struct http_location *)b)->prefix.len;

	return one < other ? 1 : one > other ? -1 : 0;
}

static void complete(struct http_location *location, const struct http_site *site)
{
	location->site = site;
	location->guarded = location->allow || location->deny || location->redirects || location->clean_urls;
}

void http_sites_sort(struct http_sites *sites)
{
	if (sites->name_count > 0)
		qsort(sites->names, sites->name_count, sizeof(*sites->names), compare_names);
	for (size_t i = 0; i < sites->count; i++) {
		struct http_site *site = &sites->list[i];

		qsort(site->locations + 1, site->location_count - 1, sizeof(*site->locations), compare_locations);
		for (size_t k = 0; k < site->location_count; k++)
			complete(&site->locations[k], site);
	}
}

static const struct http_site *find_name(const struct http_sites *sites, const char *text)
{
	struct site_name key = {text, NULL}, *found;

	if (sites->name_count == 0) /* nor are there any to search */
		return NULL;
	found = bsearch(&key, sites->names, sites->name_count, sizeof(*sites->names), compare_names);
	return found ? found->site : NULL;
}

/* Without port and dot at its end. */
static struct slice bare_host(struct slice host)
{
	const char *bracket = host.len > 0 && host.ptr[0] == '[' ? memchr(host.ptr, ']', host.len) : NULL;
	const char *start = bracket ? bracket : host.ptr;
	const char *colon = host.len > 0 ? memchr(start, ':', host.len - (size_t)(start - host.ptr)) : NULL;

	if (colon)
		host.len = (size_t)(colon - host.ptr);
	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	return host;
}

bool site_hosts_are_equal(struct slice one, struct slice other)
{
	return slice_equal_nocase(bare_host(one), bare_host(other));
}

/* Bare, ended by NUL, with room for "*" in front. False: too long for any name. */
static bool take_host(struct slice host, char out[HOST_MAX + 2])
{
	host = bare_host(host);
	if (host.len > HOST_MAX)
		return false;
	if (host.len > 0)
		memcpy(out + 1, host.ptr, host.len);
	out[host.len + 1] = '\0';
	return true;
}

const struct http_site *sites_find_named(const struct http_sites *sites, struct slice host)
{
	char room[HOST_MAX + 2], *at = room + 1;
	const struct http_site *site = NULL;

	if (host.len == 0)
		return sites->list;
	if (take_host(host, room)) {
		site = find_name(sites, at);
		/* "a.b.c": "*.b.c", then "*.c". */
		for (char *dot = *at ? strchr(at + 1, '.') : NULL; !site && dot; dot = strchr(dot + 1, '.')) {
			dot[-1] = '*';
			site = find_name(sites, dot - 1);
		}
	}
	if (!site && !sites->refuse_unknown)
		site = sites->list;
	return site;
}

/* --- locations --- */

const struct http_location *site_find_location(const struct http_site *site, struct slice name)
{
	for (size_t i = 1; i < site->location_count; i++) {
		struct slice prefix = site->locations[i].prefix;

		if (name.len >= prefix.len && memcmp(name.ptr, prefix.ptr, prefix.len) == 0 &&
		    (name.len == prefix.len || name.ptr[prefix.len] == '/'))
			return &site->locations[i];
	}
	return site->locations;
}

void site_alone_make(struct site_alone *alone, int root_fd)
{
	static const char *const index_names[] = {"index.html", NULL};

	alone->location = (struct http_location){
		.site = &alone->site,
		.prefix = SLICE(""),
		.fields = SLICE("Server: " HEADER_SERVER "\r\n"),
		.cache_control = SLICE(""),
		.cache_control_hashed = SLICE(""),
		.index_names = index_names,
		.precompressed = true,
	};
	alone->site = (struct http_site){
		.root = file_root_make(root_fd, false), .locations = &alone->location, .location_count = 1};
	alone->sites = (struct http_sites){.list = &alone->site, .count = 1};
}

int http_sites_try(const struct http_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++) {
		int fd;

		/* Who looks for all has looked: it may be one that does not answer. */
		if (sites->list[i].follow.error < 0 || sites->list[i].follow.seen.value != 0)
			continue;
		fd = file_open(sites->list[i].root, ".", O_PATH | O_DIRECTORY);

		if (fd < 0)
			return fd;
		fd_close(&fd);
	}
	return 0;
}
