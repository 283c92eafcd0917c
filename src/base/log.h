/* SPDX-License-Identifier: MIT
 *
 * The error log: one line per event, one write per line, never half of one. Levels, a tag that
 * names the process, and a form for people when it goes to a terminal:
 *
 *     terminal   brood: worker 2: cannot open ...
 *     file       2026-11-21T10:04:05.123Z warn  worker 2 [4711] cannot open ...
 *
 * Control octets and what is not UTF-8 are escaped (\x1b), so that nothing from outside can forge a
 * line; one longer than 2048 octets is cut and says so. Writing never waits: a line that a full
 * pipe or a stopped terminal does not take at once is dropped. errno is kept (and %m may be used).
 * Whoever decides what happens next logs; whoever returns an error does not. */
#ifndef BROOD_BASE_LOG_H
#define BROOD_BASE_LOG_H

#include "base/output.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum { LOG_LEVELS = LOG_LEVEL_DEBUG + 1, LOG_LINE_MAX = 2048, LOG_TAG_MAX = 32 };

/* What somebody has to say. */
struct log_entry {
	enum log_level level;
	uint64_t time_ms; /* wall clock */
	const char *tag;  /* who, "": the program as such */
	pid_t pid;
	const char *message; /* not escaped yet; ends with NUL */
};

/* Where lines go in place of standard error: to somebody who looks up where that is now, or passes them on. It must
 * not log. NULL: to standard error again. */
typedef void log_sink(void *context, const struct log_entry *entry);
void log_set_sink(log_sink *sink, void *context);

/* For a sink. Writes one line, or nothing where that would have to wait; and only puts it together, in the
 * form for such an output, newline included: its length. */
void log_write(int fd, const struct log_entry *entry);
size_t log_compose(char out[LOG_LINE_MAX], const struct log_entry *entry, enum output_kind kind);

/* After a fork, in the child: lines go to standard error. Whatever number the parent logged to is closed
 * there, or will be another file. */
void log_forget_parent(void);

/* What is below this level is not written. At start LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Names this process in each line: "master", "worker 3". Copied. */
void log_set_tag(const char *tag);

/* Gets a copy of each line but those for debugging: the message alone, escaped, not ended by NUL. It
 * must not log. NULL: nobody. */
void log_set_tap(void (*tap)(void *context, const char *line, size_t size), void *context);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
