/* SPDX-License-Identifier: MIT
 *
 * See multipart.h.
 *
 *     --BOUNDARY CRLF
 *     Content-Type: TYPE CRLF
 *     Content-Range: bytes FIRST-LAST/SIZE CRLF
 *     CRLF
 *     octets CRLF
 *     --BOUNDARY ... octets CRLF
 *     --BOUNDARY-- CRLF */
#include "http/files/multipart.h"

#include "http/files/file.h"
#include "http/message/head.h"
#include "http/message/range.h"
#include "http/files/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define DELIMITER "\r\n--"
#define TYPE      "multipart/byteranges; boundary="

enum {
	BOUNDARY_LENGTH = 32, /* 128 bits: nobody's guess */
	/* Of one part without its type and three numbers, with its delimiter. */
	FIXED_LENGTH = 4 + BOUNDARY_LENGTH + 2 + 16 + 23 + 4,
	LEAD_ROOM = FIXED_LENGTH + FILE_TYPE_MAX + 3 * HEAD_NUMBER_ROOM,
};

_Static_assert(RESPONSE_PARTS_MAX >= RANGE_COUNT_MAX + 1, "ranges, and what ends them");

struct multipart {
	char type[sizeof(TYPE) + BOUNDARY_LENGTH];
	struct response_part parts[RANGE_COUNT_MAX + 1];
	char leads[(RANGE_COUNT_MAX + 1) * LEAD_ROOM];
};

struct multipart *multipart_new(void)
{
	struct multipart *multipart = malloc(sizeof(*multipart));
	uint64_t number[2];

	if (!multipart)
		return NULL;
	/* Early in a machine's life there may be no randomness yet. */
	if (getrandom(number, sizeof(number), GRND_NONBLOCK) < 0) {
		number[0] = (uintptr_t)multipart;
		number[1] = (uint64_t)clock();
	}
	snprintf(multipart->type, sizeof(multipart->type), TYPE "%016llx%016llx", (unsigned long long)number[0],
		 (unsigned long long)number[1]);
	return multipart;
}

void multipart_free(struct multipart *multipart)
{
	free(multipart);
}

struct slice multipart_type(const struct multipart *multipart)
{
	return (struct slice){multipart->type, sizeof(multipart->type) - 1};
}

uint64_t multipart_overhead(const struct file *file)
{
	uint64_t digits = 1;

	for (uint64_t size = file->stamp.size; size >= 10; size /= 10)
		digits++;
	return FIXED_LENGTH + file->type.len + 3 * digits;
}

/* The octets between two ranges, before the first one, or behind the last one (`range` is NULL). */
static struct slice put_lead(struct multipart *multipart, struct head *head, const struct file *file,
			     const struct range *range)
{
	struct slice boundary = multipart_type(multipart);

	boundary.ptr += sizeof(TYPE) - 1;
	boundary.len = BOUNDARY_LENGTH;
	head->start = head->at;
	/* The first delimiter needs no line to end. */
	head_put(head, head->start == multipart->leads ? SLICE("--") : SLICE(DELIMITER));
	head_put(head, boundary);
	if (!range) {
		head_put(head, SLICE("--\r\n"));
		return head_written(head);
	}
	head_put(head, SLICE("\r\n"));
	head_field(head, "Content-Type", file->type);
	head_content_range(head, range->first, range->length, file->stamp.size);
	head_put(head, SLICE("\r\n"));
	return head_written(head);
}

uint64_t multipart_make(struct multipart *multipart, struct response *response, const struct file *file,
			const struct range_set *set)
{
	char *room = multipart->leads;
	struct head head = {room, room, room + sizeof(multipart->leads), false};
	struct response_part *part = multipart->parts;
	uint64_t length = 0;

	for (size_t i = 0; i < set->count; i++, part++) {
		const struct range *range = &set->ranges[i];

		*part = (struct response_part){
			.lead = put_lead(multipart, &head, file, range),
		};
		if (file->fd == -1) {
			part->body = (struct slice){file->body.ptr + range->first, range->length};
		} else {
			part->file_offset = range->first;
			part->file_length = range->length;
		}
		length += part->lead.len + range->length;
	}
	*part = (struct response_part){.lead = put_lead(multipart, &head, file, NULL)};
	response->parts = multipart->parts;
	response->part_count = set->count + 1;
	response->file_fd = file->fd;
	return length + part->lead.len;
}
