/* SPDX-License-Identifier: MIT
 *
 * File names as people type them, made independent of the working directory. */
#include "brood/system/absolute_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without "./" in front, which only makes messages longer; "." alone is nothing. */
static const char *skip_dots(const char *path)
{
	while (path[0] == '.' && (path[1] == '/' || path[1] == '\0')) {
		path++;
		while (*path == '/')
			path++;
	}
	return path;
}

char *path_resolve(const char *directory, const char *path)
{
	const char *rest = skip_dots(path), *slash = "/";
	size_t length = strlen(directory);
	char *out;

	if (path[0] == '/')
		return strdup(path);
	if (*rest == '\0' || (length > 0 && directory[length - 1] == '/'))
		slash = "";
	return asprintf(&out, "%s%s%s", directory, slash, rest) < 0 ? NULL : out;
}

bool path_is_same(const char *path, const char *other)
{
	struct stat one, two;

	return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

char *path_working_directory(void)
{
	const char *told = getenv("PWD");

	if (told && told[0] == '/' && path_is_same(told, "."))
		return strdup(told);
	return getcwd(NULL, 0);
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}
