/* SPDX-License-Identifier: MIT
 *
 * See root.h. */
#include "root.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(99);
}

static const char *const index_names[] = {"index.html", NULL};

void root_make(struct root *root)
{
	strcpy(root->path, "/tmp/brood-root-XXXXXX");
	if (!mkdtemp(root->path))
		must(-1, root->path);
	root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(root->fd, root->path);
	root->location = (struct http_location){.site = &root->site,
						.prefix = SLICE(""),
						.fields = SLICE("Server: brood\r\n"),
						.index_names = index_names};
	root->site = (struct http_site){
		.root = file_root_make(root->fd, false), .locations = &root->location, .location_count = 1};
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat, (void)type, (void)ftw;
	return remove(path);
}

void root_remove(struct root *root)
{
	close(root->fd);
	must(-(nftw(root->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0), root->path);
}

void root_directory(const struct root *root, const char *name)
{
	must(mkdirat(root->fd, name, 0755), name);
}

static void write_octets(const struct root *root, const char *name, const char *octets, size_t size, time_t seconds)
{
	int fd = openat(root->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd, name);
	must(write(fd, octets, size) == (ssize_t)size ? 0 : -1, name);
	close(fd);
	root_set_time(root, name, seconds, 500000000);
}

void root_write(const struct root *root, const char *name, const char *octets, time_t seconds)
{
	write_octets(root, name, octets, strlen(octets), seconds);
}

void root_write_large(const struct root *root, const char *name, size_t size, time_t seconds)
{
	char *octets = malloc(size);

	must(octets ? 0 : -1, "malloc");
	for (size_t i = 0; i < size; i++)
		octets[i] = (char)i;
	write_octets(root, name, octets, size, seconds);
	free(octets);
}

void root_replace(const struct root *root, const char *name, const char *octets, time_t seconds)
{
	root_write(root, "next", octets, seconds);
	must(renameat(root->fd, "next", root->fd, name), name);
}

void root_set_time(const struct root *root, const char *name, time_t seconds, long nanoseconds)
{
	const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};

	must(utimensat(root->fd, name, times, 0), name);
}

void root_link(const struct root *root, const char *name, const char *target)
{
	must(symlinkat(target, root->fd, name), name);
}

void root_delete(const struct root *root, const char *name)
{
	must(unlinkat(root->fd, name, 0), name);
}
