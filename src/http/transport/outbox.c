/* SPDX-License-Identifier: MIT
 *
 * Writing responses: as much as there is in memory in one go, then files. */
#include "http/transport/outbox.h"

#include "http/client/record.h"
#include "http/transport/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outbox *outbox_new(void)
{
	size_t items = OUTBOX_ITEMS_ROOM * sizeof(struct outbox_item);
	struct outbox *outbox = malloc(sizeof(*outbox) + items + OUTBOX_COPIES_MAX);

	if (!outbox)
		return NULL;
	*outbox = (struct outbox){.copies = (char *)outbox + sizeof(*outbox) + items};
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	free(outbox);
}

void outbox_reset(struct outbox *outbox)
{
	outbox->first = outbox->taken = outbox->count = outbox->pinned = 0;
	outbox->copies_used = outbox->staged = 0;
}

static size_t passing_size(const struct outbox_item *item)
{
	return (item->keep_head ? 0 : item->parts[PART_HEAD].len) + (item->keep_body ? 0 : item->parts[PART_BODY].len) +
	       item->parts[PART_FIELDS].len;
}

static void copy_part(struct outbox *outbox, struct slice *part)
{
	char *copy = outbox->copies + outbox->copies_used;

	if (part->len > 0)
		memcpy(copy, part->ptr, part->len);
	part->ptr = copy;
	outbox->copies_used += part->len;
}

/* Copies what the item refers to but does not hold. There must be room. */
static void pin(struct outbox *outbox, struct outbox_item *item)
{
	if (!item->keep_head)
		copy_part(outbox, &item->parts[PART_HEAD]);
	if (!item->keep_body)
		copy_part(outbox, &item->parts[PART_BODY]);
	if (item->parts[PART_FIELDS].len > 0)
		copy_part(outbox, &item->parts[PART_FIELDS]);
}

bool outbox_ready(struct outbox *outbox)
{
	for (; outbox->pinned < outbox->count; outbox->pinned++) {
		struct outbox_item *item = &outbox->items[outbox->pinned];

		if (passing_size(item) > OUTBOX_COPIES_MAX - outbox->copies_used)
			return false;
		pin(outbox, item);
	}
	return outbox->count < OUTBOX_ITEMS_MAX && outbox->staged < OUTBOX_STAGED_MAX;
}

static bool has_body(unsigned status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* Items for the pieces of a body behind the one with its head. */
static struct outbox_item *add_parts(struct outbox *outbox, const struct response *response, struct outbox_item *item)
{
	for (size_t i = 0; i < response->part_count; i++) {
		const struct response_part *part = &response->parts[i];

		item->continued = true;
		item->file = NULL;
		item = &outbox->items[outbox->count++];
		*item = (struct outbox_item){
			.parts = {[PART_HEAD] = part->lead, [PART_BODY] = part->body},
			.keep_body = true,
			.file_fd = response->file_fd,
			.file_offset = part->file_offset,
			.file_left = part->file_length,
			.file = response->file,
		};
		outbox->staged += part->lead.len + part->body.len;
	}
	return item;
}

struct outbox_item *outbox_add(struct outbox *outbox, const struct response *response, struct slice end, bool body)
{
	struct outbox_item *item = &outbox->items[outbox->count++];
	bool in_memory = response->file_fd < 0;
	bool plain = end.len == 2 && response->fields.len == 0;

	if (!has_body(response->status))
		body = false;
	*item = (struct outbox_item){
		.parts = {response->head, response->fields, end, response->body},
		.keep_head = response->file && response->contiguous,
		.keep_body = response->file != NULL,
		.file_fd = -1,
		.file = response->file,
		.head_size = response->head.len + response->fields.len + end.len,
	};
	if (response->contiguous && plain) {
		/* Head, empty line and body lie in one piece. */
		item->parts[PART_HEAD].len += 2 + (body ? response->body.len : 0);
		item->parts[PART_END].len = item->parts[PART_BODY].len = 0;
	} else if (!in_memory || !body) {
		item->parts[PART_BODY].len = 0;
	}
	if (!in_memory && body) {
		item->file_fd = response->file_fd;
		item->file_offset = response->file_offset;
		item->file_left = response->file_length;
	}
	outbox->staged += item->parts[PART_HEAD].len + response->fields.len + end.len + item->parts[PART_BODY].len;
	return response->part_count > 0 && body ? add_parts(outbox, response, item) : item;
}

static bool memory_left(const struct outbox_item *item)
{
	return (item->parts[PART_HEAD].len | item->parts[PART_FIELDS].len | item->parts[PART_END].len |
		item->parts[PART_BODY].len) != 0;
}

/* Gathers memory from the first item on, up to where a file has to go in between. */
static unsigned gather(const struct outbox *outbox, struct iovec *iovecs, size_t *size, bool *more)
{
	unsigned count = 0;

	*size = 0;
	*more = false;
	for (unsigned i = outbox->first; i < outbox->count && !*more; i++) {
		const struct outbox_item *item = &outbox->items[i];

		if (count + PART_COUNT > OUTBOX_IOVECS_MAX) {
			*more = true;
			break;
		}
		for (unsigned part = 0; part < PART_COUNT; part++) {
			if (item->parts[part].len == 0)
				continue;
			iovecs[count].iov_base = (char *)item->parts[part].ptr;
			iovecs[count].iov_len = item->parts[part].len;
			*size += iovecs[count++].iov_len;
		}
		*more = item->file_left > 0;
	}
	return count;
}

/* Takes `size` written octets off the memory of the items they were gathered from. */
static void consume_memory(struct outbox *outbox, size_t size)
{
	while (size > 0) {
		struct outbox_item *item = &outbox->items[outbox->first];

		for (unsigned part = 0; part < PART_COUNT && size > 0; part++) {
			struct slice *slice = &item->parts[part];
			size_t step = slice->len < size ? slice->len : size;

			if (step == 0)
				continue;
			slice->ptr += step;
			slice->len -= step;
			item->written += step;
			size -= step;
		}
		if (memory_left(item) || item->file_left > 0)
			return;
		outbox->first++;
	}
}

static enum outbox_result of_error(ssize_t error)
{
	return error == -EAGAIN ? OUTBOX_BLOCKED : OUTBOX_BROKEN;
}

/* OUTBOX_EMPTY: all that was gathered is written. */
static enum outbox_result write_memory(struct outbox *outbox, struct stream *stream, size_t *budget)
{
	struct iovec iovecs[OUTBOX_IOVECS_MAX];
	size_t size;
	bool more;
	unsigned count = gather(outbox, iovecs, &size, &more);
	ssize_t sent = stream_send(stream, iovecs, count, more);

	if (sent < 0)
		return of_error(sent);
	consume_memory(outbox, (size_t)sent);
	outbox->written += (size_t)sent;
	*budget -= (size_t)sent < *budget ? (size_t)sent : *budget;
	return (size_t)sent == size ? OUTBOX_EMPTY : OUTBOX_BLOCKED;
}

static enum outbox_result write_file(struct outbox *outbox, struct stream *stream, size_t *budget)
{
	struct outbox_item *item = &outbox->items[outbox->first];
	size_t size = item->file_left < *budget ? (size_t)item->file_left : *budget;
	ssize_t sent = stream_send_file(stream, item->file_fd, item->file_offset, size);

	if (sent < 0)
		return of_error(sent);
	/* The file has become shorter. The length is promised already, so the connection must end.
	 * */
	if (sent == 0)
		return OUTBOX_BROKEN;
	item->file_offset += (uint64_t)sent;
	item->file_left -= (uint64_t)sent;
	item->written += (uint64_t)sent;
	outbox->written += (uint64_t)sent;
	*budget -= (size_t)sent;
	if (item->file_left == 0)
		outbox->first++;
	return (size_t)sent == size ? OUTBOX_EMPTY : OUTBOX_BLOCKED;
}

enum outbox_result outbox_write(struct outbox *outbox, struct stream *stream)
{
	size_t budget = stream->io->turn;
	enum outbox_result result = OUTBOX_EMPTY;

	while (result == OUTBOX_EMPTY && outbox->first < outbox->count) {
		if (budget == 0)
			return OUTBOX_YIELDED;
		if (memory_left(&outbox->items[outbox->first]))
			result = write_memory(outbox, stream, &budget);
		else
			result = write_file(outbox, stream, &budget);
	}
	return result;
}

static struct outbox_item *take_before(struct outbox *outbox, unsigned end)
{
	while (outbox->taken < end) {
		struct outbox_item *item = &outbox->items[outbox->taken++];

		if (!item->continued)
			return item;
		item[1].head_size += item->head_size;
		item[1].written += item->written;
	}
	return NULL;
}

struct outbox_item *outbox_take_written(struct outbox *outbox)
{
	return take_before(outbox, outbox->first);
}

struct outbox_item *outbox_take(struct outbox *outbox)
{
	return take_before(outbox, outbox->count);
}

struct outbox *outbox_detach(struct outbox *staging)
{
	unsigned count = staging->count - staging->first;
	size_t copies = 0;

	for (unsigned i = 0; i < count; i++)
		copies += passing_size(&staging->items[staging->first + i]);

	struct outbox *own = malloc(sizeof(*own) + count * sizeof(own->items[0]) + copies);

	if (!own)
		return NULL;
	*own = (struct outbox){.count = count, .pinned = count};
	own->copies = (char *)&own->items[count];
	memcpy(own->items, &staging->items[staging->first], count * sizeof(own->items[0]));
	for (unsigned i = 0; i < count; i++) {
		struct outbox_item *item = &own->items[i];

		pin(own, item);
		if (item->record)
			item->record = record_copy(item->record);
	}
	staging->count = staging->first;
	return own;
}

struct record *outbox_record_begun(const struct outbox *outbox)
{
	const struct outbox_item *item = &outbox->items[outbox->first];

	if (outbox->first == outbox->count || item->written == 0)
		return NULL;
	while (item->continued)
		item++;
	return item->record;
}

uint64_t outbox_item_body_sent(const struct outbox_item *item)
{
	return item->written > item->head_size ? item->written - item->head_size : 0;
}
