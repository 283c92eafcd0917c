/* SPDX-License-Identifier: MIT
 *
 * A growable run of octets: malloc with room that doubles, and a NUL kept behind the last octet. */
#include "base/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 64 };

int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t need, size;
	char *data;

	if (more >= SIZE_MAX / 2 - buffer->used)
		return -ENOMEM;
	need = buffer->used + more;
	if (buffer->data && need <= buffer->room)
		return 0;
	size = buffer->data ? buffer->room + 1 : SIZE_MIN;
	while (size <= need) /* the NUL has its place beyond */
		size *= 2;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->room = size - 1;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	int rc = buffer_reserve(buffer, size);

	if (rc < 0)
		return rc;
	if (size > 0)
		memcpy(buffer->data + buffer->used, data, size);
	buffer->used += size;
	buffer->data[buffer->used] = '\0';
	return 0;
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length, rc;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -ENOMEM;
	rc = buffer_reserve(buffer, (size_t)length);
	if (rc < 0)
		return rc;
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->used, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->used += (size_t)length;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	if (size >= buffer->used) {
		buffer_free(buffer);
		return;
	}
	buffer->used -= size;
	memmove(buffer->data, buffer->data + size, buffer->used);
	buffer->data[buffer->used] = '\0';
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
