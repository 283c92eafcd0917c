/* SPDX-License-Identifier: MIT
 *
 * One JSON object as one line of text, and back: what requests and answers have in common. For this
 * folder's files only. */
#ifndef BROOD_CONTROL_CONTROL_LINE_H
#define BROOD_CONTROL_CONTROL_LINE_H

#include "base/buffer.h"

#include <jansson.h>
#include <stddef.h>

/* Appends `root` (taken; NULL is -ENOMEM) and a newline. 0, -ENOMEM, or -EMSGSIZE for more than `most`
 * octets. */
int control_line_append(struct buffer *out, json_t *root, size_t most) __attribute__((warn_unused_result));

/* Parses an object. 0, -EINVAL with a reason, or -ENOMEM. *root is the caller's to free. */
int control_line_parse(const char *line, size_t size, size_t most, json_t **root, char *reason)
	__attribute__((warn_unused_result));

/* Writes a reason (of CONTROL_REASON_MAX octets) and returns -EINVAL. */
int control_refuse(char *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
