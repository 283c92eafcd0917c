/* SPDX-License-Identifier: MIT
 *
 * See static.h. From a request to a response: site, method, path, location, file (lookup.h), and what
 * is sent of it (representation.h). */
#include "http/files/static.h"

#include "base/network.h"
#include "http/message/accept.h"
#include "http/files/answering.h"
#include "http/client/client.h"
#include "http/site/epochs.h"
#include "http/site/header_rules.h"
#include "http/files/file_cache.h"
#include "http/message/head.h"
#include "http/files/listing.h"
#include "http/files/listing_answer.h"
#include "http/files/lookup.h"
#include "http/site/mime.h"
#include "http/message/path.h"
#include "http/site/redirect.h"
#include "http/message/refusal.h"
#include "http/files/representation.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "http/files/roots.h"
#include "http/site/site.h"
#include "http/files/status_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ALLOW "GET, HEAD, OPTIONS"

struct static_site {
	struct lookup lookup;
	struct representer *representer;
	size_t target_max;
	struct listings *listings;
	struct roots roots;
	struct response_builder *builder;

	struct epochs *own_epochs; /* when the options have none */
	const struct http_sites *sites;
	struct site_alone alone; /* when the options have none */
	char *path_room;         /* target_max octets: the path being answered, decoded */
	char *redirect_room;     /* REDIRECT_ROOM octets */
};

enum { REDIRECT_ROOM = RESPONSE_SCRATCH_SIZE - HEADER_LINES_MAX - 2048 };

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

struct static_site *static_site_new(const struct http_options *options, struct response_builder *builder)
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
	site->builder = builder;
	if (!options->epochs)
		site->own_epochs = epochs_new();
	site->lookup = (struct lookup){
		.source = {options->mime, builder, or_default(options->cache_body_max, 65536)},
		.cache = file_cache_new(&limits),
		.epochs = options->epochs ? options->epochs : site->own_epochs,
	};
	site->representer = representer_new(site->lookup.cache, builder);
	site->listings = listings_new(site->lookup.epochs);
	site->target_max = or_default(options->target_size_max, HTTP_TARGET_SIZE_MAX);
	site->path_room = malloc(site->target_max);
	site->redirect_room = malloc(REDIRECT_ROOM);
	if (!site->path_room || !site->redirect_room || !site->lookup.cache || !site->representer || !site->listings ||
	    !site->lookup.epochs) {
		static_site_free(site);
		errno = ENOMEM;
		return NULL;
	}
	if (!options->sites) {
		site_alone_make(&site->alone, options->root_fd);
		site->sites = &site->alone.sites;
	}
	site->roots = (struct roots){site->sites, site->lookup.cache, site->listings};
	error = roots_begin(&site->roots, site->lookup.epochs);
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
	listings_free(site->listings);
	epochs_free(site->own_epochs);
	free(site->path_room);
	free(site->redirect_room);
	free(site);
}

bool static_site_has_root(struct static_site *site)
{
	return roots_have_default(&site->roots);
}

bool static_site_is_ready(struct static_site *site)
{
	return roots_are_ready(&site->roots);
}

void static_site_tick(struct static_site *site, uint64_t now_ms)
{
	roots_tick(&site->roots);
	site->lookup.now_ms = now_ms;
	listings_tick(site->listings, now_ms);
	representer_tick(site->representer);
}

static void answer_simply(const struct answering *at, unsigned status)
{
	status_answer(at, status, SLICE(""));
}

/* --- redirects --- */

static struct head begin_redirect(const struct static_site *site)
{
	struct head line = {site->redirect_room, site->redirect_room, site->redirect_room + REDIRECT_ROOM, false};

	head_put(&line, SLICE("Location: "));
	return line;
}

static void finish_redirect(const struct answering *at, unsigned status, struct head *line)
{
	head_put(line, SLICE("\r\n"));
	if (line->full)
		answer_simply(at, 414);
	else
		status_answer(at, status, head_written(line));
}

static void answer_moved(const struct answering *at, const struct path *path, bool directory)
{
	struct head line = begin_redirect(at->site);

	path_put_location(&line, path, directory);
	finish_redirect(at, 301, &line);
}

/* The rules of the location. False: none is for this path. */
static bool answer_redirect(const struct answering *at)
{
	const struct redirect *redirect = redirects_find(at->location->redirects, &at->path);
	struct head line;

	if (!redirect)
		return false;
	line = begin_redirect(at->site);
	(void)redirect_write(redirect, &at->path, &line); /* whether there was room is asked later */
	finish_redirect(at, redirect->status, &line);
	return true;
}

/* --- who is let in --- */

static bool is_let_in(const struct http_location *location, struct client *client)
{
	const struct sockaddr *address = client_address(client);

	if (location->deny && networks_contain(location->deny, address))
		return false;
	return !location->allow || networks_contain(location->allow, address);
}

/* --- files --- */

static void answer_error(const struct answering *at, int error)
{
	if (lookup_is_nothing(error)) {
		answer_simply(at, 404);
		return;
	}
	switch (error) {
	case -EACCES:
	case -EPERM:
	case -ENXIO: /* a socket, or a device that is not there */
	case -ENODEV:
		answer_simply(at, 403);
		return;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN: /* it is being renamed, or leased to somebody else, */
	case -ESTALE: /* or written to all the time */
		status_answer(at, 503, SLICE("Retry-After: 1\r\n"));
		return;
	default:
		answer_simply(at, 500);
	}
}

static void answer_file(const struct answering *at, struct file_entry *entry)
{
	representation_answer(at->site->representer, at, entry);
}

/* Where nothing was found: the location's page for those who navigate, else the error. */
static void answer_nothing(const struct answering *at, int error)
{
	const char *name = at->location->fallback;
	struct file_entry *entry;

	/* What misses a script, or an image, must not take a page for it. */
	if (!name || mime_is_known(at->lookup->source.mime, at->path.name)) {
		answer_error(at, error);
		return;
	}
	if (accept_is_navigation(at->request) && lookup_name(at->lookup, at->location, slice_of(name + 1), &entry) == 0)
		answer_file(at, entry);
	else
		answer_error(at, error);
	/* Or a cache gives the one to who would get the other (RFC 9110 section 12.5.5). */
	at->response->fields = SLICE("Vary: Accept, Sec-Fetch-Mode\r\n");
}

static void answer_listing(const struct answering *at)
{
	int error = listing_answer(at->site->listings, at);

	if (error != 0)
		answer_error(at, error);
}

/* Its files are somewhere else at the moment, or not for us. */
static void answer_rootless(const struct answering *at)
{
	int error = at->location->site->follow.error;

	if (error == -EACCES || error == -EPERM)
		answer_simply(at, 403);
	else
		status_answer(at, 503, SLICE("Retry-After: 1\r\n"));
}

static void answer_get(const struct answering *at)
{
	struct path proper = at->path;
	struct lookup_result found;

	if (at->location->site->follow.error < 0) {
		answer_rootless(at);
		return;
	}
	found = lookup_find(at->lookup, at->location, &at->path);
	switch (found.verdict) {
	case LOOKUP_FILE:
		answer_file(at, found.entry);
		return;
	case LOOKUP_DIRECTORY:
		answer_moved(at, &at->path, true);
		return;
	case LOOKUP_MOVED:
		proper.name.len = found.proper_length;
		answer_moved(at, &proper, false);
		return;
	case LOOKUP_BARE:
		if (at->location->listing && at->path.directory)
			answer_listing(at);
		else
			answer_nothing(at, -EACCES);
		return;
	case LOOKUP_ERROR:
		if (lookup_is_nothing(found.error))
			answer_nothing(at, found.error);
		else
			answer_error(at, found.error);
		return;
	}
}

/* The same for "*" and for every path, there or not: no path has methods of its own. */
static void answer_options(const struct answering *at)
{
	response_begin(at->builder, at->response, at->location, 200);
	response_field(at->builder, "Allow", SLICE(ALLOW));
	response_field_u64(at->builder, "Content-Length", 0);
	response_finish(at->builder, at->response);
}

/* In its location. */
static void answer_method(const struct answering *at)
{
	switch (at->request->method) {
	case METHOD_GET:
	case METHOD_HEAD:
		answer_get(at);
		return;
	case METHOD_OPTIONS:
		answer_options(at);
		return;
	case METHOD_KNOWN:
		status_answer(at, 405, SLICE("Allow: " ALLOW "\r\n"));
		return;
	case METHOD_UNKNOWN:
		break;
	}
	answer_simply(at, 501);
}

/* Whether the path cannot be read counts for those who want what is there: others are told that
 * their method will not do, whatever they ask it of. */
static bool wants_path(const struct request *request)
{
	return request->method == METHOD_GET || request->method == METHOD_HEAD;
}

/* Nobody is sent elsewhere to find that a method is known nowhere (RFC 9110 section 9.1). */
static bool wants_redirect(const struct request *request)
{
	return request->method != METHOD_OPTIONS && request->method != METHOD_UNKNOWN;
}

/* 0, or the status that says what is wrong with the path; it is that of the whole site then. */
static unsigned read_path(struct answering *at)
{
	unsigned status = 414;

	if (at->request->target.len <= at->site->target_max)
		status = path_parse(at->request->target, at->site->path_room, &at->path);
	if (status != 0)
		at->path = (struct path){.name = SLICE(""), .query = SLICE("")};
	return status;
}

static void answer_bad_path(const struct answering *at, unsigned status)
{
	answer_simply(at, status);
	if (status == 400)
		at->response->reason = refusal_text(REFUSAL_PATH);
}

static void answer_in_location(struct answering *at, unsigned status)
{
	if ((at->location->allow || at->location->deny) && !is_let_in(at->location, at->request->client))
		answer_simply(at, 403);
	else if (status != 0 && wants_path(at->request))
		answer_bad_path(at, status);
	else if (!at->location->redirects || !wants_redirect(at->request) || !answer_redirect(at))
		answer_method(at);
}

static void answer_in_site(struct answering *at, const struct http_site *host)
{
	unsigned status = read_path(at);
	struct file_entry *entry = NULL;

	at->location = http_site_location(host, at->path.name);
	/* What most requests are for. */
	if (status == 0 && !at->location->guarded && wants_path(at->request))
		entry = lookup_cached(at->lookup, at->location, at->path.name);
	if (entry)
		answer_file(at, entry);
	else
		answer_in_location(at, status);
}

void static_answer(struct static_site *site, const struct request *request, struct response *response)
{
	const struct http_site *host = http_sites_find(site->sites, request->host);
	struct answering at;

	if (host && !epoch_holds(&host->follow.seen))
		roots_follow(&site->roots, host);
	at.site = site;
	at.lookup = &site->lookup;
	at.location = NULL;
	at.request = request;
	at.builder = site->builder;
	at.response = response;
	if (host)
		answer_in_site(&at, host);
	else
		answer_simply(&at, 421);
	response->location = at.location;
}
