/* SPDX-License-Identifier: MIT
 *
 * JSON objects as lines (control_line.h). */
#include "control/control_line.h"

#include "control/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int control_refuse(char *reason, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, CONTROL_REASON_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int control_line_append(struct buffer *out, json_t *root, size_t most)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	int error = -ENOMEM;
	size_t size;

	json_decref(root);
	if (!text)
		return error;
	size = strlen(text);
	text[size++] = '\n'; /* in the place of the NUL: one append, all or nothing */
	error = size > most ? -EMSGSIZE : buffer_append(out, text, size);
	free(text);
	return error;
}

int control_line_parse(const char *line, size_t size, size_t most, json_t **root, char *reason)
{
	json_error_t error;

	*root = NULL;
	if (size > most)
		return control_refuse(reason, "longer than %zu octets", most);
	/* jansson bounds the depth of nesting by itself (2048 levels). */
	*root = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (!*root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!*root)
		return control_refuse(reason, "not JSON: %s", error.text);
	if (json_is_object(*root))
		return 0;
	json_decref(*root);
	*root = NULL;
	return control_refuse(reason, "not a JSON object");
}
