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
#include "http/file.h"

#include "base/fd.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/head.h"
#include "http/mime.h"
#include "http/response.h"
#include "http/site.h"
#include "http/static.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOAD_TRIES = 3,
	HEAD_ROOM = 1024,
	AHEAD_NS = 20000000, /* how much a fine-grained stamp may be ahead of the tick's clock */
};

static struct file_stamp stamp_of(const struct stat *stat)
{
	return (struct file_stamp){stat->st_dev, stat->st_ino, (uint64_t)stat->st_size,
				   stat->st_mtim, stat->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

static bool fd_has_stamp(int fd, const struct file_stamp *stamp)
{
	struct file_stamp now;
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return false;
	now = stamp_of(&stat);
	return same_stamp(&now, stamp);
}

/* Can a write at `now` or later be told from this stamp? `now` is by the clock that stamps. */
static bool is_settled(const struct timespec *mtime, const struct timespec *now)
{
	int64_t age_ns;

	if (mtime->tv_sec < now->tv_sec - 2 || mtime->tv_sec > now->tv_sec + 2)
		return true;
	age_ns = (now->tv_sec - mtime->tv_sec) * INT64_C(1000000000);
	age_ns += now->tv_nsec - mtime->tv_nsec;
	if (mtime->tv_nsec == 0)
		age_ns -= 999999999;
	return age_ns > 0 || age_ns < -1000000000 - AHEAD_NS;
}

/* FNV-1a: equal octets, equal tag; nobody gains from a collision of their own making. */
static uint64_t digest(struct slice octets)
{
	uint64_t value = 0xcbf29ce484222325u;

	for (size_t i = 0; i < octets.len; i++)
		value = (value ^ (unsigned char)octets.ptr[i]) * 0x100000001b3u;
	return value;
}

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

/* Where the parts of a head are, as offsets until it has found its place. */
struct layout {
	size_t date, type, type_length, last_modified, etag, etag_length, length;
};

/* Writes the value of a field and returns where it is. */
static size_t put_value(struct head *head, const char *name, struct slice value)
{
	head_field(head, name, value);
	return (size_t)(head->at - head->start) - 2 - value.len;
}

static bool write_head(struct head *head, const struct file_source *source,
		       const struct response_maker *maker, const struct file *facts,
		       struct slice name, struct layout *layout)
{
	struct slice type = mime_type(source->mime, name), date;
	char text[ETAG_ROOM], modified[DATE_LENGTH], typed[FILE_TYPE_MAX];
	const uint64_t later = 0;
	struct head whole_type = {typed, typed, typed + sizeof(typed), false};
	int64_t second;

	date = response_date(maker, &second);
	head_begin(head, head->start, (size_t)(head->end - head->start), 200, date);
	layout->date = (size_t)(head->at - head->start) - 2 - DATE_LENGTH;
	head_put(head, response_common_fields(maker));

	head_put(&whole_type, type);
	if (mime_wants_charset(type))
		head_put(&whole_type, SLICE("; charset=utf-8"));
	layout->type_length = head_written(&whole_type).len;
	layout->type = put_value(head, "Content-Type", head_written(&whole_type));

	head_field_u64(head, "Content-Length", facts->stamp.size);
	date_format(modified, file_last_modified(facts, second));
	layout->last_modified =
		put_value(head, "Last-Modified", (struct slice){modified, DATE_LENGTH});
	layout->etag_length = etag_format(text, facts->stamp.size, &facts->stamp.mtime,
					  facts->settled ? NULL : &later);
	layout->etag = put_value(head, "ETag", (struct slice){text, layout->etag_length});
	head_field(head, "Accept-Ranges", SLICE("bytes"));
	layout->length = head_written(head).len;
	return !head->full && !whole_type.full;
}

/* Puts everything into one allocation: struct, name, head, CRLF, body_size octets to be filled. */
static struct file *assemble(const struct file *facts, struct slice name, size_t key_length,
			     const char *head, const struct layout *layout, size_t body_size)
{
	size_t size = sizeof(struct file) + name.len + 1 + layout->length + 2 + body_size;
	struct file *file = malloc(size);
	char *at;

	if (!file)
		return NULL;
	*file = *facts;
	file->allocated = size;
	at = (char *)(file + 1);
	memcpy(at, name.ptr, name.len);
	at[name.len] = '\0';
	file->name = at;
	file->key = (struct slice){at, key_length};
	at += name.len + 1;
	memcpy(at, head, layout->length);
	file->head = (struct slice){at, layout->length};
	file->date_text = at + layout->date;
	file->last_modified_text = at + layout->last_modified;
	file->type = (struct slice){at + layout->type, layout->type_length};
	file->etag = (struct slice){at + layout->etag, layout->etag_length};
	at += layout->length;
	memcpy(at, "\r\n", 2);
	file->body = (struct slice){at + 2, body_size};
	list_init(&file->by_use);
	return file;
}

static void finish_etag(struct file *file, const struct timespec *now)
{
	uint64_t distinct = file->fd == -1
				    ? digest(file->body)
				    : (uint64_t)now->tv_sec * 1000000000u + (uint64_t)now->tv_nsec;
	char text[ETAG_ROOM];
	size_t length = etag_format(text, file->stamp.size, &file->stamp.mtime, &distinct);

	memcpy((char *)file->etag.ptr, text, length);
}

/* From an open descriptor, which becomes the file's if it is needed further and is -1 then. */
static int load_from(int *fd, const struct file_source *source, const struct response_maker *maker,
		     struct slice name, size_t key_length, struct file **out)
{
	struct file facts = {.references = 1, .fd = -1, .place = source->place}, *file;
	char room[HEAD_ROOM];
	struct head head = {room, room, room + sizeof(room), false};
	struct layout layout;
	struct timespec now;
	struct stat stat;
	bool in_memory;
	int error;

	/* Before the stamp is read, so that a write after it is later than `now`. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (fstat(*fd, &stat) != 0)
		return -errno;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	if (!S_ISREG(stat.st_mode))
		return -EACCES;
	facts.stamp = stamp_of(&stat);
	facts.settled = is_settled(&stat.st_mtim, &now);
	in_memory = facts.stamp.size <= source->body_max;
	response_date(maker, &facts.date_second);
	facts.last_modified = file_last_modified(&facts, facts.date_second);
	if (!write_head(&head, source, maker, &facts, name, &layout))
		return -EOVERFLOW;
	file = assemble(&facts, name, key_length, room, &layout,
			in_memory ? (size_t)facts.stamp.size : 0);
	if (!file)
		return -ENOMEM;
	if (in_memory) {
		error = read_whole(*fd, (char *)file->body.ptr, file->body.len);
		/* Written to between the stamp and the last read: it may be half of each. */
		if (error == 0 && !fd_has_stamp(*fd, &file->stamp))
			error = -ESTALE;
		if (error != 0) {
			free(file);
			return error;
		}
	} else {
		file->fd = *fd;
		*fd = -1;
	}
	if (!file->settled)
		finish_etag(file, &now);
	*out = file;
	return 0;
}

int file_load(const struct file_source *source, const struct response_maker *maker,
	      const char *name, size_t key_length, struct file **out)
{
	int error = -ESTALE;

	for (int try = 0; try < LOAD_TRIES && error == -ESTALE; try++) {
		int fd = file_open(source->place->site->root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);

		if (fd < 0)
			return fd;
		error = load_from(&fd, source, maker, slice_of(name), key_length, out);
		fd_close(&fd);
	}
	return error;
}

bool file_is_current(const struct file *file)
{
	int fd = file_open(file->place->site->root, file->name, O_PATH);
	bool same;

	if (fd < 0)
		return fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EAGAIN;
	same = fd_has_stamp(fd, &file->stamp);
	fd_close(&fd);
	return same;
}

bool file_is_intact(const struct file *file)
{
	return fd_has_stamp(file->fd, &file->stamp);
}

int64_t file_last_modified(const struct file *file, int64_t second)
{
	return file->stamp.mtime.tv_sec < second ? file->stamp.mtime.tv_sec : second;
}

bool file_set_date(struct file *file, struct slice date, int64_t second)
{
	if (file->references > 1u + file->cached)
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
	fd_close(&file->fd);
	free(file);
}
