/* SPDX-License-Identifier: MIT
 *
 * See listing.h. */
#include "http/files/listing.h"

#include "base/fd.h"
#include "http/site/epochs.h"
#include "http/files/file_make.h"
#include "http/files/listing_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 8, KEPT_MS = 1000 };

/* One that was made. */
struct kept {
	const struct http_location *location;
	char *name;
	enum listing_form form;
	uint64_t made_ms;
	struct epoch seen;
	struct file *file; /* NULL: a free place */
};

struct listings {
	const struct epochs *epochs;
	struct kept kept[KEPT];
	unsigned next; /* the one to go first */
};

/* What is read of a directory. */
struct reading {
	const struct http_location *location;
	const char *name; /* of the directory, below the root */
	int fd;
	struct listing_entry *entries;
	size_t count;
	bool cut;
	struct buffer names; /* ended by NUL, one behind the other */
	size_t *offsets;     /* of the names */
};

struct listings *listings_new(const struct epochs *epochs)
{
	struct listings *listings = calloc(1, sizeof(*listings));

	if (listings)
		listings->epochs = epochs;
	return listings;
}

static void forget(struct kept *kept)
{
	file_release(kept->file);
	free(kept->name);
	*kept = (struct kept){0};
}

void listings_free(struct listings *listings)
{
	if (!listings)
		return;
	listings_forget(listings);
	free(listings);
}

void listings_forget(struct listings *listings)
{
	for (size_t i = 0; i < KEPT; i++)
		forget(&listings->kept[i]);
}

/* --- reading --- */

/* What a link leads to, where it is followed; -errno: nowhere. */
static int stat_link(const struct reading *reading, const char *name, struct stat *out)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	if (reading->location->site->root.no_links ||
	    snprintf(path, sizeof(path), "%s%s", reading->name, name) >= (int)sizeof(path))
		return -ELOOP;
	fd = file_open(reading->location->site->root, path, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, out) < 0)
		rc = -errno;
	fd_close(&fd);
	return rc;
}

/* Only what is served: false for the rest. */
static bool is_shown(const struct reading *reading, const char *name, struct stat *out)
{
	if (name[0] == '.' || fstatat(reading->fd, name, out, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISLNK(out->st_mode) && stat_link(reading, name, out) < 0)
		return false;
	return S_ISREG(out->st_mode) || S_ISDIR(out->st_mode);
}

static int add(struct reading *reading, const char *name, const struct stat *info)
{
	struct listing_entry *entry = &reading->entries[reading->count];

	reading->offsets[reading->count] = reading->names.used;
	if (buffer_append(&reading->names, name, strlen(name) + 1) < 0)
		return -ENOMEM;
	*entry = (struct listing_entry){
		.directory = S_ISDIR(info->st_mode),
		.size = (uint64_t)info->st_size,
		.modified = info->st_mtim.tv_sec,
	};
	reading->count++;
	return 0;
}

static int read_entries(struct reading *reading, DIR *directory)
{
	const struct dirent *found;
	struct stat info;

	for (unsigned scanned = 0; (found = readdir(directory)) != NULL; scanned++) {
		if (scanned == LISTING_SCANNED_MAX || reading->count == LISTING_ENTRIES_MAX) {
			reading->cut = true;
			break;
		}
		if (is_shown(reading, found->d_name, &info) && add(reading, found->d_name, &info) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < reading->count; i++)
		reading->entries[i].name = reading->names.data + reading->offsets[i];
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct listing_entry *one = a, *other = b;

	if (one->directory != other->directory)
		return one->directory ? -1 : 1;
	return strcmp(one->name, other->name);
}

static int read_directory(struct reading *reading)
{
	DIR *directory;
	int rc, fd = file_open(reading->location->site->root, reading->name[0] ? reading->name : ".",
			       O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	reading->entries = calloc(LISTING_ENTRIES_MAX, sizeof(*reading->entries));
	reading->offsets = calloc(LISTING_ENTRIES_MAX, sizeof(*reading->offsets));
	directory = reading->entries && reading->offsets ? fdopendir(fd) : NULL;
	if (!directory) {
		fd_close(&fd);
		return -ENOMEM;
	}
	reading->fd = fd;
	rc = read_entries(reading, directory);
	closedir(directory);
	if (rc == 0)
		qsort(reading->entries, reading->count, sizeof(*reading->entries), compare);
	return rc;
}

/* --- making --- */

static struct file *make_file(const struct buffer *text, enum listing_form form)
{
	return file_of_octets((struct slice){text->data, text->used},
			      form == LISTING_JSON ? SLICE("application/json") : SLICE("text/html; charset=utf-8"));
}

/* The same for all forms. */
static uint64_t version_of(const struct reading *reading)
{
	uint64_t version = version_add(reading->count, reading->cut);

	for (size_t i = 0; i < reading->count; i++) {
		const struct listing_entry *entry = &reading->entries[i];

		version = version_add_octets(version, slice_of(entry->name));
		version = version_add(version_add(version, entry->directory), entry->size);
		version = version_add(version, (uint64_t)entry->modified);
	}
	return version;
}

static int make(const struct http_location *location, const char *name, enum listing_form form, struct epoch *seen,
		struct file **out)
{
	struct reading reading = {.location = location, .name = name};
	struct buffer text = {0};
	int rc = read_directory(&reading);
	const struct listing listing = {location, slice_of(name), reading.entries, reading.count, reading.cut};

	if (rc == 0)
		rc = form == LISTING_JSON ? listing_write_json(&listing, &text) : listing_write_html(&listing, &text);
	if (rc == 0) {
		*out = make_file(&text, form);
		rc = *out ? 0 : -ENOMEM;
	}
	if (rc == 0)
		epoch_tell(seen, version_of(&reading));
	buffer_free(&text);
	buffer_free(&reading.names);
	free(reading.entries);
	free(reading.offsets);
	return rc;
}

static struct file *find(const struct listings *listings, const struct http_location *location, const char *name,
			 enum listing_form form, uint64_t now_ms)
{
	for (size_t i = 0; i < KEPT; i++) {
		const struct kept *kept = &listings->kept[i];

		if (kept->file && kept->location == location && kept->form == form &&
		    now_ms - kept->made_ms < KEPT_MS && epoch_holds(&kept->seen) && strcmp(kept->name, name) == 0)
			return kept->file;
	}
	return NULL;
}

void listings_tick(struct listings *listings, uint64_t now_ms)
{
	for (size_t i = 0; i < KEPT; i++) {
		if (listings->kept[i].file && now_ms - listings->kept[i].made_ms >= KEPT_MS)
			forget(&listings->kept[i]);
	}
}

int listings_get(struct listings *listings, const struct http_location *location, struct slice name,
		 enum listing_form form, uint64_t now_ms, struct file **out)
{
	struct kept *kept = &listings->kept[listings->next];
	char *text = strndup(name.ptr, name.len);
	struct epoch seen;
	int rc = text ? 0 : -ENOMEM;

	if (text && (*out = find(listings, location, text, form, now_ms)) != NULL) {
		free(text);
		file_keep(*out);
		return 0;
	}
	seen = epoch_begin(listings->epochs, location->site->identity, EPOCH_LISTING, name);
	if (rc == 0)
		rc = make(location, text, form, &seen, out);
	if (rc < 0) {
		free(text);
		return rc;
	}
	forget(kept);
	*kept = (struct kept){location, text, form, now_ms, seen, *out};
	file_keep(*out);
	listings->next = (listings->next + 1) % KEPT;
	return 0;
}
