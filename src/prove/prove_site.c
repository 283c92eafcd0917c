/* SPDX-License-Identifier: MIT
 *
 * The private server's files (prove_site.h). */
#include "prove/prove_site.h"

#include "base/fd.h"
#include "base/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *target;
	size_t size;
} files[SITE_FILES] = {
	[SITE_SMALL] = {"/1k.bin", 1024},
	[SITE_MIDDLE] = {"/64k.bin", 65536},
	[SITE_LARGE] = {"/1m.bin", 1048576},
};

/* Each file begins elsewhere in the noise, so none is the beginning of another. */
enum { SHIFT = 4096, NOISE_SIZE = 1048576 + SITE_FILES * SHIFT };

/* No octet follows from its neighbours by any rule that an error would keep to: what is shifted,
 * repeated or left out is noticed. */
static char *make_noise(void)
{
	uint64_t state = 88172645463325252u;
	char *noise = malloc(NOISE_SIZE);

	for (size_t i = 0; noise && i < NOISE_SIZE; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		noise[i] = (char)(state >> 32);
	}
	return noise;
}

static int write_file(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int error = 0;

	if (fd < 0)
		return -errno;
	while (size > 0 && error == 0) {
		ssize_t wrote = write(fd, data, size);

		if (wrote < 0 && errno != EINTR)
			error = -errno;
		if (wrote > 0)
			data += wrote, size -= (size_t)wrote;
	}
	if (error == 0 && fchmod(fd, 0644) < 0) /* whatever the umask is */
		error = -errno;
	fd_close(&fd);
	return error;
}

/* Nobody else can put something in the place of what is made in this folder. */
static bool is_safe(const char *folder)
{
	char path[SITE_PATH_MAX + 8], reason[TRUSTED_REASON_MAX];
	struct trusted_path found;
	bool safe;

	snprintf(path, sizeof(path), "%s/new", folder);
	safe = trusted_path_find(&found, path, TRUSTED_NO_FOLLOW, reason, sizeof(reason)) == 0 && found.steady;
	trusted_path_close(&found);
	return safe;
}

static int make_folders(struct site *site)
{
	const char *parent = getenv("TMPDIR");
	char folder[SITE_PATH_MAX];

	if (!parent || parent[0] != '/' || strlen(parent) > SITE_PATH_MAX - 32 || !is_safe(parent))
		parent = "/tmp";
	snprintf(folder, sizeof(folder), "%s/brood-prove-XXXXXX", parent);
	if (!mkdtemp(folder))
		return -errno;
	memcpy(site->folder, folder, sizeof(folder));
	snprintf(site->root, sizeof(site->root), "%s/root", folder);
	snprintf(site->config, sizeof(site->config), "%s/brood.conf", folder);
	if (mkdir(site->root, 0755) < 0 || chmod(site->root, 0755) < 0 || chmod(folder, 0755) < 0)
		return -errno;
	return 0;
}

static void file_path(const struct site *site, size_t index, char *out, size_t room)
{
	snprintf(out, room, "%s%s", site->root, files[index].target);
}

int site_make(struct site *site)
{
	char path[SITE_PATH_MAX + 64];
	int error;

	memset(site, 0, sizeof(*site));
	site->noise = make_noise();
	error = site->noise ? make_folders(site) : -ENOMEM;
	for (size_t i = 0; error == 0 && i < SITE_FILES; i++) {
		site->file[i].target = files[i].target;
		site->file[i].size = files[i].size;
		site->file[i].content = site->noise + i * SHIFT;
		file_path(site, i, path, sizeof(path));
		error = write_file(path, site->file[i].content, site->file[i].size);
	}
	return error;
}

int site_configure(const struct site *site, unsigned edition, unsigned drain_delay_ms)
{
	char text[256];

	/* Idle connections are to last for the whole experiment; the other setting is the one that
	 * differs. */
	snprintf(text, sizeof(text),
		 "keepalive_timeout = \"1h\";\naccess_log = \"off\";\nbody_timeout = \"%us\";\n"
		 "drain_delay = \"%ums\";\n",
		 30 + edition % 30, drain_delay_ms);
	return write_file(site->config, text, strlen(text));
}

void site_remove(struct site *site)
{
	char path[SITE_PATH_MAX + 64];

	free(site->noise);
	site->noise = NULL;
	if (site->folder[0] == '\0')
		return;
	for (size_t i = 0; i < SITE_FILES; i++) {
		file_path(site, i, path, sizeof(path));
		unlink(path);
	}
	unlink(site->config);
	rmdir(site->root);
	rmdir(site->folder);
	site->folder[0] = '\0';
}
