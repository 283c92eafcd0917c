/* SPDX-License-Identifier: MIT
 *
 * What the tests of options and configuration share: a folder of their own with files in it, and a
 * load of a configuration from given sources. Failures end the test. */
#ifndef BROOD_UNIT_BROOD_FIXTURE_H
#define BROOD_UNIT_BROOD_FIXTURE_H

#include "base/buffer.h"
#include "brood/config/configuration.h"
#include "brood/config/options.h"

#include <stddef.h>

enum { FIXTURE_FOLDER_MAX = 32, FIXTURE_PATH_MAX = 256 };

struct fixture {
	char folder[FIXTURE_FOLDER_MAX]; /* readable for everybody, with an empty "www" in it */
	char path[FIXTURE_PATH_MAX];     /* of the file written last */
	struct buffer reason;            /* of the load before */
	struct config *config;           /* what it made, or NULL */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Writes a file in the folder (of 0644) and puts its absolute name into fixture->path. */
void fixture_write(struct fixture *fixture, const char *name, const char *text);

/* Loads a configuration with the fixture's folder as the one at start: from `file` (a name in the
 * folder, or NULL) and then `options`, of which only the values as typed need be filled in. */
int fixture_load(struct fixture *fixture, const char *file, struct options options);

/* The reason of the last load, which must have failed, has this line (without its newline), where
 * "$" stands for the folder. */
void fixture_assert_line(const struct fixture *fixture, const char *line);

/* And it has so many lines. */
void fixture_assert_lines(const struct fixture *fixture, size_t count);

/* The whole of a file; malloc'd, ended by NUL. */
char *fixture_read(const char *path);

/* A file of the source tree. */
char *fixture_read_source(const char *name);

#endif
