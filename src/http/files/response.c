/* SPDX-License-Identifier: MIT
 *
 * See response.h. One builder per process: every response is made, and written or copied, before the
 * next one is begun, so one scratch space is enough. */
#include "http/files/response.h"

#include "base/clock.h"
#include "http/message/date.h"
#include "http/message/head.h"
#include "http/site/header_rules.h"
#include "http/site/site.h"
#include "http/message/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_ROOM = 256, BODY_ROOM = 640 };

struct response_builder {
	int64_t second;
	char date[DATE_LENGTH];
	size_t tag_length;
	char tag[TAG_ROOM]; /* the line that names the worker */
	struct head head;   /* the one under construction */
	char scratch[RESPONSE_SCRATCH_SIZE];
};

struct response_builder *response_builder_new(const char *worker_tag)
{
	struct response_builder *builder = malloc(sizeof(*builder));
	int length = 0;

	if (!builder)
		return NULL;
	if (worker_tag)
		length = snprintf(builder->tag, TAG_ROOM, "X-Brood-Worker: %.200s\r\n", worker_tag);
	builder->tag_length = (size_t)length;
	builder->second = -1;
	response_builder_tick(builder);
	return builder;
}

void response_builder_free(struct response_builder *builder)
{
	free(builder);
}

struct slice response_date(const struct response_builder *builder, int64_t *second)
{
	*second = builder->second;
	return (struct slice){builder->date, DATE_LENGTH};
}

void response_builder_tick(struct response_builder *builder)
{
	int64_t now = clock_wall_seconds();

	if (now == builder->second)
		return;
	builder->second = now;
	date_format(builder->date, now);
}

void response_put_common(const struct response_builder *builder, const struct http_location *location,
			 struct head *head)
{
	head_put(head, location ? location->fields : SLICE("Server: " HEADER_SERVER "\r\n"));
	head_put(head, (struct slice){builder->tag, builder->tag_length});
}

void response_begin(struct response_builder *builder, struct response *response, const struct http_location *location,
		    unsigned status)
{
	*response = (struct response){.status = status, .file_fd = -1, .location = location};
	head_begin(&builder->head, builder->scratch, sizeof(builder->scratch), status,
		   (struct slice){builder->date, DATE_LENGTH});
	response_put_common(builder, location, &builder->head);
}

void response_field(struct response_builder *builder, const char *name, struct slice value)
{
	head_field(&builder->head, name, value);
}

void response_lines(struct response_builder *builder, struct slice lines)
{
	head_put(&builder->head, lines);
}

void response_field_u64(struct response_builder *builder, const char *name, uint64_t value)
{
	head_field_u64(&builder->head, name, value);
}

void response_content_range(struct response_builder *builder, uint64_t first, uint64_t length, uint64_t size)
{
	head_content_range(&builder->head, first, length, size);
}

bool response_finish(struct response_builder *builder, struct response *response)
{
	bool fits = !builder->head.full;

	if (!fits) {
		response_begin(builder, response, response->location, 500);
		head_field_u64(&builder->head, "Content-Length", 0);
	}
	response->head = head_written(&builder->head);
	return fits;
}

/* A page that follows the reader's choice of light or dark; valid HTML, in which the html, head and
 * body tags may be left out. */
static struct slice write_body(char *room, unsigned status, const char *sentence)
{
	const char *reason = status_find(status)->text;
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
			      status, reason, status, reason, sentence);

	assert(length > 0 && length < BODY_ROOM);
	return (struct slice){room, (size_t)length};
}

static void answer_with_sentence(struct response_builder *builder, struct response *response,
				 const struct http_location *location, unsigned status, struct slice extra,
				 const char *sentence)
{
	struct head *head = &builder->head;
	char body[BODY_ROOM];
	struct slice page = write_body(body, status, sentence), lines;

	response_begin(builder, response, location, status);
	head_put(head, extra);
	head_field(head, "Content-Type", SLICE("text/html; charset=utf-8"));
	head_field_u64(head, "Content-Length", page.len);
	lines = head_written(head);
	head_put(head, SLICE("\r\n"));
	head_put(head, page);
	if (!response_finish(builder, response))
		return;
	response->head = lines;
	response->body = (struct slice){head->at - page.len, page.len};
	response->contiguous = true;
}

void response_explained(struct response_builder *builder, struct response *response, unsigned status,
			const char *sentence)
{
	answer_with_sentence(builder, response, NULL, status, SLICE(""), sentence);
}

void response_simple(struct response_builder *builder, struct response *response, const struct http_location *location,
		     unsigned status, struct slice extra)
{
	answer_with_sentence(builder, response, location, status, extra, status_find(status)->explanation);
}
