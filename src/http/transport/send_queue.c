/* SPDX-License-Identifier: MIT
 *
 * Writing responses: as much as there is in memory in one go, then files. */
#include "http/transport/send_queue.h"

#include "http/client/access_entry.h"
#include "http/transport/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct send_queue *send_queue_new(void)
{
	size_t items = SEND_QUEUE_ITEMS_ROOM * sizeof(struct send_queue_item);
	struct send_queue *queue = malloc(sizeof(*queue) + items + SEND_QUEUE_COPIES_MAX);

	if (!queue)
		return NULL;
	*queue = (struct send_queue){.copies = (char *)queue + sizeof(*queue) + items};
	return queue;
}

void send_queue_free(struct send_queue *queue)
{
	free(queue);
}

void send_queue_reset(struct send_queue *queue)
{
	queue->first = queue->taken = queue->count = queue->pinned = 0;
	queue->copies_used = queue->staged = 0;
}

static size_t passing_size(const struct send_queue_item *item)
{
	return (item->keep_head ? 0 : item->parts[PART_HEAD].len) + (item->keep_body ? 0 : item->parts[PART_BODY].len) +
	       item->parts[PART_FIELDS].len;
}

static void copy_part(struct send_queue *queue, struct slice *part)
{
	char *copy = queue->copies + queue->copies_used;

	if (part->len > 0)
		memcpy(copy, part->ptr, part->len);
	part->ptr = copy;
	queue->copies_used += part->len;
}

/* Copies what the item refers to but does not hold. There must be room. */
static void pin(struct send_queue *queue, struct send_queue_item *item)
{
	if (!item->keep_head)
		copy_part(queue, &item->parts[PART_HEAD]);
	if (!item->keep_body)
		copy_part(queue, &item->parts[PART_BODY]);
	if (item->parts[PART_FIELDS].len > 0)
		copy_part(queue, &item->parts[PART_FIELDS]);
}

bool send_queue_ready(struct send_queue *queue)
{
	for (; queue->pinned < queue->count; queue->pinned++) {
		struct send_queue_item *item = &queue->items[queue->pinned];

		if (passing_size(item) > SEND_QUEUE_COPIES_MAX - queue->copies_used)
			return false;
		pin(queue, item);
	}
	return queue->count < SEND_QUEUE_ITEMS_MAX && queue->staged < SEND_QUEUE_STAGED_MAX;
}

static bool has_body(unsigned status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* Items for the pieces of a body behind the one with its head. */
static struct send_queue_item *add_parts(struct send_queue *queue, const struct response *response,
					 struct send_queue_item *item)
{
	for (size_t i = 0; i < response->part_count; i++) {
		const struct response_part *part = &response->parts[i];

		item->continued = true;
		item->file = NULL;
		item = &queue->items[queue->count++];
		*item = (struct send_queue_item){
			.parts = {[PART_HEAD] = part->lead, [PART_BODY] = part->body},
			.keep_body = true,
			.file_fd = response->file_fd,
			.file_offset = part->file_offset,
			.file_left = part->file_length,
			.file = response->file,
		};
		queue->staged += part->lead.len + part->body.len;
	}
	return item;
}

struct send_queue_item *send_queue_add(struct send_queue *queue, const struct response *response, struct slice end,
				       bool body)
{
	struct send_queue_item *item = &queue->items[queue->count++];
	bool in_memory = response->file_fd < 0;
	bool plain = end.len == 2 && response->fields.len == 0;

	if (!has_body(response->status))
		body = false;
	*item = (struct send_queue_item){
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
	queue->staged += item->parts[PART_HEAD].len + response->fields.len + end.len + item->parts[PART_BODY].len;
	return response->part_count > 0 && body ? add_parts(queue, response, item) : item;
}

static bool memory_left(const struct send_queue_item *item)
{
	return (item->parts[PART_HEAD].len | item->parts[PART_FIELDS].len | item->parts[PART_END].len |
		item->parts[PART_BODY].len) != 0;
}

/* Gathers memory from the first item on, up to where a file has to go in between. */
static unsigned gather(const struct send_queue *queue, struct iovec *iovecs, size_t *size, bool *more)
{
	unsigned count = 0;

	*size = 0;
	*more = false;
	for (unsigned i = queue->first; i < queue->count && !*more; i++) {
		const struct send_queue_item *item = &queue->items[i];

		if (count + PART_COUNT > SEND_QUEUE_IOVECS_MAX) {
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
static void consume_memory(struct send_queue *queue, size_t size)
{
	while (size > 0) {
		struct send_queue_item *item = &queue->items[queue->first];

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
		queue->first++;
	}
}

static enum send_queue_result of_error(ssize_t error)
{
	return error == -EAGAIN ? SEND_QUEUE_BLOCKED : SEND_QUEUE_BROKEN;
}

/* SEND_QUEUE_EMPTY: all that was gathered is written. */
static enum send_queue_result write_memory(struct send_queue *queue, struct stream *stream, size_t *budget)
{
	struct iovec iovecs[SEND_QUEUE_IOVECS_MAX];
	size_t size;
	bool more;
	unsigned count = gather(queue, iovecs, &size, &more);
	ssize_t sent = stream_send(stream, iovecs, count, more);

	if (sent < 0)
		return of_error(sent);
	consume_memory(queue, (size_t)sent);
	queue->written += (size_t)sent;
	*budget -= (size_t)sent < *budget ? (size_t)sent : *budget;
	return (size_t)sent == size ? SEND_QUEUE_EMPTY : SEND_QUEUE_BLOCKED;
}

static enum send_queue_result write_file(struct send_queue *queue, struct stream *stream, size_t *budget)
{
	struct send_queue_item *item = &queue->items[queue->first];
	size_t size = item->file_left < *budget ? (size_t)item->file_left : *budget;
	ssize_t sent = stream_send_file(stream, item->file_fd, item->file_offset, size);

	if (sent < 0)
		return of_error(sent);
	/* The file has become shorter. The length is promised already, so the connection must end.
	 * */
	if (sent == 0)
		return SEND_QUEUE_BROKEN;
	item->file_offset += (uint64_t)sent;
	item->file_left -= (uint64_t)sent;
	item->written += (uint64_t)sent;
	queue->written += (uint64_t)sent;
	*budget -= (size_t)sent;
	if (item->file_left == 0)
		queue->first++;
	return (size_t)sent == size ? SEND_QUEUE_EMPTY : SEND_QUEUE_BLOCKED;
}

enum send_queue_result send_queue_write(struct send_queue *queue, struct stream *stream)
{
	size_t budget = stream->io->turn;
	enum send_queue_result result = SEND_QUEUE_EMPTY;

	while (result == SEND_QUEUE_EMPTY && queue->first < queue->count) {
		if (budget == 0)
			return SEND_QUEUE_YIELDED;
		if (memory_left(&queue->items[queue->first]))
			result = write_memory(queue, stream, &budget);
		else
			result = write_file(queue, stream, &budget);
	}
	return result;
}

static struct send_queue_item *take_before(struct send_queue *queue, unsigned end)
{
	while (queue->taken < end) {
		struct send_queue_item *item = &queue->items[queue->taken++];

		if (!item->continued)
			return item;
		item[1].head_size += item->head_size;
		item[1].written += item->written;
	}
	return NULL;
}

struct send_queue_item *send_queue_take_written(struct send_queue *queue)
{
	return take_before(queue, queue->first);
}

struct send_queue_item *send_queue_take(struct send_queue *queue)
{
	return take_before(queue, queue->count);
}

struct send_queue *send_queue_detach(struct send_queue *staging)
{
	unsigned count = staging->count - staging->first;
	size_t copies = 0;

	for (unsigned i = 0; i < count; i++)
		copies += passing_size(&staging->items[staging->first + i]);

	struct send_queue *own = malloc(sizeof(*own) + count * sizeof(own->items[0]) + copies);

	if (!own)
		return NULL;
	*own = (struct send_queue){.count = count, .pinned = count};
	own->copies = (char *)&own->items[count];
	memcpy(own->items, &staging->items[staging->first], count * sizeof(own->items[0]));
	for (unsigned i = 0; i < count; i++) {
		struct send_queue_item *item = &own->items[i];

		pin(own, item);
		if (item->entry)
			item->entry = access_entry_copy(item->entry);
	}
	staging->count = staging->first;
	return own;
}

struct access_entry *send_queue_entry_begun(const struct send_queue *queue)
{
	const struct send_queue_item *item = &queue->items[queue->first];

	if (queue->first == queue->count || item->written == 0)
		return NULL;
	while (item->continued)
		item++;
	return item->entry;
}

uint64_t send_queue_item_body_sent(const struct send_queue_item *item)
{
	return item->written > item->head_size ? item->written - item->head_size : 0;
}
