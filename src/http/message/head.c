/* SPDX-License-Identifier: MIT
 *
 * See head.h. */
#include "http/message/head.h"

#include "http/message/status.h"

void head_put(struct head *head, struct slice octets)
{
	if (octets.len > (size_t)(head->end - head->at)) {
		head->full = true;
		return;
	}
	if (octets.len > 0)
		memcpy(head->at, octets.ptr, octets.len);
	head->at += octets.len;
}

static void put_u64(struct head *head, uint64_t value)
{
	char digits[HEAD_NUMBER_ROOM], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	head_put(head, (struct slice){at, (size_t)(digits + sizeof(digits) - at)});
}

void head_begin(struct head *head, char *room, size_t size, unsigned status, struct slice date)
{
	*head = (struct head){room, room, room + size, false};
	head_put(head, SLICE("HTTP/1.1 "));
	put_u64(head, status);
	head_put(head, SLICE(" "));
	head_put(head, slice_of(status_find(status)->text));
	head_put(head, SLICE("\r\n"));
	head_field(head, "Date", date);
}

void head_field(struct head *head, const char *name, struct slice value)
{
	head_put(head, slice_of(name));
	head_put(head, SLICE(": "));
	head_put(head, value);
	head_put(head, SLICE("\r\n"));
}

void head_field_u64(struct head *head, const char *name, uint64_t value)
{
	head_put(head, slice_of(name));
	head_put(head, SLICE(": "));
	put_u64(head, value);
	head_put(head, SLICE("\r\n"));
}

void head_content_range(struct head *head, uint64_t first, uint64_t length, uint64_t size)
{
	head_put(head, SLICE("Content-Range: bytes "));
	put_u64(head, first);
	head_put(head, SLICE("-"));
	put_u64(head, first + length - 1);
	head_put(head, SLICE("/"));
	put_u64(head, size);
	head_put(head, SLICE("\r\n"));
}
