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

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go; `fd` stays its owner's. At start it is standard error. */
void log_set_fd(int fd);
int log_fd(void);

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
