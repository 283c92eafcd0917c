/* SPDX-License-Identifier: MIT
 *
 * For tests: a directory to serve that is thrown away. A call that fails ends the test program. */
#ifndef BROOD_UNIT_HTTP_ROOT_H
#define BROOD_UNIT_HTTP_ROOT_H

#include "http/site/site.h"

#include <stddef.h>
#include <time.h>

struct root {
	char path[64];
	int fd;
	struct http_site site; /* of the directory, with one location, its own */
	struct http_location location;
};

void root_make(struct root *root);
void root_remove(struct root *root);

void root_directory(const struct root *root, const char *name);

/* Writes over what is there, in place. The file's time is `seconds` and a half: long ago, so that
 * it is settled at once. */
void root_write(const struct root *root, const char *name, const char *octets, time_t seconds);

/* A file of `size` octets, each the low octet of its place. */
void root_write_large(const struct root *root, const char *name, size_t size, time_t seconds);

/* Writes a new file and renames it over the old one. */
void root_replace(const struct root *root, const char *name, const char *octets, time_t seconds);

void root_set_time(const struct root *root, const char *name, time_t seconds, long nanoseconds);
void root_link(const struct root *root, const char *name, const char *target);
void root_delete(const struct root *root, const char *name);

#endif
