/* SPDX-License-Identifier: MIT
 *
 * See file_make.h. */
#include "http/files/file_make.h"

#include "http/message/date.h"
#include "http/message/etag.h"
#include "http/site/header_rules.h"
#include "http/site/cache_control.h"
#include "http/message/head.h"
#include "http/files/response.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_ROOM = 1024 + HEADER_LINES_MAX + 1024 /* the location's fields, its Cache-Control */ };

/* Where the parts of a head are, as offsets until it has found its place. */
struct layout {
	size_t date, type, last_modified, etag, etag_length, length;
};

/* Writes the value of a field and returns where it is. */
static size_t put_value(struct head *head, const char *name, struct slice value)
{
	head_field(head, name, value);
	return (size_t)(head->at - head->start) - 2 - value.len;
}

static void put_tag(struct head *head, const struct file_facts *facts, struct layout *layout)
{
	const uint64_t later = 0;
	char text[ETAG_ROOM];

	layout->etag_length = etag_format(text, facts->stamp.size, &facts->stamp.mtime, facts->distinct ? &later : NULL,
					  facts->coding);
	layout->etag = put_value(head, "ETag", (struct slice){text, layout->etag_length});
}

static bool write_head(struct head *head, const struct file_facts *facts, const struct file *file,
		       const struct response_builder *builder, struct layout *layout)
{
	char modified[DATE_LENGTH];
	int64_t second;
	struct slice date = response_date(builder, &second);

	head_begin(head, head->start, (size_t)(head->end - head->start), 200, date);
	layout->date = (size_t)(head->at - head->start) - 2 - DATE_LENGTH;
	response_put_common(builder, facts->location, head);
	layout->type = put_value(head, "Content-Type", facts->type);
	if (facts->coding != CODING_IDENTITY)
		head_field(head, "Content-Encoding", coding_name(facts->coding));
	head_field_u64(head, "Content-Length", facts->stamp.size);
	date_format(modified, file->last_modified);
	layout->last_modified = put_value(head, "Last-Modified", (struct slice){modified, DATE_LENGTH});
	put_tag(head, facts, layout);
	head_field(head, "Accept-Ranges", SLICE("bytes"));
	if (facts->varies)
		head_field(head, "Vary", SLICE("Accept-Encoding"));
	head_put(head, file->cache_control);
	layout->length = head_written(head).len;
	return !head->full;
}

/* Puts everything into one allocation: struct, head, CRLF, body_size octets to be filled. */
static struct file *assemble(const struct file *filled, const struct file_facts *facts, const char *head,
			     const struct layout *layout)
{
	size_t body_size = facts->in_memory ? (size_t)facts->stamp.size : 0;
	size_t size = sizeof(struct file) + layout->length + 2 + body_size;
	struct file *file = malloc(size);
	char *at;

	if (!file)
		return NULL;
	*file = *filled;
	file->allocated = size;
	at = (char *)(file + 1);
	memcpy(at, head, layout->length);
	file->head = (struct slice){at, layout->length};
	file->date_text = at + layout->date;
	file->last_modified_text = at + layout->last_modified;
	file->type = (struct slice){at + layout->type, facts->type.len};
	file->etag = (struct slice){at + layout->etag, layout->etag_length};
	at += layout->length;
	memcpy(at, "\r\n", 2);
	file->body = (struct slice){at + 2, body_size};
	return file;
}

int file_make(const struct file_facts *facts, const struct response_builder *builder, struct file **out)
{
	struct file filled = {
		.references = 1,
		.fd = -1,
		.stamp = facts->stamp,
		.settled = facts->settled,
		.coding = facts->coding,
		.varies = facts->varies,
		.cache_control = location_cache_control(facts->location, facts->name),
	};
	char room[HEAD_ROOM];
	struct head head = {room, room, room + sizeof(room), false};
	struct layout layout;

	response_date(builder, &filled.date_second);
	filled.last_modified = file_last_modified(&filled, filled.date_second);
	if (!write_head(&head, facts, &filled, builder, &layout))
		return -EOVERFLOW;
	*out = assemble(&filled, facts, room, &layout);
	return *out ? 0 : -ENOMEM;
}

void file_make_distinct(struct file *file, uint64_t number)
{
	char text[ETAG_ROOM];
	size_t length = etag_format(text, file->stamp.size, &file->stamp.mtime, &number, file->coding);

	memcpy((char *)file->etag.ptr, text, length);
}

/* FNV-1a. */
uint64_t file_make_digest(struct slice octets)
{
	uint64_t value = 0xcbf29ce484222325u;

	for (size_t i = 0; i < octets.len; i++)
		value = (value ^ (unsigned char)octets.ptr[i]) * 0x100000001b3u;
	return value;
}

struct file *file_of_octets(struct slice octets, struct slice type)
{
	struct file *file = calloc(1, sizeof(*file) + ETAG_ROOM + octets.len);
	char *tag, *body;

	if (!file)
		return NULL;
	tag = (char *)(file + 1);
	body = tag + ETAG_ROOM;
	memcpy(body, octets.ptr, octets.len);
	file->references = 1;
	file->fd = -1;
	file->type = type;
	file->body = (struct slice){body, octets.len};
	file->coding = CODING_IDENTITY;
	file->stamp.size = octets.len;
	file->etag.ptr = tag;
	file->etag.len =
		(size_t)snprintf(tag, ETAG_ROOM, "\"%zx-%016" PRIx64 "\"", octets.len, file_make_digest(octets));
	return file;
}
