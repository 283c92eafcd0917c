/* SPDX-License-Identifier: MIT
 *
 * The head of a response while it is being written into room of a fixed size. What does not fit is
 * remembered, not written, so that it is checked once at the end. */
#ifndef BROOD_HTTP_MESSAGE_HEAD_H
#define BROOD_HTTP_MESSAGE_HEAD_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEAD_NUMBER_ROOM = 20 }; /* digits of the largest 64-bit number */

struct head {
	char *start, *at, *end;
	bool full; /* something did not fit */
};

/* Starts with the status line and Date. */
void head_begin(struct head *head, char *room, size_t size, unsigned status, struct slice date);

void head_put(struct head *head, struct slice octets);

/* "Name: value" and CRLF. */
void head_field(struct head *head, const char *name, struct slice value);
void head_field_u64(struct head *head, const char *name, uint64_t value);

/* Content-Range: `length` octets, which is not 0, of `size` from `first` on. */
void head_content_range(struct head *head, uint64_t first, uint64_t length, uint64_t size);

static inline struct slice head_written(const struct head *head)
{
	return (struct slice){head->start, (size_t)(head->at - head->start)};
}

#endif
