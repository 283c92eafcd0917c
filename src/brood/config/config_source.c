/* SPDX-License-Identifier: MIT
 *
 * The text of a configuration file, with what it includes put in its place. */
#include "brood/config/config_source.h"

#include "base/fd.h"
#include "brood/system/absolute_path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libconfig 1.5 reads bare integers with atoi and wraps without a word; no setting needs one longer
 * than this. */
enum { NUMBER_LENGTH_MAX = 9 };

/* What the scanner is in: an @include counts between settings only. */
enum state { PLAIN, TEXT, BLOCK_COMMENT };

/* One file while it is read. */
struct reading {
	struct config_source *source;
	struct report *report;
	struct origin origin; /* the line at hand */
	unsigned depth;
	enum state state;
	unsigned opened; /* line on which the text or comment at hand began */
};

/* `from`: who includes it; NULL for the outermost file. */
static int read_file(struct config_source *source, struct report *report, const char *path, const struct origin *from,
		     unsigned depth);

struct origin config_source_origin(const struct config_source *source, unsigned line)
{
	struct origin origin = {0};

	for (size_t i = 0; i < source->span_count && source->spans[i].first <= line; i++) {
		origin.file = source->spans[i].file;
		origin.line = source->spans[i].line + (line - source->spans[i].first);
	}
	return origin;
}

/* From here on lines of the whole come from `file`. There is room: two for each file. */
static void begin_span(struct config_source *source, const char *file, unsigned line)
{
	source->spans[source->span_count++] = (struct config_span){source->lines + 1, line, file};
}

/* What the shell's <(...) stands for, among others: open in the process that was started so, and closed by a
 * server at its start, since a descriptor that nobody knows of hides somebody's end-of-file. */
static bool is_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

static const char *why_not_open(const char *path, int error)
{
	return is_descriptor(path) ? "is a descriptor of whoever started this, as of <(...): what is read "
				     "again at each reload has to be a file that stays"
				   : strerror(error);
}

/* NULL: it can be read. */
static const char *why_not_read(mode_t mode)
{
	if (S_ISREG(mode) || S_ISCHR(mode))
		return NULL;
	if (S_ISFIFO(mode))
		return "is a pipe, as of <(...): what is read again at each reload has to be a file that stays";
	return S_ISDIR(mode) ? "is a directory" : "is not a regular file";
}

/* Non-blocking, and no FIFO: the master does not wait for whoever may write to one. Returns an fd
 * or -errno; *what tells in words why not. */
static int open_text(const char *path, const char **what)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : 0;
	struct stat info;

	*what = rc < 0 ? why_not_open(path, -rc) : NULL;
	if (rc == 0 && fstat(fd, &info) < 0) {
		rc = -errno;
		*what = strerror(-rc);
	} else if (rc == 0) {
		*what = why_not_read(info.st_mode);
		rc = *what ? -EINVAL : 0;
	}
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

/* Reads all of a file into an empty buffer; NULL, or what is wrong in words. */
static const char *load(const char *path, size_t room, struct buffer *out)
{
	const char *what;
	int fd = open_text(path, &what);
	ssize_t got;

	if (fd < 0)
		return what;
	for (;;) {
		if (buffer_reserve(out, 16384) < 0) {
			what = "no memory";
			break;
		}
		got = read(fd, out->data + out->used, out->room - out->used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			what = strerror(errno);
		if (got <= 0)
			break;
		out->used += (size_t)got;
		if (out->used > room) {
			what = "too large (256 KiB at most, with all that is included)";
			break;
		}
	}
	fd_close(&fd);
	if (!what && memchr(out->data, '\0', out->used))
		what = "is not text (octet 0 in it)";
	return what;
}

/* Follows texts and comments through a line, and finds numbers too long. */
static int scan(struct reading *at, const char *line, size_t length)
{
	for (size_t i = 0, run = 0; i < length; i++, run = 0) {
		char next = i + 1 < length ? line[i + 1] : '\0';

		if (at->state == TEXT) {
			if (line[i] == '\\')
				i++;
			else if (line[i] == '"')
				at->state = PLAIN;
		} else if (at->state == BLOCK_COMMENT) {
			if (line[i] == '*' && next == '/') {
				at->state = PLAIN;
				i++;
			}
		} else if (line[i] == '#' || (line[i] == '/' && next == '/')) {
			return 0;
		} else if (line[i] == '"' || (line[i] == '/' && next == '*')) {
			at->state = line[i] == '"' ? TEXT : BLOCK_COMMENT;
			at->opened = at->origin.line;
			i += line[i] != '"';
		} else if (isalnum((unsigned char)line[i])) {
			while (i + run < length && isalnum((unsigned char)line[i + run]))
				run++;
			if (isdigit((unsigned char)line[i]) && run > NUMBER_LENGTH_MAX) {
				report_add(at->report, &at->origin, "the number %.*s is too large",
					   run < 40 ? (int)run : 40, line + i);
				return -1;
			}
			i += run - 1;
		}
	}
	return 0;
}

static bool is_include(const char *line, size_t length, const char **rest)
{
	static const char word[] = "@include";
	size_t blank = 0;

	while (blank < length && (line[blank] == ' ' || line[blank] == '\t'))
		blank++;
	*rest = line + blank + sizeof(word) - 1;
	return length - blank >= sizeof(word) - 1 && memcmp(line + blank, word, sizeof(word) - 1) == 0;
}

/* `rest`: what is behind "@include", up to `end`. */
static int include(struct reading *at, const char *rest, const char *end)
{
	const char *close;
	char *name = NULL, *folder = NULL, *path = NULL;
	int rc = -1;

	while (rest < end && (*rest == ' ' || *rest == '\t'))
		rest++;
	close = rest < end && *rest == '"' ? memchr(rest + 1, '"', (size_t)(end - rest) - 1) : NULL;
	if (!close || close == rest + 1 || strspn(close + 1, " \t\r") < (size_t)(end - close) - 1) {
		report_add(at->report, &at->origin, "want @include \"FILE\" on a line of its own");
		return -1;
	}
	name = strndup(rest + 1, (size_t)(close - rest) - 1);
	folder = path_folder(at->origin.file);
	path = name && folder ? path_resolve(folder, name) : NULL;
	if (!path)
		report_add(at->report, &at->origin, "no memory");
	else
		rc = read_file(at->source, at->report, path, &at->origin, at->depth + 1);
	free(path);
	free(folder);
	free(name);
	return rc;
}

static int take_line(struct reading *at, const char *line, size_t length)
{
	struct buffer *text = &at->source->text;
	const char *rest;

	if (at->state == PLAIN && is_include(line, length, &rest)) {
		if (include(at, rest, line + length) < 0)
			return -1;
		begin_span(at->source, at->origin.file, at->origin.line + 1);
		return 0;
	}
	if (scan(at, line, length) < 0)
		return -1;
	if (buffer_append(text, line, length) < 0 || buffer_append(text, "\n", 1) < 0) {
		report_add(at->report, &at->origin, "no memory");
		return -1;
	}
	at->source->lines++;
	return 0;
}

static int take_lines(struct reading *at, const struct buffer *content)
{
	const char *line = content->data, *end = line + content->used, *stop;

	for (at->origin.line = 1; line < end; line = stop + 1, at->origin.line++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		if (take_line(at, line, (size_t)(stop - line)) < 0)
			return -1;
	}
	if (at->state == PLAIN)
		return 0;
	at->origin.line = at->opened;
	report_add(at->report, &at->origin, "this %s has no end", at->state == TEXT ? "text" : "comment");
	return -1;
}

/* Keeps the name for origins. NULL, or what is wrong in words. */
static const char *keep_name(struct config_source *source, const char *path, unsigned depth)
{
	char *name;

	/* An @include that leads back to itself ends here, too. */
	if (depth == CONFIG_SOURCE_DEPTH || source->file_count == CONFIG_SOURCE_FILES)
		return "too many files are included";
	name = strdup(path);
	if (!name)
		return "no memory";
	source->files[source->file_count++] = name;
	return NULL;
}

static int read_file(struct config_source *source, struct report *report, const char *path, const struct origin *from,
		     unsigned depth)
{
	struct reading at = {.source = source, .report = report, .depth = depth};
	struct buffer content = {0};
	const char *what = keep_name(source, path, depth);
	int rc = -1;

	if (!what) {
		at.origin.file = source->files[source->file_count - 1];
		what = load(path, CONFIG_SOURCE_MAX - source->text.used, &content);
	}
	/* Nobody writes such a file: a disk was full, or whoever writes it is not done yet. Taken for "nothing is
	 * set" at a reload, it would put the default site on the default port in the place of what runs. */
	if (!what && !from && content.used == 0)
		what = "is empty (a server with defaults only is started without it)";
	if (what) {
		report_add(report, from, "%s '%s': %s", from ? "cannot include" : "configuration file", path, what);
	} else {
		begin_span(source, at.origin.file, 1);
		rc = take_lines(&at, &content);
	}
	buffer_free(&content);
	return rc;
}

int config_source_read(struct config_source *out, const char *file, struct report *report)
{
	memset(out, 0, sizeof(*out));
	if (read_file(out, report, file, NULL, 0) < 0)
		return -1;
	if (buffer_append(&out->text, "", 1) < 0) {
		report_add(report, NULL, "configuration file '%s': no memory", file);
		return -1;
	}
	return 0;
}

void config_source_free(struct config_source *source)
{
	for (size_t i = 0; i < source->file_count; i++)
		free(source->files[i]);
	buffer_free(&source->text);
	memset(source, 0, sizeof(*source));
}
