/* SPDX-License-Identifier: MIT
 *
 * File descriptors: closing them all but some, limits, a spare one. */
#include "base/fd.h"

#include "base/fd_kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	/* Linux frees the number even when close fails with EINTR: never try again. */
	if (*fd != -1) {
		fd_forget(*fd);
		close(*fd);
	}
	*fd = -1;
	errno = saved;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (!!(flags & O_NONBLOCK) == on)
		return 0;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

bool fd_is_pipe(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool fd_is_script(int fd)
{
	char mark[2];

	return pread(fd, mark, sizeof(mark), 0) == sizeof(mark) && mark[0] == '#' && mark[1] == '!';
}

static void close_between(unsigned first, unsigned last)
{
	struct rlimit limit;

	fd_forget_between(first, last);
	if (close_range(first, last, 0) == 0)
		return;
	/* An old kernel, or a container's filter that does not know the call. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == 0)
		return;
	if (last >= limit.rlim_cur)
		last = (unsigned)limit.rlim_cur - 1;
	for (unsigned fd = first; fd <= last; fd++)
		close((int)fd);
}

/* The lowest number in `keep` that is not below `from`, or -1. The list is scanned for each gap, so
 * that a child between fork and its first line allocates nothing. */
static int lowest_kept(const int *keep, size_t count, int from)
{
	int lowest = -1;

	for (size_t i = 0; i < count; i++)
		if (keep[i] >= from && (lowest == -1 || keep[i] < lowest))
			lowest = keep[i];
	return lowest;
}

void fd_close_all_but(const int *keep, size_t count)
{
	int from = STDERR_FILENO + 1, kept;

	while ((kept = lowest_kept(keep, count, from)) != -1) {
		if (kept > from)
			close_between((unsigned)from, (unsigned)kept - 1);
		from = kept + 1;
	}
	close_between((unsigned)from, ~0U);
}

int fd_open_standard(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR);

		if (fd < 0)
			return -errno;
		if (fd > STDERR_FILENO) {
			close(fd);
			return 0;
		}
	}
}

size_t fd_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur != limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			limit.rlim_cur = before;
	}
	return (size_t)limit.rlim_cur;
}

size_t fd_count_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;
	struct dirent *entry;

	if (!directory)
		return 0;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			count++;
	closedir(directory);
	return count > 0 ? count - 1 : 0; /* without the one that did the counting */
}

void fd_reserve_fill(struct fd_reserve *reserve)
{
	/* 0 is standard input, never a reserve: an all-zero struct is an empty one. */
	if (reserve->fd <= 0)
		reserve->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool fd_reserve_spend(struct fd_reserve *reserve)
{
	if (reserve->fd <= 0)
		return false;
	fd_close(&reserve->fd);
	return true;
}
