/* SPDX-License-Identifier: MIT
 *
 * See response.h. One maker per process: every response is made, and written or copied, before the
 * next one is begun, so one scratch space is enough. */
#include "http/files/response.h"

#include "base/clock.h"
#include "http/message/date.h"
#include "http/files/file.h"
#include "http/message/head.h"
#include "http/message/status.h"
#include "http/site/site.h"
#include "http/files/static.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_ROOM = 256, BODY_ROOM = 640 };

struct response_maker {
	int64_t second;
	char date[DATE_LENGTH];
	const struct response_style *style; /* NULL: the plain one */
	size_t tag_length;
	char tag[TAG_ROOM]; /* the line that names the worker */
	struct head head;   /* the one under construction */
	char scratch[RESPONSE_SCRATCH_SIZE];
};

struct response_maker *response_maker_new(const char *worker_tag)
{
	struct response_maker *maker = malloc(sizeof(*maker));
	int length = 0;

	if (!maker)
		return NULL;
	if (worker_tag)
		length = snprintf(maker->tag, TAG_ROOM, "X-Brood-Worker: %.200s\r\n", worker_tag);
	maker->tag_length = (size_t)length;
	maker->style = NULL;
	maker->second = -1;
	response_maker_tick(maker);
	return maker;
}

void response_maker_free(struct response_maker *maker)
{
	free(maker);
}

struct slice response_date(const struct response_maker *maker, int64_t *second)
{
	*second = maker->second;
	return (struct slice){maker->date, DATE_LENGTH};
}

void response_maker_tick(struct response_maker *maker)
{
	int64_t now = clock_wall_seconds();

	if (now == maker->second)
		return;
	maker->second = now;
	date_format(maker->date, now);
}

void response_set_style(struct response_maker *maker, const struct response_style *style)
{
	maker->style = style;
}

void response_put_common(const struct response_maker *maker, struct head *head)
{
	const struct http_location *location = maker->style ? maker->style->location : NULL;

	head_put(head, location ? location->fields : SLICE("Server: brood\r\n"));
	head_put(head, (struct slice){maker->tag, maker->tag_length});
}

void response_begin(struct response_maker *maker, struct response *response, unsigned status)
{
	*response = (struct response){.status = status, .file_fd = -1};
	head_begin(&maker->head, maker->scratch, sizeof(maker->scratch), status,
		   (struct slice){maker->date, DATE_LENGTH});
	response_put_common(maker, &maker->head);
}

void response_field(struct response_maker *maker, const char *name, struct slice value)
{
	head_field(&maker->head, name, value);
}

void response_lines(struct response_maker *maker, struct slice lines)
{
	head_put(&maker->head, lines);
}

void response_field_u64(struct response_maker *maker, const char *name, uint64_t value)
{
	head_field_u64(&maker->head, name, value);
}

void response_content_range(struct response_maker *maker, uint64_t first, uint64_t length, uint64_t size)
{
	head_content_range(&maker->head, first, length, size);
}

bool response_finish(struct response_maker *maker, struct response *response)
{
	bool fits = !maker->head.full;

	if (!fits) {
		response_begin(maker, response, 500);
		head_field_u64(&maker->head, "Content-Length", 0);
	}
	response->head = head_written(&maker->head);
	return fits;
}

/* A page that follows the reader's choice of light or dark; valid HTML, in which the html, head and
 * body tags may be left out. */
static struct slice write_body(char *room, unsigned status, const char *sentence)
{
	const struct status *reason = status_find(status);
	int length = snprintf(room, BODY_ROOM,
			      "<!DOCTYPE html>\n"
			      "<html lang=\"en\">\n"
			      "<meta charset=\"utf-8\">\n"
			      "<meta name=\"viewport\" content=\"width=device-width\">\n"
			      "<meta name=\"color-scheme\" content=\"light dark\">\n"
			      "<title>%u %s</title>\n"
			      "<style>body{font:1.2em system-ui,sans-serif;margin:20vh 2em;"
			      "text-align:center}</style>\n"
			      "<h1>%u %s</h1>\n"
			      "<p>%s</p>\n",
			      status, reason->text, status, reason->text, sentence);

	assert(length > 0 && length < BODY_ROOM);
	return (struct slice){room, (size_t)length};
}

/* The site's own page for an error; takes over the reference to the file. */
static void answer_with_page(struct response_maker *maker, struct response *response, unsigned status,
			     struct slice extra, struct file *page)
{
	response_begin(maker, response, status);
	head_put(&maker->head, extra);
	head_field(&maker->head, "Content-Type", page->type);
	head_field_u64(&maker->head, "Content-Length", page->stamp.size);
	if (!response_finish(maker, response)) {
		file_release(page);
		return;
	}
	response->body = page->body;
	response->file_fd = page->fd;
	response->file_length = page->fd == -1 ? 0 : page->stamp.size;
	response->file = page;
}

static void answer_with_sentence(struct response_maker *maker, struct response *response, unsigned status,
				 struct slice extra, const char *sentence)
{
	struct head *head = &maker->head;
	char body[BODY_ROOM];
	struct slice page = write_body(body, status, sentence), lines;

	response_begin(maker, response, status);
	head_put(head, extra);
	head_field(head, "Content-Type", SLICE("text/html; charset=utf-8"));
	head_field_u64(head, "Content-Length", page.len);
	lines = head_written(head);
	head_put(head, SLICE("\r\n"));
	head_put(head, page);
	if (!response_finish(maker, response))
		return;
	response->head = lines;
	response->body = (struct slice){head->at - page.len, page.len};
	response->contiguous = true;
}

void response_explained(struct response_maker *maker, struct response *response, unsigned status, const char *sentence)
{
	answer_with_sentence(maker, response, status, SLICE(""), sentence);
}

void response_simple(struct response_maker *maker, struct response *response, unsigned status, struct slice extra)
{
	struct file *file = NULL;

	if (maker->style && maker->style->location && status >= 400)
		file = maker->style->page(maker->style->context, status);
	if (file)
		answer_with_page(maker, response, status, extra, file);
	else
		answer_with_sentence(maker, response, status, extra, status_find(status)->explanation);
}
