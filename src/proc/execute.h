/* SPDX-License-Identifier: MIT
 *
 * Becoming another program image without becoming another process. Master only. */
#ifndef BROOD_PROC_EXECUTE_H
#define BROOD_PROC_EXECUTE_H

#include <stddef.h>

/* Executes the file that `binary` is open on, with our environment and `name`=`value` in it. The
 * descriptors in `fds` outlive it. Returns only when that fails: -errno, everything as it was. */
int process_execute(int binary, char **argv, const char *name, const char *value, const int *fds, size_t count);

/* The same, made ready beforehand, so that it can be done in a signal handler. `binary` and `argv` are
 * borrowed, and so is our environment as it is now. */
struct process_image {
	int binary;
	char **argv, **environment; /* NULL: not ready */
};

/* 0 or -ENOMEM. */
int process_image_prepare(struct process_image *out, int binary, char **argv, const char *name, const char *value)
	__attribute__((warn_unused_result));
void process_image_free(struct process_image *image);

/* Returns only when that fails. */
void process_image_execute(const struct process_image *image);

#endif
