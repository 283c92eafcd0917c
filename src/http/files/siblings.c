/* SPDX-License-Identifier: MIT
 *
 * See siblings.h. */
#include "http/files/siblings.h"

#include "base/fd.h"
#include "base/slice.h"
#include "http/site/open.h"
#include "http/site/site.h"

#include <errno.h>
#include <fcntl.h>

static const struct slice endings[CODING_IDENTITY] = {
	[CODING_BROTLI] = {".br", 3},
	[CODING_ZSTD] = {".zst", 4},
	[CODING_GZIP] = {".gz", 3},
};

bool sibling_name(const char *name, enum coding coding, char out[PATH_MAX])
{
	size_t length = strlen(name);
	struct slice ending = endings[coding];

	if (length + ending.len >= PATH_MAX)
		return false;
	memcpy(out, name, length);
	memcpy(out + length, ending.ptr, ending.len + 1);
	return true;
}

/* What is compressed already is not looked for once more. */
static bool is_sibling_name(const char *name)
{
	struct slice all = slice_of(name);

	for (unsigned i = 0; i < CODING_IDENTITY; i++) {
		struct slice end = endings[i];

		if (all.len > end.len && memcmp(all.ptr + all.len - end.len, end.ptr, end.len) == 0)
			return true;
	}
	return false;
}

static int look(const struct http_location *location, const char *name, enum coding coding, struct siblings *out)
{
	char room[PATH_MAX];
	struct stat stat;
	int fd;

	if (!sibling_name(name, coding, room))
		return 0;
	fd = file_open(location->site->root, room, O_PATH);
	if (fd < 0)
		return file_error_is_own(fd) ? fd : 0;
	if (fstat(fd, &stat) == 0) {
		out->seen[coding] = stamp_of(&stat);
		if (S_ISREG(stat.st_mode))
			out->regular |= 1u << coding;
	}
	fd_close(&fd);
	return 0;
}

int siblings_look(const struct http_location *location, const char *name, struct siblings *out)
{
	int error = 0;

	*out = (struct siblings){0};
	if (!location->precompressed || is_sibling_name(name))
		return 0;
	for (unsigned coding = 0; coding < CODING_IDENTITY && error == 0; coding++)
		error = look(location, name, (enum coding)coding, out);
	if (error != 0)
		*out = (struct siblings){0};
	return error;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

unsigned siblings_usable(const struct siblings *siblings, const struct file_stamp *source)
{
	unsigned usable = siblings->regular;

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++) {
		if (is_older(&siblings->seen[coding].mtime, &source->mtime))
			usable &= ~(1u << coding);
	}
	return usable;
}

bool siblings_equal(const struct siblings *a, const struct siblings *b)
{
	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++) {
		if (!stamp_equal(&a->seen[coding], &b->seen[coding]))
			return false;
	}
	return a->regular == b->regular;
}
