/* SPDX-License-Identifier: MIT
 *
 * The error log. A line is built in full and goes out by one call that never waits: a log whose
 * reader has stopped loses lines, the server does not lose time. Or it goes to whom the process has
 * for that (log_set_sink). */
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One log per process, reached from everywhere. */
static struct {
	enum log_level level;
	char tag[LOG_TAG_MAX];
	log_sink *sink; /* NULL: to standard error */
	void *sink_context;
	void (*tap)(void *context, const char *line, size_t size);
	void *tap_context;
} current = {.level = LOG_LEVEL_INFO};

struct line {
	char text[LOG_LINE_MAX];
	size_t used, head;
};

static const char cut_mark[] = " [cut]";
static const char colour_off[] = "\033[0m";

/* What must still fit behind the message: the mark, the end of a colour, the newline. */
enum { TAIL_ROOM = sizeof(cut_mark) - 1 + sizeof(colour_off) - 1 + 1 };

void log_set_sink(log_sink *sink, void *context)
{
	current.sink = sink;
	current.sink_context = context;
}

void log_forget_parent(void)
{
	current.sink = NULL;
	current.tap = NULL;
}

void log_set_level(enum log_level level)
{
	current.level = level;
}

void log_set_tag(const char *tag)
{
	snprintf(current.tag, sizeof(current.tag), "%s", tag);
}

void log_set_tap(void (*tap)(void *context, const char *line, size_t size), void *context)
{
	current.tap = tap;
	current.tap_context = context;
}

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->used, room, format, arguments);
	va_end(arguments);
	if (length > 0)
		line->used += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_message(struct line *line, const char *message)
{
	const size_t end = sizeof(line->text) - TAIL_ROOM - 1;

	while (*message != '\0') {
		size_t length = text_printable(message);

		if (line->used + (length ? length : 4) > end) {
			add(line, "%s", cut_mark);
			return;
		}
		if (length == 0) {
			add(line, "\\x%02x", (unsigned char)*message++);
			continue;
		}
		memcpy(line->text + line->used, message, length);
		line->used += length;
		message += length;
	}
}

/* A time that makes no sense, as only a process may tell it that was taken over, is the year 0's. */
static void add_file_head(struct line *line, const struct log_entry *entry)
{
	static const char *const names[] = {"error", "warn ", "info ", "debug"};
	time_t second = (time_t)(entry->time_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&second, &utc) || utc.tm_year > 9999 - 1900)
		memset(&utc, 0, sizeof(utc));
	add(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s [%d] ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
	    utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(entry->time_ms % 1000), names[entry->level],
	    entry->tag[0] ? entry->tag : "brood", (int)entry->pid);
}

static void add_terminal_head(struct line *line, const struct log_entry *entry, bool coloured)
{
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

	if (coloured)
		add(line, "%s", colours[entry->level]);
	add(line, "brood: ");
	if (entry->tag[0])
		add(line, "%s: ", entry->tag);
}

/* In the form for what it goes to, newline included. */
static void compose(struct line *line, const struct log_entry *entry, enum output_kind kind)
{
	const char *no_colour = getenv("NO_COLOR");
	bool coloured = kind == OUTPUT_TERMINAL && (!no_colour || no_colour[0] == '\0');

	line->used = 0;
	if (kind == OUTPUT_TERMINAL)
		add_terminal_head(line, entry, coloured);
	else
		add_file_head(line, entry);
	line->head = line->used;
	add_message(line, entry->message);
	if (coloured)
		add(line, "%s", colour_off);
	line->text[line->used++] = '\n';
}

size_t log_compose(char out[LOG_LINE_MAX], const struct log_entry *entry, enum output_kind kind)
{
	struct line line;

	compose(&line, entry, kind);
	memcpy(out, line.text, line.used);
	return line.used;
}

void log_write(int fd, const struct log_entry *entry)
{
	struct output output = output_to(fd);
	struct line line;

	compose(&line, entry, output.kind);
	/* Nothing can be done about a log that cannot be written. */
	(void)!output_write(&output, line.text, line.used);
}

static void tap(const struct log_entry *entry)
{
	struct line line;

	compose(&line, entry, OUTPUT_FILE);
	current.tap(current.tap_context, line.text + line.head, line.used - line.head - 1);
}

static void write_line(enum log_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void write_line(enum log_level level, const char *format, va_list arguments)
{
	char message[LOG_LINE_MAX];
	struct log_entry entry = {.level = level, .tag = current.tag, .pid = getpid(), .message = message};
	struct timespec now;
	int saved = errno; /* %m in the message, and the caller's afterwards */

	if (level > current.level)
		return;
	if (vsnprintf(message, sizeof(message), format, arguments) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	entry.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (current.tap && level <= LOG_LEVEL_INFO)
		tap(&entry);
	if (current.sink)
		current.sink(current.sink_context, &entry);
	else
		log_write(STDERR_FILENO, &entry);
	errno = saved;
}

#define DEFINE_LEVEL(name, level)                     \
	void name(const char *format, ...)            \
	{                                             \
		va_list arguments;                    \
                                                      \
		va_start(arguments, format);          \
		write_line(level, format, arguments); \
		va_end(arguments);                    \
	}

DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warn, LOG_LEVEL_WARN)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)
