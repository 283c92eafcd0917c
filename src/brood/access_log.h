/* SPDX-License-Identifier: MIT
 *
 * The access log, in the combined format, or, with more in it, as one JSON object a line:
 *
 *     192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1024 "referer" "agent"
 *     {"time":"2000-10-10T13:55:36Z","client":"192.0.2.1","peer":"10.0.0.1","scheme":"https",...}
 *
 * Lines are collected and written together, whole lines only, so that many workers can append to
 * one file. Quotes, backslashes, control and non-ASCII octets from the client are written as \xHH,
 * in JSON as \u00HH; what is too long is cut and ends with "...". Nothing here waits: what cannot be written is kept
 * as long as there is room, then whole lines are dropped, counted, and told of once a minute in the
 * error log. Worker only. */
#ifndef BROOD_BROOD_ACCESS_LOG_H
#define BROOD_BROOD_ACCESS_LOG_H

#include <stdint.h>

struct access_log;
struct http_log_record;

/* In the order of their words in settings_of_files.c. */
enum log_format { LOG_FORMAT_COMBINED, LOG_FORMAT_JSON };

/* Takes `fd` (opened for appending, see log_files.h); -1: nothing is logged. NULL: no memory, and
 * fd is still the caller's. */
struct access_log *access_log_new(int fd, enum log_format format);

/* Adds a line. A system call only when the buffer is full. */
void access_log_add(struct access_log *log, const struct http_log_record *record);

/* Writes what is there. To be called at least once a second, so that no line is older. */
void access_log_tick(struct access_log *log);

/* From here on lines go to `fd`, which is taken; what is there goes to the old one first. */
void access_log_reopen(struct access_log *log, int fd);

/* How many lines were lost since the start. */
uint64_t access_log_dropped(const struct access_log *log);

/* Writes what is there, closes and frees. NULL is allowed. */
void access_log_free(struct access_log *log);

#endif
