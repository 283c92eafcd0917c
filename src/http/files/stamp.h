/* SPDX-License-Identifier: MIT
 *
 * What tells a file from another one under the same name, or from itself before a change. */
#ifndef BROOD_HTTP_FILES_STAMP_H
#define BROOD_HTTP_FILES_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct file_stamp {
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct timespec mtime, ctime;
};

struct file_stamp stamp_of(const struct stat *stat);

bool stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/* A number for a version (epochs.h), with this one added. */
uint64_t stamp_add(uint64_t version, const struct file_stamp *stamp);

/* Is it, now, that of what is open? */
bool stamp_is_of(const struct file_stamp *stamp, int fd);

/* Can a write at `now` or later be told from this stamp (see file_load.c)? `now` is by the clock that
 * stamps, CLOCK_REALTIME_COARSE, read before the stamp was. */
bool stamp_is_settled(const struct file_stamp *stamp, const struct timespec *now);

#endif
