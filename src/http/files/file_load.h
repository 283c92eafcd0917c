/* SPDX-License-Identifier: MIT
 *
 * Loading of files from disk, one coding at a time. */
#ifndef BROOD_HTTP_FILES_FILE_LOAD_H
#define BROOD_HTTP_FILES_FILE_LOAD_H

#include "http/files/file_make.h"

#include <time.h>

struct mime_table;

/* How files are loaded. */
struct file_source {
	const struct mime_table *mime;
	const struct response_builder *builder; /* of dates, and of what all heads have */
	size_t body_max;                        /* larger files are kept open instead of read */
};

/* A file that has been opened. */
struct file_opened {
	int fd;
	struct file_stamp stamp;
	struct timespec now; /* from before the stamp was read, by the clock that stamps */
};

/* Opens what has that name in a location. 0 or -errno. -EISDIR: a directory; -EACCES: also what is not a regular
 * file. */
int file_load_open(const struct http_location *location, const char *name, struct file_opened *out)
	__attribute__((warn_unused_result));

/* Loads a file that has been opened, and closes that; one reference is the caller's. *facts has what does not follow
 * from *opened. 0 or -errno; -ESTALE: the file keeps changing. */
int file_load(const struct file_source *source, struct file_opened *opened, struct file_facts *facts, struct file **out)
	__attribute__((warn_unused_result));

#endif
