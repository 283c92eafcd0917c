/* SPDX-License-Identifier: MIT
 *
 * The error log. A line is built in full and goes out by one call that never waits: a log whose
 * reader has stopped loses lines, the server does not lose time. */
#include "base/log.h"

#include "base/output.h"
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

enum { LINE_MAX_OCTETS = 2048, TAG_MAX = 32 };

/* One log per process, reached from everywhere. */
static struct {
	struct output output;
	bool set; /* false: standard error, not looked at yet */
	bool coloured;
	enum log_level level;
	char tag[TAG_MAX];
	void (*tap)(void *context, const char *line, size_t size);
	void *tap_context;
} current = {.output.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO};

struct line {
	char text[LINE_MAX_OCTETS];
	size_t used;
};

static const char cut_mark[] = " [cut]";
static const char colour_off[] = "\033[0m";

/* What must still fit behind the message: the mark, the end of a colour, the newline. */
enum { TAIL_ROOM = sizeof(cut_mark) - 1 + sizeof(colour_off) - 1 + 1 };

void log_set_fd(int fd)
{
	const char *no_colour = getenv("NO_COLOR");

	current.output = output_to(fd);
	current.coloured =
		current.output.kind == OUTPUT_TERMINAL && (!no_colour || no_colour[0] == '\0');
	current.set = true;
}

int log_fd(void)
{
	return current.output.fd;
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

static void add_file_head(struct line *line, enum log_level level)
{
	static const char *const names[] = {"error", "warn ", "info ", "debug"};
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	add(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s [%d] ", utc.tm_year + 1900,
	    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000,
	    names[level], current.tag[0] ? current.tag : "brood", (int)getpid());
}

static void add_terminal_head(struct line *line, enum log_level level)
{
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

	if (current.coloured)
		add(line, "%s", colours[level]);
	add(line, "brood: ");
	if (current.tag[0])
		add(line, "%s: ", current.tag);
}

static void write_line(enum log_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void write_line(enum log_level level, const char *format, va_list arguments)
{
	char message[LINE_MAX_OCTETS];
	struct line line = {.used = 0};
	size_t head;
	int saved = errno; /* %m in the message, and the caller's afterwards */

	if (level > current.level)
		return;
	if (vsnprintf(message, sizeof(message), format, arguments) < 0)
		return;
	if (!current.set)
		log_set_fd(STDERR_FILENO);
	if (current.output.kind == OUTPUT_TERMINAL)
		add_terminal_head(&line, level);
	else
		add_file_head(&line, level);
	head = line.used;
	add_message(&line, message);
	if (current.tap && level <= LOG_LEVEL_INFO)
		current.tap(current.tap_context, line.text + head, line.used - head);
	if (current.coloured)
		add(&line, "%s", colour_off);
	line.text[line.used++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	(void)!output_write(&current.output, line.text, line.used);
	errno = saved;
}

#define DEFINE_LEVEL(name, level)                                                                  \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list arguments;                                                                 \
                                                                                                   \
		va_start(arguments, format);                                                       \
		write_line(level, format, arguments);                                              \
		va_end(arguments);                                                                 \
	}

DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warn, LOG_LEVEL_WARN)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)
