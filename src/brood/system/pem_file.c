/* SPDX-License-Identifier: MIT
 *
 * See pem_file.h. */
#include "brood/system/pem_file.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pem_stamp stamp_of(const struct stat *info)
{
	return (struct pem_stamp){
		.device = info->st_dev,
		.inode = info->st_ino,
		.size = (uint64_t)info->st_size,
		.modified_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec,
		.changed_ns = (int64_t)info->st_ctim.tv_sec * 1000000000 + info->st_ctim.tv_nsec,
	};
}

void pem_file_stamp(const char *path, struct pem_stamp *out)
{
	struct stat info;

	*out = (struct pem_stamp){0};
	if (stat(path, &info) == 0)
		*out = stamp_of(&info);
}

bool pem_stamp_equal(const struct pem_stamp *a, const struct pem_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static int refuse(int error, const char **why)
{
	*why = strerror(error);
	return -error;
}

int pem_file_open(const char *path, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct stat info;

	*why = NULL;
	if (fd < 0)
		return refuse(errno, why);
	rc = fstat(fd, &info) < 0 ? refuse(errno, why) : 0;
	if (rc == 0 && (!S_ISREG(info.st_mode) || info.st_size > PEM_FILE_MAX)) {
		rc = -EINVAL;
		*why = S_ISREG(info.st_mode) ? "is larger than 1 MiB" : "is not a regular file";
	}
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

/* 0 or -errno. */
static int copy_octets(int from, int to)
{
	char block[16384];
	ssize_t size;
	size_t total = 0;
	int rc = 0;

	while (rc == 0 && (size = read(from, block, sizeof(block))) != 0) {
		if (size < 0 && errno == EINTR)
			continue;
		total += size > 0 ? (size_t)size : 0;
		if (size < 0 || write(to, block, (size_t)size) != size)
			rc = errno ? -errno : -EIO;
		else if (total > PEM_FILE_MAX)
			rc = -EFBIG;
	}
	explicit_bzero(block, sizeof(block));
	return rc;
}

int pem_file_copy(const char *path, struct pem_stamp *stamp, const char **why)
{
	int file = pem_file_open(path, why), copy, rc;
	struct stat info;

	if (file < 0)
		return file;
	copy = memfd_create("brood-pem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	rc = copy < 0 || fstat(file, &info) < 0 ? -errno : copy_octets(file, copy);
	if (rc == 0 && fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		rc = -errno;
	if (rc == 0)
		*stamp = stamp_of(&info);
	else
		fd_close(&copy);
	fd_close(&file);
	return rc < 0 ? refuse(-rc, why) : copy;
}
