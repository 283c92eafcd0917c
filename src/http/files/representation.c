/* SPDX-License-Identifier: MIT
 *
 * See representation.h. A file that is in memory and asked for without conditions costs no system
 * call and no allocation. */
#include "http/files/representation.h"

#include "http/message/cond.h"
#include "http/message/date.h"
#include "http/files/file.h"
#include "http/files/multipart.h"
#include "http/message/range.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "http/files/static.h"
#include "http/files/variants.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CONTENT_RANGE_ROOM = 80,
	CONDITIONAL_FIELDS = 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH | 1u << FIELD_IF_MODIFIED_SINCE |
			     1u << FIELD_IF_UNMODIFIED_SINCE | 1u << FIELD_RANGE,
};

/* Some 20 ms of work: the loop goes on. Until the next tick clients get the file as it is. */
enum { COMPRESS_MAX = 256 << 10 };

struct representer {
	struct multipart *multipart;
	struct variants_maker variants;
};

void representer_tick(struct representer *representer)
{
	representer->variants.budget = COMPRESS_MAX;
}

struct representer *representer_new(struct file_cache *cache)
{
	struct representer *representer = calloc(1, sizeof(*representer));

	if (!representer)
		return NULL;
	representer->multipart = multipart_new();
	if (!representer->multipart) {
		representer_free(representer);
		return NULL;
	}
	representer->variants.cache = cache;
	representer_tick(representer);
	return representer;
}

void representer_free(struct representer *representer)
{
	if (!representer)
		return;
	multipart_free(representer->multipart);
	free(representer);
}

/* In a head in the scratch space. The first two are of no use to who has part of the file. */
static void put_coding_and_time(struct response_maker *maker, const struct file *file)
{
	char modified[DATE_LENGTH];
	int64_t second;

	response_date(maker, &second);
	if (file->coding != CODING_IDENTITY)
		response_field(maker, "Content-Encoding", coding_name(file->coding));
	date_format(modified, file_last_modified(file, second));
	response_field(maker, "Last-Modified", (struct slice){modified, DATE_LENGTH});
}

static void put_tag(struct response_maker *maker, const struct file *file)
{
	response_field(maker, "ETag", file->etag);
	if (file->varies)
		response_field(maker, "Vary", SLICE("Accept-Encoding"));
	response_lines(maker, file->freshness);
}

static void put_length_and_tag(struct response_maker *maker, const struct file *file, uint64_t length)
{
	response_field_u64(maker, "Content-Length", length);
	response_field(maker, "Accept-Ranges", SLICE("bytes"));
	put_tag(maker, file);
}

/* All of it. The reference goes into the response. */
static void answer_whole(struct response_maker *maker, struct response *response, struct file *file)
{
	int64_t second;
	struct slice date = response_date(maker, &second);

	if (file->date_second == second || file_set_date(file, date, second)) {
		*response = (struct response){.status = 200, .head = file->head, .contiguous = true};
	} else {
		/* A slow client is still being sent the head with the former date. */
		response_begin(maker, response, 200);
		response_field(maker, "Content-Type", file->type);
		put_coding_and_time(maker, file);
		put_length_and_tag(maker, file, file->stamp.size);
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
static void answer_part(const struct request *request, struct response_maker *maker, struct response *response,
			struct file *file, const struct range *range)
{
	response_begin(maker, response, 206);
	/* Who sent If-Range has these already (RFC 9110 section 15.3.7). */
	if (!request_has(request, FIELD_IF_RANGE)) {
		response_field(maker, "Content-Type", file->type);
		put_coding_and_time(maker, file);
	}
	response_content_range(maker, range->first, range->length, file->stamp.size);
	put_length_and_tag(maker, file, range->length);
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

/* Several pieces of it. The reference goes into the response. */
static void answer_parts(struct representer *representer, const struct request *request, struct response_maker *maker,
			 struct response *response, struct file *file, const struct range_set *set)
{
	uint64_t length;

	response_begin(maker, response, 206);
	length = multipart_make(representer->multipart, response, file, set);
	response_field(maker, "Content-Type", multipart_type(representer->multipart));
	if (!request_has(request, FIELD_IF_RANGE))
		put_coding_and_time(maker, file);
	put_length_and_tag(maker, file, length);
	if (response_finish(maker, response))
		response->file = file;
	else
		file_release(file);
}

static void answer_unsatisfiable(struct response_maker *maker, struct response *response, uint64_t size)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "Content-Range: bytes */%" PRIu64 "\r\n", size);

	response_simple(maker, response, 416, (struct slice){text, (size_t)length});
}

static void answer_range(struct representer *representer, const struct request *request, struct response_maker *maker,
			 struct response *response, struct file *file)
{
	/* Two Range lines are no list: the field is not one (RFC 9110 section 5.3). */
	const struct request_field *field = request_field(request, FIELD_RANGE, NULL);
	struct range_set set = {0};
	enum range_verdict verdict = RANGE_IGNORE;

	if (field && !request_field(request, FIELD_RANGE, field))
		verdict = range_parse(field->value, file->stamp.size, &set);
	if (verdict == RANGE_SATISFIABLE)
		range_join(&set, multipart_overhead(file));
	if (verdict == RANGE_UNSATISFIABLE) {
		answer_unsatisfiable(maker, response, file->stamp.size);
		file_release(file);
	} else if (verdict == RANGE_SATISFIABLE && set.count == 1) {
		answer_part(request, maker, response, file, &set.ranges[0]);
	} else if (verdict == RANGE_SATISFIABLE) {
		answer_parts(representer, request, maker, response, file, &set);
	} else {
		answer_whole(maker, response, file);
	}
}

static void answer_not_modified(struct response_maker *maker, struct response *response, const struct file *file)
{
	/* Of what a 200 would have, only these guide a cache (RFC 9110 section 15.4.5). */
	response_begin(maker, response, 304);
	put_tag(maker, file);
	response_finish(maker, response);
}

static void answer_conditionally(struct representer *representer, const struct request *request,
				 struct response_maker *maker, struct response *response, struct file *file)
{
	/* Who accepts gzip may have part of what is made of a file in place of the file. */
	struct validators current = {
		.etag = file->etag,
		.of_another =
			file->variants && file->variants->makes_gzip && request_has(request, FIELD_ACCEPT_ENCODING),
	};

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
	if (request->method == METHOD_GET && request_has(request, FIELD_RANGE) && cond_range_applies(request, &current))
		answer_range(representer, request, maker, response, file);
	else
		answer_whole(maker, response, file);
}

void representation_answer(struct representer *representer, const struct request *request, struct response_maker *maker,
			   struct response *response, struct file *file)
{
	if (file->variants && request_has(request, FIELD_ACCEPT_ENCODING)) {
		representer->variants.maker = maker;
		file = variants_choose(&representer->variants, file, request);
	}
	if (request->present & CONDITIONAL_FIELDS)
		answer_conditionally(representer, request, maker, response, file);
	else
		answer_whole(maker, response, file);
}
