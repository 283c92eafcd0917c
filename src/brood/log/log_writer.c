/* SPDX-License-Identifier: MIT
 *
 * See log_writer.h. Log process only. */
#include "brood/log/log_writer.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/line_queue.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 2 * LINE_QUEUE_BELL, REPORT_INTERVAL_MS = 60000 };

struct log_writer {
	struct output output; /* fd owned unless it is a standard one */
	bool torn;            /* the file ends within a line of ours */
	bool stuck;           /* the last write failed: no other is tried before the next flush */
	int error;            /* why lines were dropped last, a positive errno */
	uint64_t dropped, reported;
	uint64_t reported_ms; /* 0: never */
	size_t used;          /* whole lines */
	char buffer[BUFFER_SIZE];
};

struct log_writer *log_writer_new(int fd)
{
	struct log_writer *writer = malloc(sizeof(*writer));

	if (!writer)
		return NULL;
	memset(writer, 0, offsetof(struct log_writer, buffer));
	fd_note(fd, FD_LOG);
	writer->output = output_to(fd);
	return writer;
}

/* Up to `most` octets from the front that are whole lines; a line is never longer than that. */
static size_t whole_lines(const char *text, size_t used, size_t most)
{
	const char *end;

	if (used <= most)
		return used;
	end = memrchr(text, '\n', most);
	return end ? (size_t)(end - text) + 1 : most;
}

static void consume(struct log_writer *writer, size_t size)
{
	writer->used -= size;
	memmove(writer->buffer, writer->buffer + size, writer->used);
}

int64_t log_writer_size(const struct log_writer *writer)
{
	struct stat status;

	if (writer->output.kind != OUTPUT_FILE || fstat(writer->output.fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	return status.st_size;
}

/* A full disk has taken `done` octets, whole lines up to `whole` and a piece of the next. The piece
 * is taken off the file if nobody has written behind it; else the next write begins on a line of
 * its own. */
static void mend(struct log_writer *writer, int64_t before, size_t done, size_t whole)
{
	writer->torn = true;
	if (before < 0 || log_writer_size(writer) != before + (int64_t)done)
		return;
	if (ftruncate(writer->output.fd, (off_t)(before + (int64_t)whole)) == 0)
		writer->torn = false;
}

/* Some whole lines in one write. 0: go on with the rest, or -errno: later. */
static int write_some(struct log_writer *writer)
{
	size_t most = writer->output.kind == OUTPUT_FILE ? BUFFER_SIZE : OUTPUT_WHOLE_MAX;
	size_t size = whole_lines(writer->buffer, writer->used, most), whole;
	int64_t before;
	ssize_t done;

	if (writer->torn) {
		done = output_write(&writer->output, "\n", 1);
		if (done < 0)
			return (int)done;
		writer->torn = false;
	}
	fd_expect(writer->output.fd, FD_LOG);
	before = log_writer_size(writer);
	done = output_write(&writer->output, writer->buffer, size);
	if (done < 0)
		return (int)done;
	if ((size_t)done == size) {
		consume(writer, size);
		return 0;
	}
	whole = (size_t)done;
	while (whole > 0 && writer->buffer[whole - 1] != '\n')
		whole--;
	if (whole < (size_t)done)
		mend(writer, before, (size_t)done, whole);
	consume(writer, whole);
	return writer->output.kind == OUTPUT_FILE ? -ENOSPC : -EAGAIN;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

void log_writer_report(struct log_writer *writer, bool now)
{
	uint64_t now_ms = clock_now_ms();

	if (writer->dropped == writer->reported ||
	    (!now && writer->reported_ms != 0 && now_ms - writer->reported_ms < REPORT_INTERVAL_MS))
		return;
	log_warn("access log: lines lost: %" PRIu64 " (%s)", writer->dropped - writer->reported,
		 strerror(writer->error));
	writer->reported = writer->dropped;
	writer->reported_ms = now_ms;
}

void log_writer_flush(struct log_writer *writer)
{
	int rc = 0;

	while (rc == 0 && writer->used > 0)
		rc = write_some(writer);
	writer->stuck = rc < 0;
	if (rc < 0)
		writer->error = -rc;
}

bool log_writer_has_room(const struct log_writer *writer)
{
	return writer->used + LINE_QUEUE_LINE_MAX <= BUFFER_SIZE;
}

char *log_writer_reserve(struct log_writer *writer, size_t size)
{
	if (writer->used + size > BUFFER_SIZE && !writer->stuck)
		log_writer_flush(writer);
	return writer->used + size > BUFFER_SIZE ? NULL : writer->buffer + writer->used;
}

void log_writer_commit(struct log_writer *writer, size_t size)
{
	writer->used += size;
}

bool log_writer_add(struct log_writer *writer, const char *text, size_t size)
{
	char *room = log_writer_reserve(writer, size);

	if (!room)
		return false;
	memcpy(room, text, size);
	log_writer_commit(writer, size);
	return true;
}

void log_writer_drop(struct log_writer *writer, uint64_t lines)
{
	writer->dropped += lines;
}

size_t log_writer_left(const struct log_writer *writer)
{
	return writer->used;
}

enum output_kind log_writer_kind(const struct log_writer *writer)
{
	return writer->output.kind;
}

int log_writer_fd(const struct log_writer *writer)
{
	return writer->output.fd;
}

static void close_output(struct log_writer *writer)
{
	if (writer->output.fd > STDERR_FILENO)
		fd_close(&writer->output.fd);
}

void log_writer_reopen(struct log_writer *writer, int fd)
{
	log_writer_flush(writer);
	close_output(writer);
	fd_note(fd, FD_LOG);
	writer->output = output_to(fd);
	writer->torn = writer->stuck = false;
}

void log_writer_free(struct log_writer *writer)
{
	if (!writer)
		return;
	log_writer_flush(writer);
	writer->dropped += count_lines(writer->buffer, writer->used);
	log_writer_report(writer, true); /* the last chance to say it */
	close_output(writer);
	free(writer);
}
