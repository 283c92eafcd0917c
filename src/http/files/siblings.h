/* SPDX-License-Identifier: MIT
 *
 * Files that hold another one in a content coding and lie beside it: "x.css.br" and "x.css". */
#ifndef BROOD_HTTP_FILES_SIBLINGS_H
#define BROOD_HTTP_FILES_SIBLINGS_H

#include "http/message/coding.h"
#include "http/files/stamp.h"

#include <limits.h>
#include <stdbool.h>

struct http_location;

/* What is there under the names of siblings. */
struct siblings {
	struct file_stamp seen[CODING_IDENTITY]; /* all zero: nothing */
	unsigned regular;                        /* bits 1u << coding: it is a regular file */
};

/* 0, or -errno when it cannot be told now because something has run out; then *out has none. */
int siblings_look(const struct http_location *location, const char *name, struct siblings *out)
	__attribute__((warn_unused_result));

/* Those that stand for a file with this stamp, as bits: not the ones that are older than it. */
unsigned siblings_usable(const struct siblings *siblings, const struct file_stamp *source);

bool siblings_equal(const struct siblings *a, const struct siblings *b);

/* False: too long for a name. */
bool sibling_name(const char *name, enum coding coding, char out[PATH_MAX]) __attribute__((warn_unused_result));

#endif
