/* SPDX-License-Identifier: MIT
 *
 * See file_load.h.
 *
 * A change that the file's times do not show. The kernel stamps a write with the clock of its last
 * tick, so two writes within one tick (1 to 10 ms) leave equal times, and equal sizes if it so
 * happens: then what was read between the two cannot be told from what is there after them, by us
 * or by a client that asks with its tag later. A stamp is settled once that clock has passed it:
 * any later write gets a later one. Until then the file is served but not kept, and its tag has a
 * third part from its octets (or, if they are not in memory, from the time, which never comes
 * again). File systems without fractions of a second are taken at their second. */
#include "http/files/file_load.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "http/site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

int file_load_open(const struct http_location *location, const char *name, struct file_opened *out)
{
	int error;

	/* Before the stamp is read, so that a write after it is later than that. */
	clock_gettime(CLOCK_REALTIME_COARSE, &out->now);
	out->fd = file_open(location->site->root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (out->fd < 0)
		return out->fd;
	error = look_at(out->fd, &out->stamp);
	if (error != 0)
		fd_close(&out->fd);
	return error;
}

int file_load(const struct file_source *source, struct file_opened *opened, struct file_facts *facts, struct file **out)
{
	struct file *file;
	int error;

	facts->stamp = opened->stamp;
	facts->settled = stamp_is_settled(&facts->stamp, &opened->now);
	facts->distinct = !facts->settled;
	facts->in_memory = facts->stamp.size <= source->body_max;
	error = file_make(facts, source->builder, &file);
	if (error == 0) {
		error = take_body(&opened->fd, file, facts->in_memory, &opened->now);
		if (error == 0)
			*out = file;
		else
			file_release(file);
	}
	fd_close(&opened->fd);
	return error;
}
