/* SPDX-License-Identifier: MIT
 *
 * See file_entry.h. */
#include "http/files/file_entry.h"

#include "base/fd.h"
#include "http/files/file_load.h"
#include "http/message/head.h"
#include "http/site/mime.h"
#include "http/site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { LOAD_TRIES = 3 };

/* --- loading --- */

static struct slice type_of(const struct file_source *source, const char *name, char room[FILE_TYPE_MAX])
{
	struct slice type = mime_type(source->mime, slice_of(name));
	struct head head = {room, room, room + FILE_TYPE_MAX, false};

	head_put(&head, type);
	if (mime_wants_charset(type))
		head_put(&head, SLICE("; charset=utf-8"));
	return head.full ? SLICE("application/octet-stream") : head_written(&head);
}

static struct file_entry *make(const struct http_location *location, const char *name, size_t key_length)
{
	size_t length = strlen(name);
	struct file_entry *entry = calloc(1, sizeof(*entry) + length + 1);

	if (!entry)
		return NULL;
	entry->location = location;
	entry->name = memcpy(entry + 1, name, length + 1);
	entry->key = (struct slice){entry->name, key_length};
	list_init(&entry->by_use);
	return entry;
}

static bool wants_gzip(const struct http_location *location, struct slice type, uint64_t size)
{
	const char *end = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;

	if (!location->gzip_types || size < location->gzip_min_size)
		return false;
	if (end)
		type.len = (size_t)(end - type.ptr);
	for (const char *const *at = location->gzip_types; *at; at++) {
		if (slice_equal_nocase(slice_of(*at), type))
			return true;
	}
	return false;
}

/* Then this is no time to tell whether there is such a file. */
static bool passes(int error)
{
	return error == -ESTALE || file_error_is_own(error);
}

/* A sibling, if it is what was seen. 0 or -errno, as for file_load; -ESTALE: it is another one by now. */
static int load_sibling(const struct file_source *source, const struct file_entry *entry, enum coding coding,
			struct file **out)
{
	struct file_facts facts = {
		.location = entry->location,
		.name = slice_of(entry->name),
		.type = entry->file->type,
		.coding = coding,
		.varies = true,
	};
	struct file_opened opened;
	char name[PATH_MAX];
	int error;

	if (!sibling_name(entry->name, coding, name))
		return -ENAMETOOLONG;
	error = file_load_open(entry->location, name, &opened);
	if (error != 0)
		return error;
	if (stamp_equal(&opened.stamp, &entry->variants->siblings.seen[coding]))
		return file_load(source, &opened, &facts, out);
	fd_close(&opened.fd);
	return -ESTALE;
}

/* What cannot be read now and will not be soon is as good as not there. */
static int load_variant(const struct file_source *source, struct file_entry *entry, enum coding coding)
{
	struct file *variant;
	int error = load_sibling(source, entry, coding, &variant);

	if (error != 0)
		return passes(error) ? error : 0;
	variant->kept = true;
	entry->settled = entry->settled && variant->settled;
	entry->variants->files[coding] = variant;
	return 0;
}

/* Of the siblings that have been seen, those that are usable. 0, or -errno when one of them cannot be had just now:
 * -ESTALE, -ENOMEM, or no descriptors. */
static int load_variants(const struct file_source *source, struct file_entry *entry, const struct siblings *siblings,
			 unsigned usable)
{
	static const struct siblings none;
	int error = 0;

	if (!entry->file->makes_gzip && siblings_equal(siblings, &none))
		return 0;
	entry->variants = calloc(1, sizeof(*entry->variants));
	if (!entry->variants)
		return -ENOMEM;
	entry->variants->siblings = *siblings;
	for (unsigned coding = 0; coding < CODING_IDENTITY && error == 0; coding++) {
		if (usable & 1u << coding)
			error = load_variant(source, entry, (enum coding)coding);
	}
	return error;
}

/* What tells it from any other file, and from itself before a change of it or of its siblings. */
static uint64_t version_of(const struct file_entry *entry, const struct siblings *siblings)
{
	uint64_t version = stamp_add(0, &entry->file->stamp);

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		version = stamp_add(version, &siblings->seen[coding]);
	version = version_add(version, siblings->regular);
	version = version_add_octets(version, slice_of(entry->name));
	/* It is more than the stamp where that can stay the same. */
	return version_add_octets(version, entry->file->etag);
}

/* The file itself, and what has been seen beside it. */
static int load_source(const struct file_source *source, struct file_entry *entry, struct siblings *siblings,
		       unsigned *usable)
{
	char type[FILE_TYPE_MAX];
	struct file_facts facts = {
		.location = entry->location,
		.name = slice_of(entry->name),
		.type = type_of(source, entry->name, type),
		.coding = CODING_IDENTITY,
	};
	struct file_opened opened;
	int error = file_load_open(entry->location, entry->name, &opened);
	bool makes_gzip;

	if (error != 0)
		return error;
	entry->doubtful = siblings_look(entry->location, entry->name, siblings) != 0;
	*usable = siblings_usable(siblings, &opened.stamp);
	makes_gzip = !(*usable & 1u << CODING_GZIP) && opened.stamp.size <= source->body_max &&
		     wants_gzip(entry->location, facts.type, opened.stamp.size);
	facts.varies = *usable != 0 || makes_gzip;
	error = file_load(source, &opened, &facts, &entry->file);
	if (error != 0)
		return error;
	entry->file->makes_gzip = makes_gzip;
	entry->file->kept = true;
	entry->settled = entry->file->settled;
	return 0;
}

int file_entry_load(const struct file_source *source, const struct http_location *location, const char *name,
		    size_t key_length, struct file_entry **out)
{
	struct file_entry *entry = make(location, name, key_length);
	struct siblings siblings;
	unsigned usable;
	int error = entry ? -ESTALE : -ENOMEM;

	for (int try = 0; try < LOAD_TRIES && error == -ESTALE; try++)
		error = load_source(source, entry, &siblings, &usable);
	if (error != 0) {
		free(entry);
		return error;
	}
	entry->version = version_of(entry, &siblings);
	/* This one can be served, without the others for once. */
	if (load_variants(source, entry, &siblings, usable) != 0)
		entry->doubtful = true;
	*out = entry;
	return 0;
}

/* --- the end of one --- */

/* What is being sent of it goes on. */
static void part_with(struct file *file)
{
	if (file)
		file->kept = false;
	file_release(file);
}

void file_entry_free(struct file_entry *entry)
{
	for (unsigned coding = 0; entry->variants && coding < CODING_IDENTITY; coding++)
		part_with(entry->variants->files[coding]);
	free(entry->variants);
	part_with(entry->file);
	free(entry);
}

struct file *file_entry_take(struct file_entry *entry, struct file *file)
{
	file_keep(file);
	file_entry_leave(entry);
	return file;
}

/* --- what is on disk --- */

static int has_same_siblings(const struct file_entry *entry)
{
	static const struct siblings none;
	struct siblings now;
	int error = siblings_look(entry->location, entry->name, &now);

	if (error != 0)
		return error;
	return siblings_equal(&now, entry->variants ? &entry->variants->siblings : &none);
}

int file_entry_is_current(const struct file_entry *entry)
{
	int fd = file_open(entry->location->site->root, entry->name, O_PATH);
	bool same;

	if (fd < 0)
		return file_error_is_own(fd) ? fd : 0;
	same = stamp_is_of(&entry->file->stamp, fd);
	fd_close(&fd);
	return same ? has_same_siblings(entry) : 0;
}

/* --- what it costs --- */

static size_t bytes_of(const struct file *file)
{
	return file && file->fd == -1 ? file->allocated : 0;
}

size_t file_entry_bytes(const struct file_entry *entry)
{
	size_t bytes = bytes_of(entry->file);

	if (bytes > 0)
		bytes += sizeof(*entry) + strlen(entry->name) + 1;
	for (unsigned i = 0; entry->variants && i < CODING_IDENTITY; i++)
		bytes += bytes_of(entry->variants->files[i]);
	return bytes + (entry->variants ? sizeof(*entry->variants) : 0);
}

size_t file_entry_fds(const struct file_entry *entry)
{
	size_t fds = entry->file->fd != -1;

	for (unsigned i = 0; entry->variants && i < CODING_IDENTITY; i++)
		fds += entry->variants->files[i] && entry->variants->files[i]->fd != -1;
	return fds;
}
