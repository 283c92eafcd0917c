/* SPDX-License-Identifier: MIT
 *
 * A state as records (upgrade_record.h). Pure. */
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8 };

static const char magic[8] = {'B', 'R', 'O', 'O', 'D', 'S', 'T', '1'};

struct head {
	char magic[8];
	uint64_t size;     /* of all, this head included */
	uint64_t checksum; /* of what follows the head, and of the size */
};

struct record_head {
	uint32_t type, size;
};

/* FNV-1a. It finds accidents; a state comes from ourselves, so there are no others. */
static uint64_t checksum(const char *octets, size_t size)
{
	uint64_t sum = 14695981039346656037u ^ size;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (unsigned char)octets[i]) * 1099511628211u;
	return sum;
}

static size_t padded(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void append(struct upgrade_writer *writer, const void *data, size_t size)
{
	if (!writer->failed && size > 0 && buffer_append(&writer->octets, data, size) < 0)
		writer->failed = true;
}

static void begin(struct upgrade_writer *writer)
{
	static const struct head empty;

	if (writer->octets.used == 0)
		append(writer, &empty, sizeof(empty));
}

void upgrade_put(struct upgrade_writer *writer, uint32_t type, const void *data, size_t size)
{
	static const char zeros[ALIGNMENT];
	struct record_head head = {.type = type, .size = (uint32_t)size};

	begin(writer);
	append(writer, &head, sizeof(head));
	append(writer, data, size);
	append(writer, zeros, padded(size) - size);
}

int upgrade_keep_fd(struct upgrade_writer *writer, int fd)
{
	if (fd < 0 || writer->failed)
		return fd;
	if (writer->fd_count == writer->fd_room) {
		size_t room = writer->fd_room ? 2 * writer->fd_room : 64;
		int *fds = realloc(writer->fds, room * sizeof(*fds));

		if (!fds) {
			writer->failed = true;
			return fd;
		}
		writer->fds = fds;
		writer->fd_room = room;
	}
	writer->fds[writer->fd_count++] = fd;
	return fd;
}

int upgrade_finish(struct upgrade_writer *writer)
{
	struct head head;

	begin(writer);
	if (writer->failed)
		return -ENOMEM;
	memcpy(head.magic, magic, sizeof(magic));
	head.size = writer->octets.used;
	head.checksum = checksum(writer->octets.data + sizeof(head), writer->octets.used - sizeof(head));
	memcpy(writer->octets.data, &head, sizeof(head));
	return 0;
}

void upgrade_writer_free(struct upgrade_writer *writer)
{
	/* The program's records may have keys in them. */
	if (writer->octets.used > 0)
		explicit_bzero(writer->octets.data, writer->octets.used);
	buffer_free(&writer->octets);
	free(writer->fds);
	*writer = (struct upgrade_writer){0};
}

/* The record at `at`; false: there is none, or not all of it. */
static bool look(const struct upgrade_reader *reader, size_t at, struct upgrade_record *record)
{
	struct record_head head;

	if (reader->size - at < sizeof(head))
		return false;
	memcpy(&head, reader->octets + at, sizeof(head));
	if (reader->size - at - sizeof(head) < padded(head.size))
		return false;
	*record = (struct upgrade_record){
		.type = head.type, .data = reader->octets + at + sizeof(head), .size = head.size};
	return true;
}

bool upgrade_next(struct upgrade_reader *reader, struct upgrade_record *record)
{
	if (!look(reader, reader->at, record))
		return false;
	reader->at += sizeof(struct record_head) + padded(record->size);
	return true;
}

int upgrade_open(struct upgrade_reader *reader, const void *octets, size_t size)
{
	struct upgrade_record record;
	struct head head;

	*reader = (struct upgrade_reader){.octets = octets, .size = size, .at = sizeof(head)};
	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, octets, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.size != size ||
	    head.checksum != checksum(reader->octets + sizeof(head), size - sizeof(head)))
		return -EBADMSG;
	while (upgrade_next(reader, &record))
		;
	if (reader->at != size)
		return -EBADMSG;
	reader->at = sizeof(head);
	return 0;
}

bool upgrade_find(const struct upgrade_reader *reader, uint32_t type, struct upgrade_record *record)
{
	struct upgrade_reader again = *reader;

	again.at = sizeof(struct head);
	while (upgrade_next(&again, record))
		if (record->type == type)
			return true;
	return false;
}

void upgrade_get(const struct upgrade_record *record, void *out, size_t size)
{
	size_t shared = record->size < size ? record->size : size;

	memset(out, 0, size);
	if (shared > 0)
		memcpy(out, record->data, shared);
}
