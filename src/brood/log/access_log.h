/* SPDX-License-Identifier: MIT
 *
 * The access log, in the combined format, or, with more in it, as one JSON object a line:
 *
 *     192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1024 "referer" "agent"
 *     {"time":"2000-10-10T13:55:36Z","client":"192.0.2.1","peer":"10.0.0.1","scheme":"https",...}
 *
 * Quotes, backslashes, control and non-ASCII octets from the client are written as \xHH, in JSON as \u00HH;
 * what is too long is cut and ends with "...". Lines go to the log process, which writes many together.
 * Nothing here waits: where there is no room whole lines are dropped and counted. Worker only. */
#ifndef BROOD_BROOD_LOG_ACCESS_LOG_H
#define BROOD_BROOD_LOG_ACCESS_LOG_H

#include "brood/log/access_log_format.h"

struct http_log_entry;
struct log_outlet;

/* In the order of their words in the table of settings. */
enum log_format { LOG_FORMAT_COMBINED, LOG_FORMAT_JSON };

struct access_log {
	struct log_outlet *outlet; /* borrowed */
	access_line_format *format;
	struct access_line_cache cache;
};

void access_log_init(struct access_log *log, struct log_outlet *outlet, enum log_format format);

/* Adds a line to the log of that number (log_files.h). A system call only when much has come together. */
void access_log_add(struct access_log *log, unsigned number, const struct http_log_entry *entry);

#endif
