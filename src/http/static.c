/* SPDX-License-Identifier: MIT
 *
 * See static.h. From a request to a response: site, method, path, place, file (lookup.h), and what
 * is sent of it (representation.h). */
#include "http/static.h"

#include "base/fd.h"
#include "http/file_cache.h"
#include "http/lookup.h"
#include "http/path.h"
#include "http/refusal.h"
#include "http/representation.h"
#include "http/request.h"
#include "http/response.h"
#include "http/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ALLOW "GET, HEAD, OPTIONS"

struct static_site {
	struct lookup lookup;
	struct representer *representer;
	size_t target_max;
	const struct http_sites *sites;
	struct http_sites own; /* when the options have none: one site, of one place */
	struct http_site own_site;
	struct http_place own_place;
	char *path_room;     /* target_max octets: the path being answered, decoded */
	char *location_room; /* LOCATION_ROOM octets */
};

/* A directory's encoded path: it exists, so its name is shorter than PATH_MAX; then the query. */
enum { LOCATION_ROOM = RESPONSE_SCRATCH_SIZE - 2048 };

static const char *const default_index_names[] = {"index.html", NULL};

static size_t or_default(size_t value, size_t preset)
{
	return value ? value : preset;
}

static size_t default_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 8 > 1024)
		return 1024;
	return (size_t)limit.rlim_cur / 8;
}

/* A site of all defaults. */
static void make_own(struct static_site *site, int root_fd)
{
	site->own_place = (struct http_place){
		.site = &site->own_site,
		.prefix = SLICE(""),
		.index_names = default_index_names,
		.precompressed = true,
	};
	site->own_site = (struct http_site){{root_fd, false}, &site->own_place, 1};
	site->own = (struct http_sites){.list = &site->own_site, .count = 1};
	site->sites = &site->own;
}

/* Can they be entered? 0 or -errno. */
static int try_roots(const struct http_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++) {
		int fd = file_open(sites->list[i].root, ".", O_PATH | O_DIRECTORY);

		if (fd < 0)
			return fd;
		fd_close(&fd);
	}
	return 0;
}

struct static_site *static_site_new(const struct http_options *options)
{
	struct static_site *site = calloc(1, sizeof(*site));
	struct file_cache_limits limits = {
		.entries = or_default(options->cache_entries, 4096),
		.bytes = or_default(options->cache_bytes, 16 << 20),
		.fds = or_default(options->cache_fds, default_fds()),
	};
	int error;

	if (!site)
		return NULL;
	site->sites = options->sites;
	site->lookup = (struct lookup){
		.source = {NULL, options->mime, or_default(options->cache_body_max, 65536)},
		.cache = file_cache_new(&limits),
	};
	site->representer = representer_new();
	site->target_max = or_default(options->target_size_max, 8192);
	site->path_room = malloc(site->target_max);
	site->location_room = malloc(LOCATION_ROOM);
	if (!site->path_room || !site->location_room || !site->lookup.cache ||
	    !site->representer) {
		static_site_free(site);
		errno = ENOMEM;
		return NULL;
	}
	if (!options->sites)
		make_own(site, options->root_fd);
	error = try_roots(site->sites);
	if (error < 0) {
		static_site_free(site);
		errno = -error;
		return NULL;
	}
	return site;
}

void static_site_free(struct static_site *site)
{
	if (!site)
		return;
	file_cache_free(site->lookup.cache);
	representer_free(site->representer);
	free(site->path_room);
	free(site->location_room);
	free(site);
}

void static_site_tick(struct static_site *site, uint64_t now_ms)
{
	site->lookup.now_ms = now_ms;
}

static void answer_redirect(struct static_site *site, struct response_maker *maker,
			    struct response *response, const struct path *path)
{
	static const char name[] = "Location: ";
	const size_t start = sizeof(name) - 1;
	char *line = site->location_room;
	size_t length;

	memcpy(line, name, start);
	length = path_write_directory(path, line + start, LOCATION_ROOM - start - 2);
	if (length == 0) {
		response_simple(maker, response, 414, SLICE(""));
		return;
	}
	memcpy(line + start + length, "\r\n", 2);
	response_simple(maker, response, 301, (struct slice){line, start + length + 2});
}

static void answer_error(struct response_maker *maker, struct response *response, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -EXDEV: /* a link or mount that leads out of the root */
		response_simple(maker, response, 404, SLICE(""));
		return;
	case -EACCES:
	case -EPERM:
	case -ENXIO: /* a socket, or a device that is not there */
	case -ENODEV:
		response_simple(maker, response, 403, SLICE(""));
		return;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN: /* it is being renamed, or leased to somebody else, */
	case -ESTALE: /* or written to all the time */
		response_simple(maker, response, 503, SLICE("Retry-After: 1\r\n"));
		return;
	default:
		response_simple(maker, response, 500, SLICE(""));
	}
}

static void answer_get(struct static_site *site, const struct http_site *host,
		       const struct request *request, struct response_maker *maker,
		       struct response *response)
{
	struct path path;
	struct file *file;
	unsigned status = 414;
	int error;

	if (request->target.len <= site->target_max)
		status = path_parse(request->target, site->path_room, &path);
	if (status != 0) {
		response_simple(maker, response, status, SLICE(""));
		if (status == 400)
			response->reason = refusal_text(REFUSAL_PATH);
		return;
	}
	error = lookup_find(&site->lookup, maker, http_site_place(host, path.name), &path, &file);
	if (error == -EISDIR)
		answer_redirect(site, maker, response, &path);
	else if (error != 0)
		answer_error(maker, response, error);
	else
		representation_answer(site->representer, request, maker, response, file);
}

/* The same for "*" and for every path, there or not: no path has methods of its own. */
static void answer_options(struct response_maker *maker, struct response *response)
{
	response_begin(maker, response, 200);
	response_field(maker, "Allow", SLICE(ALLOW));
	response_field_u64(maker, "Content-Length", 0);
	response_finish(maker, response);
}

void static_answer(struct static_site *site, const struct request *request,
		   struct response_maker *maker, struct response *response)
{
	const struct http_site *host = http_sites_find(site->sites, request->host);

	if (!host) {
		response_simple(maker, response, 421, SLICE(""));
		return;
	}
	switch (request->method) {
	case METHOD_GET:
	case METHOD_HEAD:
		answer_get(site, host, request, maker, response);
		return;
	case METHOD_OPTIONS:
		answer_options(maker, response);
		return;
	case METHOD_KNOWN:
		response_simple(maker, response, 405, SLICE("Allow: " ALLOW "\r\n"));
		return;
	case METHOD_UNKNOWN:
		break;
	}
	response_simple(maker, response, 501, SLICE(""));
}
