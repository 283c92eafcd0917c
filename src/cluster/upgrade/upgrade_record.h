/* SPDX-License-Identifier: MIT
 *
 * A state as records in a run of octets: what one version of the master leaves to another across an
 * exec. Each record has a type and a length, so that a reader skips types that it does not know, takes
 * the beginning of a record that has grown, and sees zeros behind one that is shorter. A checksum over
 * all of it tells what is damaged or cut off. Host order: both ends are one process. Pure. */
#ifndef BROOD_CLUSTER_UPGRADE_UPGRADE_RECORD_H
#define BROOD_CLUSTER_UPGRADE_UPGRADE_RECORD_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* All-zero is an empty one. */
struct upgrade_writer {
	struct buffer octets;
	int *fds; /* the descriptors that records name, which must outlive the exec */
	size_t fd_count, fd_room;
	bool failed; /* without memory once; the state is of no use */
};

/* Adds a record. */
void upgrade_put(struct upgrade_writer *writer, uint32_t type, const void *data, size_t size);

/* Remembers that a record names this descriptor; -1 is none. Returns it. */
int upgrade_keep_fd(struct upgrade_writer *writer, int fd);

/* Writes size and checksum: now it can be read. 0 or -ENOMEM. */
int upgrade_finish(struct upgrade_writer *writer) __attribute__((warn_unused_result));
void upgrade_writer_free(struct upgrade_writer *writer);

struct upgrade_reader {
	const char *octets;
	size_t size, at;
};

/* A record as it lies in the octets. */
struct upgrade_record {
	uint32_t type;
	const void *data; /* aligned for anything, if the octets are */
	size_t size;
};

/* Borrows the octets. 0, or -EBADMSG when they are not a whole, undamaged state. */
int upgrade_open(struct upgrade_reader *reader, const void *octets, size_t size) __attribute__((warn_unused_result));

/* The next record; false: that was the last one. */
bool upgrade_next(struct upgrade_reader *reader, struct upgrade_record *record);

/* The first record of this type, wherever the reader is; false: there is none. */
bool upgrade_find(const struct upgrade_reader *reader, uint32_t type, struct upgrade_record *record);

/* Copies into a struct of that size. */
void upgrade_get(const struct upgrade_record *record, void *out, size_t size);

#endif
