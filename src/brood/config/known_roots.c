/* SPDX-License-Identifier: MIT
 *
 * See known_roots.h. Master only. */
#include "brood/config/known_roots.h"

#include "base/fd.h"

#include <stdlib.h>
#include <string.h>

void known_roots_add(struct known_roots *roots, const char *path, bool given, int fd, uint64_t version)
{
	struct known_root *list = reallocarray(roots->list, roots->count + 1, sizeof(*list));
	char *copy = strdup(path);

	if (list)
		roots->list = list;
	if (!list || !copy) {
		free(copy);
		fd_close(&fd);
		return;
	}
	list[roots->count++] = (struct known_root){copy, given, fd, version};
}

void known_roots_move(struct known_roots *to, struct known_roots *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct known_root *root = &from->list[i];

		if (known_roots_find(to, root->path))
			continue;
		known_roots_add(to, root->path, root->given, root->fd, root->version);
		root->fd = -1;
	}
	known_roots_free(from);
}

void known_roots_free(struct known_roots *roots)
{
	for (size_t i = 0; i < roots->count; i++) {
		free(roots->list[i].path);
		fd_close(&roots->list[i].fd);
	}
	free(roots->list);
	*roots = (struct known_roots){0};
}

const struct known_root *known_roots_find(const struct known_roots *roots, const char *path)
{
	for (size_t i = 0; roots && i < roots->count; i++) {
		if (strcmp(roots->list[i].path, path) == 0)
			return &roots->list[i];
	}
	return NULL;
}
