/* SPDX-License-Identifier: MIT
 *
 * See root_follow.h. Workers, and who looks for them. */
#include "http/site/root_follow.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "http/site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLLOW_TRIES = 3 /* a switch may follow another one while we look */ };

uint64_t root_version(int fd)
{
	const unsigned wanted = STATX_INO | STATX_BTIME | STATX_MNT_ID;
	struct statx status = {0};
	uint64_t version = 0;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, wanted, &status) < 0)
		return (uint64_t)errno;
	version = version_add(version, (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor);
	version = version_add(version, status.stx_ino);
	/* A number may be given to another folder once nobody has this one open any more. */
	if (status.stx_mask & STATX_BTIME)
		version = version_add(version,
				      (uint64_t)status.stx_btime.tv_sec * 1000000000u + status.stx_btime.tv_nsec);
	if (status.stx_mask & STATX_MNT_ID)
		version = version_add(version, status.stx_mnt_id);
	return version;
}

/* Who may not search a folder finds nothing in it. */
static int may_search(int fd)
{
	int inside = openat(fd, ".", O_PATH | O_CLOEXEC);

	if (inside < 0)
		return -errno;
	fd_close(&inside);
	return 0;
}

int root_open(const char *path, uint64_t *version)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (fd < 0)
		error = -errno;
	else
		error = may_search(fd);
	if (error < 0) {
		fd_close(&fd);
		*version = (uint64_t)-error;
		return error;
	}
	*version = root_version(fd);
	return fd;
}

struct epoch root_epoch(const struct epochs *epochs, const char *path)
{
	return epoch_begin(epochs, 0, EPOCH_ROOT, slice_of(path));
}

void root_follow_begin(struct http_site *site, const struct epochs *epochs)
{
	struct root_follow *follow = &site->follow;

	if (!follow->path) {
		follow->seen = (struct epoch){&follow->untold, 0};
		return;
	}
	follow->seen = root_epoch(epochs, follow->path);
	/* As long as nobody has looked, what was open at our birth is the last that is known. */
	if (follow->seen.value != 0 && !epoch_is_of(&follow->seen, follow->version))
		follow->seen.value = ~follow->seen.value;
}

/* From here on the site has this folder; -errno: none. */
static void take(struct http_site *site, int fd, uint64_t version)
{
	bool no_links = site->root.no_links;

	fd_close(&site->root.fd);
	site->follow.version = version;
	site->follow.error = fd < 0 ? fd : 0;
	site->root = fd < 0 ? file_root_none(no_links) : file_root_make(fd, no_links);
	if (fd >= 0)
		fd_note(fd, FD_FOLDER);
}

int root_follow(struct http_site *site)
{
	struct root_follow *follow = &site->follow;
	int changed = 0;

	for (unsigned i = 0; i < FOLLOW_TRIES && !epoch_holds(&follow->seen); i++) {
		struct epoch seen = epoch_again(&follow->seen);
		uint64_t version;
		int fd;

		/* What was told is what we have: who looked for the first time has said so. */
		if (epoch_is_of(&seen, follow->version)) {
			follow->seen = seen;
			continue;
		}
		fd = root_open(follow->path, &version);
		if (file_error_is_own(fd))
			return fd;
		epoch_tell(&seen, version);
		follow->seen = seen;
		if (version == follow->version) {
			fd_close(&fd);
			continue;
		}
		take(site, fd, version);
		changed = 1;
	}
	return changed;
}

void root_follow_fail(struct http_site *site, int error)
{
	take(site, error, (uint64_t)-error);
}
