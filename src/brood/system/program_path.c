/* SPDX-License-Identifier: MIT
 *
 * The path of this program (program_path.h). Master only. */
#include "brood/system/program_path.h"

#include "base/fd.h"
#include "brood/system/absolute_path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	return path_is_same(path, "/proc/self/exe");
}

/* A configuration that begins with "#!" and our name is executed by its own path. */
static bool is_script(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found = fd >= 0 && fd_is_script(fd);

	fd_close(&fd);
	return found;
}

static char *make_absolute(const char *path)
{
	char *folder = path_working_directory();
	char *whole = folder ? path_resolve(folder, path) : NULL;

	free(folder);
	return whole;
}

/* The path that execve(2) was called with. It need not lead here any more. A name of a descriptor (fexecve) was good
 * for that moment only. */
static char *find_executed(void)
{
	const char *path = (const char *)getauxval(AT_EXECFN);

	if (!path || path[0] == '\0' || strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0 ||
	    is_script(path))
		return NULL;
	return make_absolute(path);
}

/* In this folder of PATH (an empty one is the working directory). */
static char *find_in(const char *folder, size_t size, const char *name)
{
	char *path, *whole;

	if (asprintf(&path, "%.*s%s%s", (int)size, folder, size > 0 ? "/" : "", name) < 0)
		return NULL;
	whole = is_program(path) ? make_absolute(path) : NULL;
	free(path);
	return whole;
}

/* Whoever starts a program may call it anything, so only what leads here counts. */
static char *find_named(const char *name)
{
	const char *folders = getenv("PATH");
	char *found = NULL;

	if (!name || name[0] == '\0')
		return NULL;
	if (strchr(name, '/'))
		return is_program(name) ? make_absolute(name) : NULL;
	while (folders && !found) {
		size_t size = strcspn(folders, ":");

		found = find_in(folders, size, name);
		folders = folders[size] == ':' ? folders + size + 1 : NULL;
	}
	return found;
}

static char *find_file(void)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path));

	return size > 0 && size < (ssize_t)sizeof(path) ? strndup(path, (size_t)size) : NULL;
}

char *program_path_find(const char *argv0)
{
	char *found = find_executed();

	if (!found)
		found = find_named(argv0);
	return found ? found : find_file();
}
