/* SPDX-License-Identifier: MIT
 *
 * See file.h.
 *
 * A change that the file's times do not show. The kernel stamps a write with the clock of its last
 * tick, so two writes within one tick (1 to 10 ms) leave equal times, and equal sizes if it so
 * happens: then what was read between the two cannot be told from what is there after them, by us
 * or by a client that asks with its tag later. A stamp is settled once that clock has passed it:
 * any later write gets a later one. Until then the file is served but not kept, and its tag has a
 * third part from its octets (or, if they are not in memory, from the time, which never comes
 * again). File systems without fractions of a second are taken at their second. */
#include "http/files/file.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "http/message/date.h"
#include "http/files/file_make.h"
#include "http/message/head.h"
#include "http/site/mime.h"
#include "http/site/site.h"
#include "http/files/static.h"
#include "http/files/variants.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOAD_TRIES = 3 };

/* All of it or -errno; -ESTALE when the file is shorter than it was said to be. */
static int read_whole(int fd, char *out, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, out + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ESTALE;
		done += (size_t)got;
	}
	return 0;
}

/* The stamp of what is open, if it is a regular file. 0 or -errno. */
static int look_at(int fd, struct file_stamp *stamp)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return -errno;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	if (!S_ISREG(stat.st_mode))
		return -EACCES;
	*stamp = stamp_of(&stat);
	return 0;
}

/* The body: read from the descriptor, which becomes the file's, and is -1 then, if it is not in
 * memory. */
static int take_body(int *fd, struct file *file, bool in_memory, const struct timespec *now)
{
	uint64_t distinct = (uint64_t)now->tv_sec * 1000000000u + (uint64_t)now->tv_nsec;
	int error;

	if (in_memory) {
		error = read_whole(*fd, (char *)file->body.ptr, file->body.len);
		if (error != 0)
			return error;
		/* Written to between the stamp and the last read: it may be half of each. */
		if (!stamp_is_of(&file->stamp, *fd))
			return -ESTALE;
		distinct = file_make_digest(file->body);
	} else {
		file->fd = *fd;
		fd_note(file->fd, FD_FILE);
		*fd = -1;
	}
	if (!file->settled)
		file_make_distinct(file, distinct);
	return 0;
}

/* `facts` as far as they do not follow from the descriptor and its stamp. */
static int load_from(int *fd, const struct file_source *source, const struct response_maker *maker,
		     struct file_facts *facts, const struct timespec *now, struct file **out)
{
	struct file *file;
	int error;

	facts->settled = stamp_is_settled(&facts->stamp, now);
	facts->distinct = !facts->settled;
	facts->in_memory = facts->stamp.size <= source->body_max;
	error = file_make(facts, maker, &file);
	if (error != 0)
		return error;
	error = take_body(fd, file, facts->in_memory, now);
	if (error != 0) {
		file_release(file);
		return error;
	}
	*out = file;
	return 0;
}

static struct slice type_of(const struct file_source *source, const char *name, char room[FILE_TYPE_MAX])
{
	struct slice type = mime_type(source->mime, slice_of(name));
	struct head head = {room, room, room + FILE_TYPE_MAX, false};

	head_put(&head, type);
	if (mime_wants_charset(type))
		head_put(&head, SLICE("; charset=utf-8"));
	return head.full ? SLICE("application/octet-stream") : head_written(&head);
}

/* What tells it from any other file, and from itself before a change of it or of its siblings. */
static uint64_t version_of(const struct file *file, const struct siblings *siblings)
{
	uint64_t version = stamp_add(0, &file->stamp);

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		version = stamp_add(version, &siblings->seen[coding]);
	version = version_add(version, siblings->regular);
	version = version_add_octets(version, slice_of(file->name));
	/* It is more than the stamp where that can stay the same. */
	return version_add_octets(version, file->etag);
}

static int load_source(int *fd, const struct file_source *source, const struct response_maker *maker, const char *name,
		       size_t key_length, struct file **out)
{
	char type[FILE_TYPE_MAX];
	struct file_facts facts = {
		.location = source->location,
		.name = slice_of(name),
		.key_length = key_length,
		.type = type_of(source, name, type),
		.coding = CODING_IDENTITY,
	};
	struct siblings siblings;
	struct timespec now;
	bool doubtful, makes_gzip;
	unsigned usable;
	int error;

	/* Before the stamp is read, so that a write after it is later than `now`. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	error = look_at(*fd, &facts.stamp);
	if (error != 0)
		return error;
	doubtful = siblings_look(source->location, name, &siblings) != 0;
	usable = siblings_usable(&siblings, &facts.stamp);
	makes_gzip = !(usable & 1u << CODING_GZIP) && facts.stamp.size <= source->body_max &&
		     variants_want_gzip(source->location, facts.type, facts.stamp.size);
	facts.varies = usable != 0 || makes_gzip;
	error = load_from(fd, source, maker, &facts, &now, out);
	if (error != 0)
		return error;
	(*out)->version = version_of(*out, &siblings);
	/* This one can be served, without the others for once. */
	error = variants_load(source, maker, *out, &siblings, makes_gzip);
	(*out)->doubtful = doubtful || error != 0;
	return 0;
}

int file_load(const struct file_source *source, const struct response_maker *maker, const char *name, size_t key_length,
	      struct file **out)
{
	int error = -ESTALE;

	for (int try = 0; try < LOAD_TRIES && error == -ESTALE; try++) {
		int fd = file_open(source->location->site->root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);

		if (fd < 0)
			return fd;
		error = load_source(&fd, source, maker, name, key_length, out);
		fd_close(&fd);
	}
	return error;
}

int file_load_sibling(const struct file_source *source, const struct response_maker *maker, const struct file *of,
		      enum coding coding, const struct file_stamp *seen, struct file **out)
{
	struct file_facts facts = {
		.location = of->location,
		.name = slice_of(of->name),
		.type = of->type,
		.coding = coding,
		.varies = true,
	};
	char name[PATH_MAX];
	struct timespec now;
	int fd, error;

	if (!sibling_name(of->name, coding, name))
		return -ENAMETOOLONG;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	fd = file_open(of->location->site->root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	error = look_at(fd, &facts.stamp);
	if (error == 0)
		error = stamp_equal(&facts.stamp, seen) ? load_from(&fd, source, maker, &facts, &now, out) : -ESTALE;
	fd_close(&fd);
	return error;
}

static int has_same_siblings(const struct file *file)
{
	static const struct siblings none;
	struct siblings now;
	int error = siblings_look(file->location, file->name, &now);

	if (error != 0)
		return error;
	return siblings_equal(&now, file->variants ? &file->variants->siblings : &none);
}

int file_is_current(const struct file *file)
{
	int fd = file_open(file->location->site->root, file->name, O_PATH);
	bool same;

	if (fd < 0)
		return fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EAGAIN ? fd : 0;
	same = stamp_is_of(&file->stamp, fd);
	fd_close(&fd);
	return same ? has_same_siblings(file) : 0;
}

bool file_is_intact(const struct file *file)
{
	return stamp_is_of(&file->stamp, file->fd);
}

static size_t own_bytes(const struct file *file)
{
	return file->fd == -1 ? file->allocated : 0;
}

size_t file_bytes(const struct file *file)
{
	size_t bytes = own_bytes(file);

	for (unsigned i = 0; file->variants && i < CODING_IDENTITY; i++)
		bytes += file->variants->files[i] ? own_bytes(file->variants->files[i]) : 0;
	return bytes + (file->variants ? sizeof(*file->variants) : 0);
}

size_t file_fds(const struct file *file)
{
	size_t fds = file->fd != -1;

	for (unsigned i = 0; file->variants && i < CODING_IDENTITY; i++)
		fds += file->variants->files[i] && file->variants->files[i]->fd != -1;
	return fds;
}

int64_t file_last_modified(const struct file *file, int64_t second)
{
	return file->stamp.mtime.tv_sec < second ? file->stamp.mtime.tv_sec : second;
}

bool file_set_date(struct file *file, struct slice date, int64_t second)
{
	if (file->references > 1u + file->kept)
		return false;
	memcpy(file->date_text, date.ptr, DATE_LENGTH);
	file->date_second = second;
	if (file_last_modified(file, second) != file->last_modified) {
		file->last_modified = file_last_modified(file, second);
		date_format(file->last_modified_text, file->last_modified);
	}
	return true;
}

void file_release(struct file *file)
{
	if (!file || --file->references > 0)
		return;
	variants_free(file->variants);
	fd_close(&file->fd);
	free(file);
}
