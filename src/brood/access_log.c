/* SPDX-License-Identifier: MIT
 *
 * The access log's buffer and its file. How a line looks is access_log_format.c's. Worker only. */
#include "brood/access_log.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/output.h"
#include "brood/access_log_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 32768, REPORT_INTERVAL_MS = 60000 };

struct access_log {
	struct output output; /* fd owned unless it is a standard one; -1: off */
	bool torn;            /* the file ends within a line of ours */
	bool stuck;           /* the last write failed: no other is tried before the next tick */
	int error;            /* why lines were dropped last, a positive errno */
	uint64_t dropped, reported;
	uint64_t reported_ms; /* 0: never */
	access_line_format *format;
	struct access_line_cache cache;
	size_t used; /* whole lines */
	char buffer[BUFFER_SIZE];
};

struct access_log *access_log_new(int fd, enum log_format format)
{
	struct access_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->output = output_to(fd);
	log->format = format == LOG_FORMAT_JSON ? access_line_json : access_line_combined;
	return log;
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

static void consume(struct access_log *log, size_t size)
{
	log->used -= size;
	memmove(log->buffer, log->buffer + size, log->used);
}

/* A full disk has taken `done` octets, whole lines up to `whole` and a piece of the next. The piece
 * is taken off the file if nobody has written behind it; else the next write begins on a line of
 * its own. */
static void mend(struct access_log *log, off_t before, size_t done, size_t whole)
{
	struct stat status;

	log->torn = true;
	if (before < 0 || fstat(log->output.fd, &status) < 0 ||
	    status.st_size != before + (off_t)done)
		return;
	if (ftruncate(log->output.fd, before + (off_t)whole) == 0)
		log->torn = false;
}

static off_t file_size(const struct output *output)
{
	struct stat status;

	if (output->kind != OUTPUT_FILE || fstat(output->fd, &status) < 0 ||
	    !S_ISREG(status.st_mode))
		return -1;
	return status.st_size;
}

/* Some whole lines in one write. 0: go on with the rest, or -errno: later. */
static int write_some(struct access_log *log)
{
	size_t most = log->output.kind == OUTPUT_FILE ? BUFFER_SIZE : OUTPUT_WHOLE_MAX;
	size_t size = whole_lines(log->buffer, log->used, most), whole;
	off_t before;
	ssize_t done;

	if (log->torn) {
		done = output_write(&log->output, "\n", 1);
		if (done < 0)
			return (int)done;
		log->torn = false;
	}
	before = file_size(&log->output);
	done = output_write(&log->output, log->buffer, size);
	if (done < 0)
		return (int)done;
	if ((size_t)done == size) {
		consume(log, size);
		return 0;
	}
	whole = (size_t)done;
	while (whole > 0 && log->buffer[whole - 1] != '\n')
		whole--;
	if (whole < (size_t)done)
		mend(log, before, (size_t)done, whole);
	consume(log, whole);
	return log->output.kind == OUTPUT_FILE ? -ENOSPC : -EAGAIN;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

/* The first loss is told at once, later ones together, once a minute. */
static void report(struct access_log *log)
{
	uint64_t now = clock_now_ms();

	if (log->dropped == log->reported ||
	    (log->reported_ms != 0 && now - log->reported_ms < REPORT_INTERVAL_MS))
		return;
	log_warn("access log: lines lost: %" PRIu64 " (%s)", log->dropped - log->reported,
		 strerror(log->error));
	log->reported = log->dropped;
	log->reported_ms = now;
}

static void flush(struct access_log *log)
{
	int rc = 0;

	while (rc == 0 && log->used > 0)
		rc = write_some(log);
	log->stuck = rc < 0;
	if (rc < 0)
		log->error = -rc;
}

void access_log_add(struct access_log *log, const struct http_log_record *record)
{
	if (log->output.fd < 0)
		return;
	if (log->used + ACCESS_LINE_MAX > BUFFER_SIZE && !log->stuck)
		flush(log);
	if (log->used + ACCESS_LINE_MAX > BUFFER_SIZE) {
		log->dropped++;
		report(log);
		return;
	}
	log->used += log->format(&log->cache, log->buffer + log->used, record);
}

void access_log_tick(struct access_log *log)
{
	flush(log);
	report(log);
}

static void close_output(struct access_log *log)
{
	if (log->output.fd > STDERR_FILENO)
		fd_close(&log->output.fd);
	log->output.fd = -1;
}

static void drop_all(struct access_log *log)
{
	log->dropped += count_lines(log->buffer, log->used);
	log->used = 0;
}

void access_log_reopen(struct access_log *log, int fd)
{
	flush(log);
	close_output(log);
	log->output = output_to(fd);
	log->torn = false;
	/* What the old file did not take is for the new one. */
	if (fd < 0)
		drop_all(log);
}

uint64_t access_log_dropped(const struct access_log *log)
{
	return log->dropped;
}

void access_log_free(struct access_log *log)
{
	if (!log)
		return;
	flush(log);
	drop_all(log);
	log->reported_ms = 0; /* the last chance to say it */
	report(log);
	close_output(log);
	free(log);
}
