/* SPDX-License-Identifier: MIT
 *
 * A growable run of octets with one owner. An all-zero struct is an empty buffer, which holds no
 * memory. Append and printf keep a NUL behind the last octet, which is not counted. Not for the hot
 * path. */
#ifndef BROOD_BASE_BUFFER_H
#define BROOD_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t used; /* octets that are in it */
	size_t room; /* octets that fit before it must grow */
};

/* Each returns 0, or -ENOMEM and leaves the buffer as it was. */
int buffer_reserve(struct buffer *buffer, size_t more) __attribute__((warn_unused_result));
int buffer_append(struct buffer *buffer, const void *data, size_t size) __attribute__((warn_unused_result));
int buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Drops the first `size` octets; dropping all gives the memory back. */
void buffer_consume(struct buffer *buffer, size_t size);

/* Gives the memory back; the buffer is empty and usable again. */
void buffer_free(struct buffer *buffer);

#endif
