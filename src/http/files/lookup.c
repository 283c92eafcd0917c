/* SPDX-License-Identifier: MIT
 *
 * See lookup.h.
 *
 * Cached files are compared with what is on disk once a second, when they are asked for; open ones,
 * whose octets are read at sending, each time by fstat, since a head must not promise what the
 * descriptor no longer gives; and each time that another worker has seen something else there, which
 * is told as soon as it is seen, also that there is nothing (epochs.h). A file is cached under the path that was asked
 * for, if its name begins with it, else under its name: so only what is on disk gets in, whatever is asked for. One
 * before which another could come (an index name, a name to try) is looked up anew each second. */
#include "http/files/lookup.h"

#include "base/fd.h"
#include "http/files/file_cache.h"
#include "http/files/file_entry.h"
#include "http/message/path.h"
#include "http/site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define HTML      ".html"
#define PATH_MARK "{path}"
#define BY_NAME   "./"

/* --- the cache --- */

/* Where siblings count, a file has other versions. */
static uint64_t whose(const struct http_location *location)
{
	return version_add(location->site->identity, location->precompressed);
}

static bool is_still_so(const struct lookup *lookup, struct file_entry *entry)
{
	struct epoch seen = epoch_again(&entry->seen);
	int current = entry->provisional ? 0 : file_entry_is_current(entry);

	if (current == 1) {
		epoch_tell(&seen, entry->version);
		entry->seen = seen;
		entry->checked_ms = lookup->now_ms;
	}
	return current != 0;
}

static bool is_fresh(const struct lookup *lookup, struct file_entry *entry)
{
	if (entry->file->fd != -1 && !file_is_intact(entry->file))
		return false;
	if (lookup->now_ms - entry->checked_ms < FILE_ENTRY_FRESH_MS && epoch_holds(&entry->seen) &&
	    (!entry->provisional || epoch_holds(&entry->way)))
		return true;
	return is_still_so(lookup, entry);
}

struct file_entry *lookup_cached(struct lookup *lookup, const struct http_location *location, struct slice name)
{
	struct file_entry *entry = file_cache_find(lookup->cache, location, name);

	if (!entry || is_fresh(lookup, entry))
		return entry;
	file_cache_remove(lookup->cache, entry);
	return NULL;
}

/* What has to do with us alone is nothing to tell others of. */
static bool is_of_disk(int error)
{
	return !file_error_is_own(error) && error != -ESTALE && error != -EOVERFLOW;
}

/* Loads, and makes room by closing files of the cache when no descriptor is left. `provisional`: it
 * is not the first choice. */
static int load_name(struct lookup *lookup, const struct http_location *location, const char *name, size_t key_length,
		     bool provisional, struct file_entry **out)
{
	struct epoch seen = epoch_begin(lookup->epochs, whose(location), EPOCH_FILE, slice_of(name));
	struct file_entry *entry;
	int error;

	do {
		error = file_entry_load(&lookup->source, location, name, key_length, &entry);
	} while ((error == -EMFILE || error == -ENFILE) && file_cache_shed(lookup->cache));
	if (error != 0) {
		if (is_of_disk(error))
			epoch_tell(&seen, (uint64_t)-error);
		return error;
	}
	epoch_tell(&seen, entry->version);
	entry->seen = entry->way = seen;
	entry->checked_ms = lookup->now_ms;
	entry->provisional = provisional;
	if (entry->doubtful)
		file_entry_doubt(entry);
	if (entry->settled)
		file_cache_insert(lookup->cache, entry);
	*out = entry;
	return 0;
}

/* --- results --- */

static struct lookup_result failed(int error)
{
	return (struct lookup_result){.verdict = LOOKUP_ERROR, .error = error};
}

static struct lookup_result found(struct file_entry *entry)
{
	return (struct lookup_result){.verdict = LOOKUP_FILE, .entry = entry};
}

static struct lookup_result moved(size_t proper_length)
{
	return (struct lookup_result){.verdict = LOOKUP_MOVED, .proper_length = proper_length};
}

bool lookup_is_nothing(int error)
{
	/* The last one: a link or mount that leads out of the root. */
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ENAMETOOLONG || error == -EXDEV;
}

static bool is_nothing(const struct lookup_result *result)
{
	return result->verdict == LOOKUP_ERROR && lookup_is_nothing(result->error);
}

/* --- names --- */

/* A name below the root as it is put together. */
struct name {
	char text[PATH_MAX];
	size_t length;
	bool too_long;
};

static void name_add(struct name *name, struct slice more)
{
	name->too_long = name->too_long || more.len >= sizeof(name->text) - name->length;
	if (name->too_long)
		return;
	memcpy(name->text + name->length, more.ptr, more.len);
	name->length += more.len;
	name->text[name->length] = '\0';
}

static void name_cut(struct name *name, size_t length)
{
	name->length = length;
	name->text[length] = '\0';
}

static struct slice name_slice(const struct name *name)
{
	return (struct slice){name->text, name->length};
}

/* What is there: its mode's type, or 0. */
static mode_t type_of(const struct http_location *location, const char *name)
{
	int fd = file_open(location->site->root, name, O_PATH);
	struct stat info;
	mode_t type = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &info) == 0)
		type = info.st_mode & S_IFMT;
	fd_close(&fd);
	return type;
}

/* --- one path --- */

/* The first of the index names that is a file, in the directory whose name, which ends with a
 * slash, is there; `key_length` of it are its key. */
static struct lookup_result load_index(struct lookup *lookup, const struct http_location *location, struct name *name,
				       size_t key_length, bool provisional)
{
	const char *const *names = location->index_names;
	size_t length = name->length;
	struct file_entry *entry;
	int error, directory;

	for (const char *const *index = names; *index; index++) {
		name_cut(name, length);
		name_add(name, slice_of(*index));
		if (name->too_long)
			return failed(-ENAMETOOLONG);
		error = load_name(lookup, location, name->text, key_length, provisional || index > names, &entry);
		if (error == 0)
			return found(entry);
		if (error != -ENOENT && error != -EISDIR)
			return failed(error);
	}
	name_cut(name, length);
	directory = file_open(location->site->root, length ? name->text : ".", O_PATH | O_DIRECTORY);
	if (directory < 0)
		return failed(directory);
	fd_close(&directory);
	return (struct lookup_result){.verdict = LOOKUP_BARE};
}

static struct lookup_result load_file(struct lookup *lookup, const struct http_location *location,
				      const struct name *name, size_t key_length, bool provisional)
{
	struct file_entry *entry;
	int error = load_name(lookup, location, name->text, key_length, provisional, &entry);

	if (error == -EISDIR)
		return (struct lookup_result){.verdict = LOOKUP_DIRECTORY};
	return error == 0 ? found(entry) : failed(error);
}

/* --- clean URLs --- */

static bool ends_with(struct slice text, struct slice end)
{
	return text.len >= end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

/* Is the last segment the location's first index name, perhaps without its ".html"? Returns the length
 * of what is before it, or -1. */
static ssize_t before_index(const struct http_location *location, struct slice name, bool whole)
{
	struct slice index = slice_of(location->index_names[0] ? location->index_names[0] : "");
	size_t before;

	if (!whole && ends_with(index, SLICE(HTML)))
		index.len -= sizeof(HTML) - 1;
	else if (!whole)
		return -1;
	if (index.len == 0 || !ends_with(name, index))
		return -1;
	before = name.len - index.len;
	return before == 0 || name.ptr[before - 1] == '/' ? (ssize_t)before : -1;
}

/* A file was found under its own name: has it a proper one that leads to it? */
static struct lookup_result clean_found(const struct http_location *location, struct slice path,
					struct file_entry *entry)
{
	ssize_t before = before_index(location, path, true);
	struct name base = {.length = 0};
	mode_t type;

	if (before < 0 && ends_with(path, SLICE(HTML))) {
		before = (ssize_t)(path.len - (sizeof(HTML) - 1));
		name_add(&base, (struct slice){path.ptr, (size_t)before});
		type = before > 0 && path.ptr[before - 1] != '/' ? type_of(location, base.text) : S_IFREG;
		if (type != 0 && type != S_IFDIR)
			before = -1; /* something else answers there */
	}
	if (before < 0)
		return found(entry);
	file_entry_leave(entry);
	return moved((size_t)before);
}

/* Nothing was found under the name itself: "/about" may be about.html. */
static struct lookup_result clean_other(struct lookup *lookup, const struct http_location *location, struct name *name,
					struct lookup_result otherwise)
{
	size_t length = name->length;
	ssize_t before = before_index(location, name_slice(name), false);
	struct lookup_result result;

	name_add(name, SLICE(HTML));
	if (name->too_long)
		return otherwise;
	result = load_file(lookup, location, name, length, true);
	if (result.verdict != LOOKUP_FILE)
		return otherwise;
	if (before < 0)
		return result;
	file_entry_leave(result.entry);
	return moved((size_t)before);
}

/* No index in this directory, or no such directory: "/about/" may be meant to be "/about". */
static struct lookup_result clean_directory(const struct http_location *location, struct name *name,
					    struct lookup_result otherwise)
{
	size_t length = name->length;

	if (length == 0)
		return otherwise;
	name_cut(name, length - 1);
	name_add(name, SLICE(HTML));
	return type_of(location, name->text) == S_IFREG ? moved(length - 1) : otherwise;
}

/* --- a path --- */

static struct lookup_result load_path(struct lookup *lookup, const struct http_location *location,
				      const struct path *path, bool provisional)
{
	struct lookup_result result;
	struct name name = {.length = 0};

	name_add(&name, path->name);
	if (name.too_long)
		return failed(-ENAMETOOLONG);
	if (path->directory) {
		result = load_index(lookup, location, &name, path->name.len, provisional);
		if (location->clean_urls && (result.verdict == LOOKUP_BARE || is_nothing(&result)))
			return clean_directory(location, &name, result);
		return result;
	}
	result = load_file(lookup, location, &name, path->name.len, provisional);
	if (!location->clean_urls)
		return result;
	if (result.verdict == LOOKUP_FILE)
		return clean_found(location, path->name, result.entry);
	if (result.verdict == LOOKUP_DIRECTORY || is_nothing(&result))
		return clean_other(lookup, location, &name, result);
	return result;
}

/* A file that was cached under a path's name: it may be the wrong way to it. */
static struct lookup_result from_cache(const struct http_location *location, const struct path *path,
				       struct file_entry *entry)
{
	ssize_t before = -1;

	if (!location->clean_urls || path->directory)
		return found(entry);
	if (entry->name[path->name.len] == '\0')
		return clean_found(location, path->name, entry);
	before = before_index(location, path->name, false);
	if (before < 0)
		return found(entry);
	file_entry_leave(entry);
	return moved((size_t)before);
}

/* --- names to try --- */

/* A pattern, with the path in it; no slash in front, none doubled. */
static void expand(const char *pattern, const struct path *path, struct name *out)
{
	struct slice name = path->name;

	if (name.len > 0 && name.ptr[name.len - 1] == '/')
		name.len--;
	while (*pattern) {
		bool at_segment = out->length == 0 || out->text[out->length - 1] == '/';

		if (strncmp(pattern, PATH_MARK, sizeof(PATH_MARK) - 1) == 0) {
			if (!at_segment)
				name_add(out, SLICE("/"));
			name_add(out, name);
			pattern += sizeof(PATH_MARK) - 1;
		} else {
			if (*pattern != '/' || !at_segment)
				name_add(out, (struct slice){pattern, 1});
			pattern++;
		}
	}
}

/* A name that does not come of the path: many paths may end here, so it is cached once. */
static struct lookup_result load_by_name(struct lookup *lookup, const struct http_location *location, struct slice text)
{
	struct name name = {.length = 0};
	struct file_entry *entry;

	name_add(&name, SLICE(BY_NAME));
	name_add(&name, text);
	if (name.too_long)
		return failed(-ENAMETOOLONG);
	entry = lookup_cached(lookup, location, name_slice(&name));
	if (entry)
		return found(entry);
	if (name.text[name.length - 1] == '/')
		return load_index(lookup, location, &name, name.length, false);
	return load_file(lookup, location, &name, name.length, false);
}

static struct lookup_result try_name(struct lookup *lookup, const struct http_location *location, const char *pattern,
				     const struct path *path, bool provisional)
{
	struct name name = {.length = 0};
	size_t key = path->name.len;

	if (strcmp(pattern, PATH_MARK) == 0)
		return load_path(lookup, location, path, provisional);
	expand(pattern, path, &name);
	if (name.too_long)
		return failed(-ENAMETOOLONG);
	if (name.length < key || memcmp(name.text, path->name.ptr, key) != 0)
		return load_by_name(lookup, location, name_slice(&name));
	if (name.length == 0 || name.text[name.length - 1] == '/')
		return load_index(lookup, location, &name, key, provisional);
	return load_file(lookup, location, &name, key, provisional);
}

static struct lookup_result try_names(struct lookup *lookup, const struct http_location *location,
				      const struct path *path)
{
	struct lookup_result result = failed(-ENOENT), bare = result;

	for (const char *const *pattern = location->try_names; *pattern; pattern++) {
		result = try_name(lookup, location, *pattern, path, pattern > location->try_names);
		if (result.verdict == LOOKUP_BARE && !location->listing)
			bare = result;
		else if (result.verdict == LOOKUP_DIRECTORY && strcmp(*pattern, PATH_MARK) != 0)
			result = failed(-ENOENT);
		else if (!is_nothing(&result))
			return result;
	}
	return bare;
}

/* A file answers for the path: others may have one that is further down the list. */
static void tell_way(const struct path *path, struct file_entry *entry, struct epoch *way)
{
	epoch_tell(way, entry->version);
	if (entry->provisional && slice_equal(entry->key, path->name))
		entry->way = *way;
}

struct lookup_result lookup_find(struct lookup *lookup, const struct http_location *location, const struct path *path)
{
	struct file_entry *entry = lookup_cached(lookup, location, path->name);
	struct lookup_result result;
	struct epoch way;

	if (entry)
		return from_cache(location, path, entry);
	way = epoch_begin(lookup->epochs, whose(location), EPOCH_PATH, path->name);
	result = location->try_names ? try_names(lookup, location, path) : load_path(lookup, location, path, false);
	if (result.verdict == LOOKUP_FILE)
		tell_way(path, result.entry, &way);
	return result;
}

int lookup_name(struct lookup *lookup, const struct http_location *location, struct slice name, struct file_entry **out)
{
	struct lookup_result result;

	result = load_by_name(lookup, location, name);
	*out = result.entry;
	if (result.verdict == LOOKUP_FILE)
		return 0;
	return result.verdict == LOOKUP_ERROR ? result.error : -EISDIR;
}
