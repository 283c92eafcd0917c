/* SPDX-License-Identifier: MIT
 *
 * One process that has something to say: its queue of lines is read, and what is in it goes to the logs that it
 * is for. Messages are put together here, with the name that the master has told of, so that nobody can speak
 * for others. Log process only.
 *
 * A pass takes some lines from the queue, notes in it what will be written where, writes, and releases the lines.
 * Whoever goes on after a death in between finds from the notes and the files' sizes what is written already: no
 * line is lost then, and none is written twice, where a log is a regular file that nobody else writes to. To the
 * error log the master writes as well, so that of it nothing is noted: a message may be there twice. */
#ifndef BROOD_BROOD_LOG_LOG_READER_H
#define BROOD_BROOD_LOG_LOG_READER_H

#include "base/line_queue.h"
#include "base/list.h"
#include "base/log.h"
#include "brood/log/log_writer.h"
#include "cluster/ipc/log_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A log by its number. */
struct log_sink_file {
	struct list link;
	unsigned number;
	enum log_kind kind;
	struct log_writer *writer; /* owned */
	int64_t size_at_first;     /* before we have written anything; -1: it is no regular file */
	uint64_t written_before;   /* of a pass that somebody else had begun: octets that are there already */
};

struct log_reader {
	struct list link;
	struct log_source_message who;
	struct line_queue queue;
	uint64_t taken_over; /* a pass that somebody else had begun goes up to there; 0: none had */
	bool broken;         /* what is in the queue makes no sense any more */
	uint64_t strangers;  /* lines that make no sense, or for no log, and that are not told of yet */
	uint64_t lost_ms;    /* when such were told of last; 0: never */
	char stray[512];     /* what came on standard output or error, and is no whole line yet */
	size_t stray_used;
};

struct log_sink_file *log_sink_find(const struct list *sinks, unsigned number);

/* Maps the queue (which stays the caller's to close). 0 or -errno. */
int log_reader_open(struct log_reader *reader, const struct log_source_message *who, int queue)
	__attribute__((warn_unused_result));
void log_reader_close(struct log_reader *reader);

/* Finds out what is written already of a pass that somebody else had begun; false: nobody had. Once, before the
 * first pass, when the logs are there and nothing was written to them yet. */
bool log_reader_take_over(struct log_reader *reader, const struct list *sinks);

/* Takes and writes some lines. False: there are none left. `sinks`: of struct log_sink_file. */
bool log_reader_pass(struct log_reader *reader, const struct list *sinks);

/* Octets that came by its pipe: those that are not 0 make lines of the error log. */
void log_reader_stray(struct log_reader *reader, const struct list *sinks, const char *octets, size_t size);
void log_reader_end_stray(struct log_reader *reader, const struct list *sinks);

/* Tells of lines for which there was no room: at once, then once a minute, or now. */
void log_reader_report(struct log_reader *reader, bool now);

#endif
