/* SPDX-License-Identifier: MIT
 *
 * See static.h. From a request to a response: method, path, file (from the cache, else from disk),
 * conditions, range. A file that is in memory and asked for without conditions costs no system call
 * and no allocation.
 *
 * Cached files are compared with what is on disk once a second, when they are asked for; open ones,
 * whose octets are read at sending, each time by fstat, since a head must not promise what the
 * descriptor no longer gives. */
#include "http/static.h"

#include "base/fd.h"
#include "http/cond.h"
#include "http/date.h"
#include "http/file.h"
#include "http/file_cache.h"
#include "http/path.h"
#include "http/range.h"
#include "http/request.h"
#include "http/response.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ALLOW "GET, HEAD, OPTIONS"

enum {
	REVALIDATE_MS = 1000,
	CONTENT_RANGE_ROOM = 80,
	CONDITIONAL_FIELDS = 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH |
			     1u << FIELD_IF_MODIFIED_SINCE | 1u << FIELD_IF_UNMODIFIED_SINCE |
			     1u << FIELD_RANGE,
};

struct static_site {
	struct file_source source;
	const char *const *index_names;
	struct file_cache *cache;
	uint64_t now_ms;
	size_t target_max;
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

struct static_site *static_site_new(const struct http_options *options)
{
	struct static_site *site = calloc(1, sizeof(*site));
	struct file_cache_limits limits = {
		.entries = or_default(options->cache_entries, 4096),
		.bytes = or_default(options->cache_bytes, 16 << 20),
		.fds = or_default(options->cache_fds, default_fds()),
	};
	int probe;

	if (!site)
		return NULL;
	site->source = (struct file_source){options->root_fd, options->mime,
					    or_default(options->cache_body_max, 65536)};
	site->index_names = options->index_names ? options->index_names : default_index_names;
	site->target_max = or_default(options->target_size_max, 8192);
	site->path_room = malloc(site->target_max);
	site->location_room = malloc(LOCATION_ROOM);
	site->cache = file_cache_new(&limits);
	if (!site->path_room || !site->location_room || !site->cache) {
		static_site_free(site);
		errno = ENOMEM;
		return NULL;
	}
	probe = file_open(options->root_fd, ".", O_PATH | O_DIRECTORY);
	if (probe < 0) {
		static_site_free(site);
		errno = -probe;
		return NULL;
	}
	fd_close(&probe);
	return site;
}

void static_site_free(struct static_site *site)
{
	if (!site)
		return;
	file_cache_free(site->cache);
	free(site->path_room);
	free(site->location_room);
	free(site);
}

void static_site_tick(struct static_site *site, uint64_t now_ms)
{
	site->now_ms = now_ms;
}

/* Loads, and makes room by closing files of the cache when no descriptor is left. */
static int load_name(struct static_site *site, const struct response_maker *maker, const char *name,
		     size_t key_length, struct file **out)
{
	int error;

	do {
		error = file_load(&site->source, maker, name, key_length, out);
	} while ((error == -EMFILE || error == -ENFILE) && file_cache_shed(site->cache));
	return error;
}

/* The first of the index names that is a file. A directory without one is there, but forbidden. */
static int load_index(struct static_site *site, const struct response_maker *maker, char *name,
		      size_t length, struct file **out)
{
	int error = -ENOENT, directory;

	for (const char *const *index = site->index_names; *index; index++) {
		size_t size = strlen(*index);

		if (length + size >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(name + length, *index, size + 1);
		error = load_name(site, maker, name, length, out);
		if (error != -ENOENT && error != -EISDIR)
			return error;
	}
	name[length] = '\0';
	directory = file_open(site->source.root_fd, length ? name : ".", O_PATH | O_DIRECTORY);
	if (directory < 0)
		return directory;
	fd_close(&directory);
	return -EACCES;
}

static int load(struct static_site *site, const struct response_maker *maker,
		const struct path *path, struct file **out)
{
	char name[PATH_MAX];
	size_t length = path->name.len;
	int error;

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path->name.ptr, length);
	name[length] = '\0';
	if (path->directory)
		error = load_index(site, maker, name, length, out);
	else
		error = load_name(site, maker, name, length, out);
	if (error != 0)
		return error;
	(*out)->checked_ms = site->now_ms;
	if ((*out)->settled)
		file_cache_insert(site->cache, *out);
	return 0;
}

/* A directory's file that is not of its first index name: that one may have appeared. */
static bool is_second_choice(const struct static_site *site, const struct file *file)
{
	return file->name[file->key.len] != '\0' &&
	       strcmp(file->name + file->key.len, site->index_names[0]) != 0;
}

static bool is_fresh(const struct static_site *site, struct file *file)
{
	if (file->fd != -1 && !file_is_intact(file))
		return false;
	if (site->now_ms - file->checked_ms < REVALIDATE_MS)
		return true;
	if (is_second_choice(site, file) || !file_is_current(file, site->source.root_fd))
		return false;
	file->checked_ms = site->now_ms;
	return true;
}

/* The file of a path, with a reference for the caller. 0 or -errno. */
static int look_up(struct static_site *site, const struct response_maker *maker,
		   const struct path *path, struct file **out)
{
	struct file *file = file_cache_find(site->cache, path->name);

	if (file && is_fresh(site, file)) {
		file_keep(file);
		*out = file;
		return 0;
	}
	if (file)
		file_cache_remove(site->cache, file);
	return load(site, maker, path, out);
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

/* In a head in the scratch space: what depends on the file, without its length. */
static void put_fields(struct response_maker *maker, const struct file *file)
{
	char modified[DATE_LENGTH];
	int64_t second;

	response_date(maker, &second);
	date_format(modified, file_last_modified(file, second));
	response_field(maker, "Content-Type", file->type);
	response_field(maker, "Last-Modified", (struct slice){modified, DATE_LENGTH});
}

/* All of it. The reference goes into the response. */
static void answer_whole(struct response_maker *maker, struct response *response, struct file *file)
{
	int64_t second;
	struct slice date = response_date(maker, &second);

	if (file->date_second == second || file_set_date(file, date, second)) {
		*response =
			(struct response){.status = 200, .head = file->head, .contiguous = true};
	} else {
		/* A slow client is still being sent the head with the former date. */
		response_begin(maker, response, 200);
		put_fields(maker, file);
		response_field_u64(maker, "Content-Length", file->stamp.size);
		response_field(maker, "ETag", file->etag);
		response_field(maker, "Accept-Ranges", SLICE("bytes"));
		if (!response_finish(maker, response)) {
			file_release(file);
			return;
		}
	}
	response->body = file->body;
	response->file_fd = file->fd;
	response->file_length = file->fd == -1 ? 0 : file->stamp.size;
	response->file = file;
}

/* Some of it. The reference goes into the response. */
static void answer_part(const struct request *request, struct response_maker *maker,
			struct response *response, struct file *file, const struct range *range)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			      range->first, range->first + range->length - 1, file->stamp.size);

	response_begin(maker, response, 206);
	/* Who sent If-Range has these already (RFC 9110 section 15.3.7). */
	if (!request_has(request, FIELD_IF_RANGE))
		put_fields(maker, file);
	response_field(maker, "Content-Range", (struct slice){text, (size_t)length});
	response_field_u64(maker, "Content-Length", range->length);
	response_field(maker, "ETag", file->etag);
	response_field(maker, "Accept-Ranges", SLICE("bytes"));
	if (!response_finish(maker, response)) {
		file_release(file);
		return;
	}
	response->file = file;
	response->file_fd = file->fd;
	if (file->fd == -1) {
		response->body = (struct slice){file->body.ptr + range->first, range->length};
	} else {
		response->file_offset = range->first;
		response->file_length = range->length;
	}
}

static void answer_unsatisfiable(struct response_maker *maker, struct response *response,
				 uint64_t size)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "Content-Range: bytes */%" PRIu64 "\r\n", size);

	response_simple(maker, response, 416, (struct slice){text, (size_t)length});
}

static void answer_range(const struct request *request, struct response_maker *maker,
			 struct response *response, struct file *file)
{
	/* Two Range lines are no list: the field is not one (RFC 9110 section 5.3). */
	const struct request_field *field = request_field(request, FIELD_RANGE, NULL);
	struct range_set set = {0};
	enum range_verdict verdict = RANGE_IGNORE;

	if (field && !request_field(request, FIELD_RANGE, field))
		verdict = range_parse(field->value, file->stamp.size, &set);
	if (verdict == RANGE_UNSATISFIABLE) {
		answer_unsatisfiable(maker, response, file->stamp.size);
		file_release(file);
	} else if (verdict == RANGE_SATISFIABLE && set.asked == 1) {
		answer_part(request, maker, response, file, &set.ranges[0]);
	} else {
		answer_whole(maker, response, file);
	}
}

static void answer_not_modified(struct response_maker *maker, struct response *response,
				const struct file *file)
{
	/* Of what a 200 would have, only these two guide a cache (RFC 9110 section 15.4.5). */
	response_begin(maker, response, 304);
	response_field(maker, "ETag", file->etag);
	response_finish(maker, response);
}

static void answer_conditionally(const struct request *request, struct response_maker *maker,
				 struct response *response, struct file *file)
{
	struct validators current = {.etag = file->etag};

	response_date(maker, &current.now);
	current.last_modified = file_last_modified(file, current.now);
	switch (cond_check(request, &current)) {
	case COND_NOT_MODIFIED:
		answer_not_modified(maker, response, file);
		file_release(file);
		return;
	case COND_FAILED:
		response_simple(maker, response, 412, SLICE(""));
		file_release(file);
		return;
	case COND_GO_ON:
		break;
	}
	if (request->method == METHOD_GET && request_has(request, FIELD_RANGE) &&
	    cond_range_applies(request, &current))
		answer_range(request, maker, response, file);
	else
		answer_whole(maker, response, file);
}

static void answer_get(struct static_site *site, const struct request *request,
		       struct response_maker *maker, struct response *response)
{
	struct path path;
	struct file *file;
	unsigned status = 414;
	int error;

	if (request->target.len <= site->target_max)
		status = path_parse(request->target, site->path_room, &path);
	if (status != 0) {
		response_simple(maker, response, status, SLICE(""));
		return;
	}
	error = look_up(site, maker, &path, &file);
	if (error == -EISDIR)
		answer_redirect(site, maker, response, &path);
	else if (error != 0)
		answer_error(maker, response, error);
	else if (request->present & CONDITIONAL_FIELDS)
		answer_conditionally(request, maker, response, file);
	else
		answer_whole(maker, response, file);
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
	switch (request->method) {
	case METHOD_GET:
	case METHOD_HEAD:
		answer_get(site, request, maker, response);
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
