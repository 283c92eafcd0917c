/* SPDX-License-Identifier: MIT
 *
 * One log's file: whole lines, collected and written together. Nothing here waits: what cannot be written is
 * kept as long as there is room, then whole lines are dropped, counted, and told of once a minute in the error
 * log. A disk that is full in the middle of a line leaves no half of it behind. Log process only. */
#ifndef BROOD_BROOD_LOG_LOG_WRITER_H
#define BROOD_BROOD_LOG_LOG_WRITER_H

#include "base/output.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_writer;

/* Takes fd (opened for appending, see log_files.h; 1 and 2 are nobody's). NULL: no memory, and fd is still
 * the caller's. */
struct log_writer *log_writer_new(int fd);

/* Room for a line of that size (LINE_QUEUE_LINE_MAX at most), to be put there and added as a whole; NULL: there is
 * none, not even after writing. Nothing is written as long as there is room. */
char *log_writer_reserve(struct log_writer *writer, size_t size);
void log_writer_commit(struct log_writer *writer, size_t size);

/* Both. False: there is no room. */
bool log_writer_add(struct log_writer *writer, const char *text, size_t size);

/* Lines of this log that found no room anywhere. */
void log_writer_drop(struct log_writer *writer, uint64_t lines);

/* Has it room for a line without writing? */
bool log_writer_has_room(const struct log_writer *writer);

/* Writes what is there, as far as it is taken. */
void log_writer_flush(struct log_writer *writer);

/* What is there and was not taken. */
size_t log_writer_left(const struct log_writer *writer);

/* Tells in the log of what was lost: at once for the first time, then once a minute, or now. */
void log_writer_report(struct log_writer *writer, bool now);

/* The size of the file; -1: it is not one. */
int64_t log_writer_size(const struct log_writer *writer);

enum output_kind log_writer_kind(const struct log_writer *writer);
int log_writer_fd(const struct log_writer *writer);

/* From here on lines go to fd, which is taken; what is there goes to the old one first, what that does not
 * take to the new one. */
void log_writer_reopen(struct log_writer *writer, int fd);

/* Writes what is there, closes and frees. NULL is allowed. */
void log_writer_free(struct log_writer *writer);

#endif
