/* SPDX-License-Identifier: MIT
 *
 * See representation.h. A file that is in memory and asked for without conditions costs no system
 * call and no allocation. */
#include "http/representation.h"

#include "http/cond.h"
#include "http/date.h"
#include "http/file.h"
#include "http/range.h"
#include "http/request.h"
#include "http/response.h"
#include "http/static.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	CONTENT_RANGE_ROOM = 80,
	CONDITIONAL_FIELDS = 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH |
			     1u << FIELD_IF_MODIFIED_SINCE | 1u << FIELD_IF_UNMODIFIED_SINCE |
			     1u << FIELD_RANGE,
};

/* In a head in the scratch space: what depends on the file, without its length. */
static void put_fields(struct response_maker *maker, const struct file *file)
{
	char modified[DATE_LENGTH];
	int64_t second;

	response_date(maker, &second);
	date_format(modified, file_last_modified(file, second));
	response_field(maker, "Content-Type", file->type);
	response_field(maker, "Last-Modified", (struct slice){modified, DATE_LENGTH});
}

/* All of it. The reference goes into the response. */
static void answer_whole(struct response_maker *maker, struct response *response, struct file *file)
{
	int64_t second;
	struct slice date = response_date(maker, &second);

	if (file->date_second == second || file_set_date(file, date, second)) {
		*response =
			(struct response){.status = 200, .head = file->head, .contiguous = true};
	} else {
		/* A slow client is still being sent the head with the former date. */
		response_begin(maker, response, 200);
		put_fields(maker, file);
		response_field_u64(maker, "Content-Length", file->stamp.size);
		response_field(maker, "ETag", file->etag);
		response_field(maker, "Accept-Ranges", SLICE("bytes"));
		if (!response_finish(maker, response)) {
			file_release(file);
			return;
		}
	}
	response->body = file->body;
	response->file_fd = file->fd;
	response->file_length = file->fd == -1 ? 0 : file->stamp.size;
	response->file = file;
}

/* Some of it. The reference goes into the response. */
static void answer_part(const struct request *request, struct response_maker *maker,
			struct response *response, struct file *file, const struct range *range)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			      range->first, range->first + range->length - 1, file->stamp.size);

	response_begin(maker, response, 206);
	/* Who sent If-Range has these already (RFC 9110 section 15.3.7). */
	if (!request_has(request, FIELD_IF_RANGE))
		put_fields(maker, file);
	response_field(maker, "Content-Range", (struct slice){text, (size_t)length});
	response_field_u64(maker, "Content-Length", range->length);
	response_field(maker, "ETag", file->etag);
	response_field(maker, "Accept-Ranges", SLICE("bytes"));
	if (!response_finish(maker, response)) {
		file_release(file);
		return;
	}
	response->file = file;
	response->file_fd = file->fd;
	if (file->fd == -1) {
		response->body = (struct slice){file->body.ptr + range->first, range->length};
	} else {
		response->file_offset = range->first;
		response->file_length = range->length;
	}
}

static void answer_unsatisfiable(struct response_maker *maker, struct response *response,
				 uint64_t size)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "Content-Range: bytes */%" PRIu64 "\r\n", size);

	response_simple(maker, response, 416, (struct slice){text, (size_t)length});
}

static void answer_range(const struct request *request, struct response_maker *maker,
			 struct response *response, struct file *file)
{
	/* Two Range lines are no list: the field is not one (RFC 9110 section 5.3). */
	const struct request_field *field = request_field(request, FIELD_RANGE, NULL);
	struct range_set set = {0};
	enum range_verdict verdict = RANGE_IGNORE;

	if (field && !request_field(request, FIELD_RANGE, field))
		verdict = range_parse(field->value, file->stamp.size, &set);
	if (verdict == RANGE_UNSATISFIABLE) {
		answer_unsatisfiable(maker, response, file->stamp.size);
		file_release(file);
	} else if (verdict == RANGE_SATISFIABLE && set.asked == 1) {
		answer_part(request, maker, response, file, &set.ranges[0]);
	} else {
		answer_whole(maker, response, file);
	}
}

static void answer_not_modified(struct response_maker *maker, struct response *response,
				const struct file *file)
{
	/* Of what a 200 would have, only these two guide a cache (RFC 9110 section 15.4.5). */
	response_begin(maker, response, 304);
	response_field(maker, "ETag", file->etag);
	response_finish(maker, response);
}

static void answer_conditionally(const struct request *request, struct response_maker *maker,
				 struct response *response, struct file *file)
{
	struct validators current = {.etag = file->etag};

	response_date(maker, &current.now);
	current.last_modified = file_last_modified(file, current.now);
	switch (cond_check(request, &current)) {
	case COND_NOT_MODIFIED:
		answer_not_modified(maker, response, file);
		file_release(file);
		return;
	case COND_FAILED:
		response_simple(maker, response, 412, SLICE(""));
		file_release(file);
		return;
	case COND_GO_ON:
		break;
	}
	if (request->method == METHOD_GET && request_has(request, FIELD_RANGE) &&
	    cond_range_applies(request, &current))
		answer_range(request, maker, response, file);
	else
		answer_whole(maker, response, file);
}

void representation_answer(const struct request *request, struct response_maker *maker,
			   struct response *response, struct file *file)
{
	if (request->present & CONDITIONAL_FIELDS)
		answer_conditionally(request, maker, response, file);
	else
		answer_whole(maker, response, file);
}
