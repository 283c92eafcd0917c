/* SPDX-License-Identifier: MIT
 *
 * Writing to where logs go (a file, a pipe, a socket, a terminal) without ever waiting for a
 * reader. Such descriptors are often inherited and blocking, and are left so: O_NONBLOCK belongs to
 * the open file, and would change it for whoever else shares it. */
#ifndef BROOD_BASE_OUTPUT_H
#define BROOD_BASE_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Up to this size a pipe, too, takes a write in one piece, unmixed with what others write. */
enum { OUTPUT_WHOLE_MAX = PIPE_BUF };

enum output_kind { OUTPUT_FILE, OUTPUT_PIPE, OUTPUT_SOCKET, OUTPUT_TERMINAL };

/* The descriptor stays its owner's. */
struct output {
	int fd;
	enum output_kind kind;
};

/* Finds out what `fd` is; whatever is not known is treated as a file. */
struct output output_to(int fd);

/* One attempt. The octets that were taken, or -errno: -EAGAIN when it would have to wait. At most
 * OUTPUT_WHOLE_MAX octets unless it is a file. */
ssize_t output_write(const struct output *output, const void *data, size_t size) __attribute__((warn_unused_result));

#endif
