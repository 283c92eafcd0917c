/* SPDX-License-Identifier: MIT
 *
 * See start_log.h. */
#include "brood/log/start_log.h"

#include "base/log.h"
#include "base/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 16384, LINE_ROOM = 2304 };

static bool is_standard_error(int fd)
{
	struct stat log, standard;

	return fd == STDERR_FILENO || (fstat(fd, &log) == 0 && fstat(STDERR_FILENO, &standard) == 0 &&
				       log.st_dev == standard.st_dev && log.st_ino == standard.st_ino);
}

/* Workers that die one after the other say the same. */
static bool is_known(const struct buffer *text, const char *line, size_t size)
{
	for (size_t at = 0; at < text->used;) {
		const char *end = memchr(text->data + at, '\n', text->used - at);
		size_t length = (size_t)(end - (text->data + at)) + 1;

		if (length == size && memcmp(text->data + at, line, size) == 0)
			return true;
		at += length;
	}
	return false;
}

static void add(struct start_log *log, const char *who, const char *said, size_t size)
{
	char line[LINE_ROOM];
	int length = snprintf(line, sizeof(line) - 1, "brood: %s%.*s", who, (int)size, said);

	if (!log->begun || length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (is_known(&log->text, line, (size_t)length))
		return;
	if (log->text.used + (size_t)length > ROOM || buffer_append(&log->text, line, (size_t)length) < 0)
		log->left_out++;
}

static void on_line(void *context, const char *line, size_t size)
{
	add(context, "", line, size);
}

void start_log_begin(struct start_log *log, int error_log)
{
	log->begun = !is_standard_error(error_log);
	if (log->begun)
		log_set_tap(on_line, log);
}

void start_log_add_words(struct start_log *log, unsigned slot, const char *words)
{
	char who[32];

	snprintf(who, sizeof(who), "worker %u: ", slot);
	while (*words != '\0') {
		size_t size = strcspn(words, "\n");

		add(log, who, words, size);
		words += size + (words[size] == '\n');
	}
}

/* In pieces that a pipe takes whole or not at all. */
void start_log_tell(const struct start_log *log)
{
	struct output output = output_to(STDERR_FILENO);
	char more[64];

	for (size_t at = 0; at < log->text.used;) {
		const char *line = log->text.data + at;
		const char *end = memchr(line, '\n', log->text.used - at);
		size_t size = (size_t)(end - line) + 1;

		(void)!output_write(&output, line, size);
		at += size;
	}
	if (log->left_out > 0) {
		snprintf(more, sizeof(more), "brood: and %u lines more\n", log->left_out);
		(void)!output_write(&output, more, strlen(more));
	}
}

void start_log_end(struct start_log *log)
{
	if (log->begun)
		log_set_tap(NULL, NULL);
	buffer_free(&log->text);
	*log = (struct start_log){.begun = false};
}
