/* SPDX-License-Identifier: MIT
 *
 * See log_reader.h. Log process only. */
#include "brood/log/log_reader.h"

#include "base/clock.h"
#include "cluster/ipc/log_outlet.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { PASS_MAX = 2 * LINE_QUEUE_BELL - LINE_QUEUE_LINE_MAX, REPORT_INTERVAL_MS = 60000 };

/* A log in a pass. */
struct touched {
	struct log_sink_file *file;
	size_t added;
	bool behind; /* it had not taken all of what came before: then nothing can be told by its size */
};

struct pass {
	struct log_reader *reader;
	const struct list *sinks;
	struct touched touched[LINE_QUEUE_NOTES];
	size_t count, size;
};

struct log_sink_file *log_sink_find(const struct list *sinks, unsigned number)
{
	for (struct list *at = sinks->next; at != sinks; at = at->next)
		if (LIST_ENTRY(at, struct log_sink_file, link)->number == number)
			return LIST_ENTRY(at, struct log_sink_file, link);
	return NULL;
}

int log_reader_open(struct log_reader *reader, const struct log_source_message *who, int queue)
{
	*reader = (struct log_reader){.who = *who};
	reader->who.tag[sizeof(reader->who.tag) - 1] = '\0';
	list_init(&reader->link);
	return line_queue_open(&reader->queue, queue);
}

void log_reader_close(struct log_reader *reader)
{
	line_queue_close(&reader->queue);
	list_remove(&reader->link);
}

/* --- what somebody else had begun --- */

/* How much of what was noted is in the files already. Once, before anything is taken. */
bool log_reader_take_over(struct log_reader *reader, const struct list *sinks)
{
	struct line_note notes[LINE_QUEUE_NOTES];
	size_t count = line_queue_notes(&reader->queue, notes, &reader->taken_over);

	for (size_t i = 0; i < count; i++) {
		struct log_sink_file *file = log_sink_find(sinks, notes[i].log);
		int64_t size = file ? file->size_at_first : -1;

		if (size > (int64_t)notes[i].before)
			file->written_before = (uint64_t)size - notes[i].before < notes[i].size
						       ? (uint64_t)size - notes[i].before
						       : notes[i].size;
	}
	if (count == 0)
		reader->taken_over = 0;
	return count > 0;
}

/* What is there already of a line at the beginning of what is to be written. Returns what is left of it, which lies
 * there then. */
static size_t leave_behind(struct log_sink_file *file, char *text, size_t size)
{
	size_t there = file->written_before < size ? (size_t)file->written_before : size;

	memmove(text, text + there, size - there);
	file->written_before -= there;
	return size - there;
}

/* --- a pass --- */

/* NULL: it is one too many for this pass. */
static struct touched *touch(struct pass *pass, struct log_sink_file *file)
{
	for (size_t i = 0; i < pass->count; i++)
		if (pass->touched[i].file == file)
			return &pass->touched[i];
	if (pass->count == LINE_QUEUE_NOTES)
		return NULL;
	pass->touched[pass->count] = (struct touched){.file = file, .behind = log_writer_left(file->writer) > 0};
	return &pass->touched[pass->count++];
}

/* Puts a line where it is to be, as it goes into the file; its size there, or 0 when it makes no sense. It is copied
 * before it is looked at: nothing that its writer does from here on changes it. */
static size_t put_whole(const struct line *line, char *out)
{
	memcpy(out, line->text, line->size);
	return line->size > 0 && memchr(out, '\n', line->size) == out + line->size - 1 ? line->size : 0;
}

static size_t put_message(const struct log_reader *reader, const struct log_sink_file *file, const struct line *line,
			  char *out)
{
	char copy[LINE_QUEUE_LINE_MAX + 1], composed[LOG_LINE_MAX];
	struct log_message_head head;
	struct log_entry entry = {.level = (enum log_level)line->kind,
				  .tag = reader->who.tag,
				  .pid = reader->who.pid,
				  .message = copy + sizeof(head)};
	size_t size;

	if (line->size < sizeof(head))
		return 0;
	memcpy(copy, line->text, line->size);
	copy[line->size] = '\0';
	memcpy(&head, copy, sizeof(head));
	entry.time_ms = head.time_ms;
	size = log_compose(composed, &entry, log_writer_kind(file->writer));
	memcpy(out, composed, size);
	return size;
}

_Static_assert((int)LOG_LINE_MAX <= (int)LINE_QUEUE_LINE_MAX, "a message is a line");

static size_t put_line(const struct log_reader *reader, const struct log_sink_file *file, const struct line *line,
		       char *out)
{
	if (line->kind == LOG_LINE_WHOLE && file->kind == LOG_KIND_LINES)
		return put_whole(line, out);
	if (line->kind < LOG_LEVELS && file->kind == LOG_KIND_MESSAGES)
		return put_message(reader, file, line, out);
	return 0;
}

/* NULL: there is none. */
static struct log_sink_file *file_of(const struct pass *pass, const struct line *line)
{
	unsigned number = line->kind < LOG_LEVELS ? pass->reader->who.error_log : line->log;

	if (pass->count > 0 && pass->touched[0].file->number == number)
		return pass->touched[0].file;
	return log_sink_find(pass->sinks, number);
}

/* False: the pass is full, and the line is for the next one. */
static bool take(struct pass *pass, const struct line *line)
{
	struct log_sink_file *file = file_of(pass, line);
	struct touched *touched = file ? touch(pass, file) : NULL;
	size_t size = 0;
	char *room;

	if (!file) {
		pass->reader->strangers++;
		return true;
	}
	if (!touched || (touched->added > 0 && !log_writer_has_room(file->writer)))
		return false;
	room = log_writer_reserve(file->writer, LINE_QUEUE_LINE_MAX);
	if (!room) {
		log_writer_drop(file->writer, 1);
		return true;
	}
	size = put_line(pass->reader, file, line, room);
	pass->reader->strangers += size == 0;
	if (file->written_before > 0)
		size = leave_behind(file, room, size);
	log_writer_commit(file->writer, size);
	touched->added += size;
	return true;
}

/* Some lines, as many as go into one pass. */
static void collect(struct pass *pass)
{
	struct log_reader *reader = pass->reader;
	struct line line;
	int rc = 0;

	while (pass->size < PASS_MAX && (rc = line_queue_peek(&reader->queue, &line)) > 0) {
		if (!take(pass, &line))
			return;
		line_queue_skip(&reader->queue, &line);
		pass->size += line.size + 1;
		if (reader->taken_over != 0 && reader->queue.at >= reader->taken_over)
			break;
	}
	reader->taken_over = 0;
	if (rc < 0) {
		reader->broken = true;
		log_warn("what %s [%d] has left for the logs makes no sense: the rest of it is lost", reader->who.tag,
			 (int)reader->who.pid);
	}
}

static void note(struct pass *pass)
{
	struct line_note notes[LINE_QUEUE_NOTES];
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		const struct touched *touched = &pass->touched[i];
		int64_t before = touched->behind || touched->file->kind == LOG_KIND_MESSAGES
					 ? -1
					 : log_writer_size(touched->file->writer);

		if (before >= 0 && touched->added > 0)
			notes[count++] = (struct line_note){.log = touched->file->number,
							    .size = (uint32_t)touched->added,
							    .before = (uint64_t)before};
	}
	line_queue_note(&pass->reader->queue, notes, count);
}

bool log_reader_pass(struct log_reader *reader, const struct list *sinks)
{
	struct pass pass = {.reader = reader, .sinks = sinks};
	bool begun = reader->taken_over != 0;

	if (reader->broken)
		return false;
	collect(&pass);
	if (!begun) /* of one that goes on the notes are right as they are */
		note(&pass);
	for (size_t i = 0; i < pass.count; i++) {
		log_writer_flush(pass.touched[i].file->writer);
		pass.touched[i].file->written_before = 0;
	}
	line_queue_release(&reader->queue);
	return pass.size > 0;
}

/* --- what is not said by the log --- */

static void say_stray(struct log_reader *reader, const struct list *sinks)
{
	struct log_sink_file *file = log_sink_find(sinks, reader->who.error_log);
	struct log_entry entry = {
		.level = LOG_LEVEL_ERROR, .tag = reader->who.tag, .pid = reader->who.pid, .message = reader->stray};
	char line[LOG_LINE_MAX];
	struct timespec now;
	size_t size;

	reader->stray[reader->stray_used] = '\0';
	reader->stray_used = 0;
	if (reader->stray[0] == '\0' || !file)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	entry.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	size = log_compose(line, &entry, log_writer_kind(file->writer));
	if (!log_writer_add(file->writer, line, size))
		log_writer_drop(file->writer, 1);
	log_writer_flush(file->writer);
}

void log_reader_stray(struct log_reader *reader, const struct list *sinks, const char *octets, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (octets[i] == '\n' || reader->stray_used == sizeof(reader->stray) - 1)
			say_stray(reader, sinks);
		if (octets[i] != '\0' && octets[i] != '\n')
			reader->stray[reader->stray_used++] = octets[i];
	}
}

void log_reader_end_stray(struct log_reader *reader, const struct list *sinks)
{
	say_stray(reader, sinks);
}

void log_reader_report(struct log_reader *reader, bool now)
{
	uint64_t lost = line_queue_lost(&reader->queue), now_ms = clock_now_ms();

	if (lost + reader->strangers == 0 ||
	    (!now && reader->lost_ms != 0 && now_ms - reader->lost_ms < REPORT_INTERVAL_MS))
		return;
	log_warn("access log: lines lost: %" PRIu64 " (of %s [%d]: %s)", lost + reader->strangers, reader->who.tag,
		 (int)reader->who.pid, lost > 0 ? "there was no room for them" : "for no log that there is");
	line_queue_lost_told(&reader->queue, lost);
	reader->strangers = 0;
	reader->lost_ms = now_ms;
}
