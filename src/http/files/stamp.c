/* SPDX-License-Identifier: MIT
 *
 * See stamp.h. */
#include "http/files/stamp.h"

#include "http/site/epochs.h"

enum { AHEAD_NS = 20000000 }; /* how much a fine-grained stamp may be ahead of the tick's clock */

struct file_stamp stamp_of(const struct stat *stat)
{
	return (struct file_stamp){stat->st_dev, stat->st_ino, (uint64_t)stat->st_size, stat->st_mtim, stat->st_ctim};
}

static uint64_t add_time(uint64_t version, const struct timespec *time)
{
	return version_add(version_add(version, (uint64_t)time->tv_sec), (uint64_t)time->tv_nsec);
}

uint64_t stamp_add(uint64_t version, const struct file_stamp *stamp)
{
	version = version_add(version, stamp->dev);
	version = version_add(version, stamp->ino);
	version = version_add(version, stamp->size);
	return add_time(add_time(version, &stamp->mtime), &stamp->ctime);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(&a->mtime, &b->mtime) &&
	       same_time(&a->ctime, &b->ctime);
}

bool stamp_is_of(const struct file_stamp *stamp, int fd)
{
	struct file_stamp now;
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return false;
	now = stamp_of(&stat);
	return stamp_equal(&now, stamp);
}

bool stamp_is_settled(const struct file_stamp *stamp, const struct timespec *now)
{
	const struct timespec *mtime = &stamp->mtime;
	int64_t age_ns;

	if (mtime->tv_sec < now->tv_sec - 2 || mtime->tv_sec > now->tv_sec + 2)
		return true;
	age_ns = (now->tv_sec - mtime->tv_sec) * INT64_C(1000000000);
	age_ns += now->tv_nsec - mtime->tv_nsec;
	if (mtime->tv_nsec == 0)
		age_ns -= 999999999;
	return age_ns > 0 || age_ns < -1000000000 - AHEAD_NS;
}
