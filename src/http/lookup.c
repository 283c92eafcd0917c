/* SPDX-License-Identifier: MIT
 *
 * See lookup.h.
 *
 * Cached files are compared with what is on disk once a second, when they are asked for; open ones,
 * whose octets are read at sending, each time by fstat, since a head must not promise what the
 * descriptor no longer gives. */
#include "http/lookup.h"

#include "base/fd.h"
#include "http/file.h"
#include "http/file_cache.h"
#include "http/path.h"
#include "http/response.h"
#include "http/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

enum { REVALIDATE_MS = 1000 };

/* Loads, and makes room by closing files of the cache when no descriptor is left. */
static int load_name(struct lookup *lookup, const struct response_maker *maker, const char *name,
		     size_t key_length, struct file **out)
{
	int error;

	do {
		error = file_load(&lookup->source, maker, name, key_length, out);
	} while ((error == -EMFILE || error == -ENFILE) && file_cache_shed(lookup->cache));
	return error;
}

/* The first of the index names that is a file. A directory without one is there, but forbidden. */
static int load_index(struct lookup *lookup, const struct response_maker *maker, char *name,
		      size_t length, struct file **out)
{
	int error = -ENOENT, directory;

	for (const char *const *index = lookup->source.place->index_names; *index; index++) {
		size_t size = strlen(*index);

		if (length + size >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(name + length, *index, size + 1);
		error = load_name(lookup, maker, name, length, out);
		if (error != -ENOENT && error != -EISDIR)
			return error;
	}
	name[length] = '\0';
	directory = file_open(lookup->source.place->site->root, length ? name : ".",
			      O_PATH | O_DIRECTORY);
	if (directory < 0)
		return directory;
	fd_close(&directory);
	return -EACCES;
}

void lookup_doubt(struct file *file)
{
	file->checked_ms -= REVALIDATE_MS;
}

static int load(struct lookup *lookup, const struct response_maker *maker, const struct path *path,
		struct file **out)
{
	char name[PATH_MAX];
	size_t length = path->name.len;
	int error;

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path->name.ptr, length);
	name[length] = '\0';
	if (path->directory)
		error = load_index(lookup, maker, name, length, out);
	else
		error = load_name(lookup, maker, name, length, out);
	if (error != 0)
		return error;
	(*out)->checked_ms = lookup->now_ms;
	if ((*out)->doubtful)
		lookup_doubt(*out);
	if ((*out)->settled)
		file_cache_insert(lookup->cache, *out);
	return 0;
}

/* A directory's file that is not of its first index name: that one may have appeared. */
static bool is_second_choice(const struct file *file)
{
	return file->name[file->key.len] != '\0' &&
	       strcmp(file->name + file->key.len, file->place->index_names[0]) != 0;
}

static bool is_fresh(const struct lookup *lookup, struct file *file)
{
	if (file->fd != -1 && !file_is_intact(file))
		return false;
	if (lookup->now_ms - file->checked_ms < REVALIDATE_MS)
		return true;
	if (is_second_choice(file) || !file_is_current(file))
		return false;
	file->checked_ms = lookup->now_ms;
	return true;
}

int lookup_find(struct lookup *lookup, const struct response_maker *maker,
		const struct http_place *place, const struct path *path, struct file **out)
{
	struct file *file = file_cache_find(lookup->cache, place, path->name);

	if (file && is_fresh(lookup, file)) {
		file_keep(file);
		*out = file;
		return 0;
	}
	if (file)
		file_cache_remove(lookup->cache, file);
	lookup->source.place = place;
	return load(lookup, maker, path, out);
}
