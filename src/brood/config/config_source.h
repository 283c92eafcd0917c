/* SPDX-License-Identifier: MIT
 *
 * The text of a configuration file, with what it includes put in its place, and where each line of
 * it came from.
 *
 *     @include "more.conf"        on a line of its own; relative to the folder of its file
 *
 * libconfig's own @include is not used: its scanner ends the process when a name turns out to be a
 * folder, reads pipes and devices without end, and where a relative name begins depends on the
 * version. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_SOURCE_H
#define BROOD_BROOD_CONFIG_CONFIG_SOURCE_H

#include "base/buffer.h"
#include "brood/system/config_report.h"

#include <stddef.h>

enum {
	CONFIG_SOURCE_MAX = 256 * 1024, /* octets, all files together */
	CONFIG_SOURCE_FILES = 64,
	CONFIG_SOURCE_DEPTH = 8,
};

/* From line `first` of the whole on, until the next span: line `line` and following of `file`. */
struct config_span {
	unsigned first, line;
	const char *file;
};

struct config_source {
	struct buffer text; /* ended by NUL once read */
	char *files[CONFIG_SOURCE_FILES];
	size_t file_count;
	struct config_span spans[2 * CONFIG_SOURCE_FILES];
	size_t span_count;
	unsigned lines; /* in text */
};

/* Reads the file of that absolute name, which must not be empty, and what it includes. 0, or -1: *report tells why. In
 * both cases *out is to be freed. */
int config_source_read(struct config_source *out, const char *file, struct report *report)
	__attribute__((warn_unused_result));

void config_source_free(struct config_source *source);

/* Where a line of the whole (from 1) was written. Valid as long as the source. */
struct origin config_source_origin(const struct config_source *source, unsigned line);

#endif
