/* SPDX-License-Identifier: MIT
 *
 * See representation.h. A file that is in memory and asked for without conditions costs no system
 * call and no allocation. */
#include "http/files/representation.h"

#include "http/files/answering.h"
#include "http/message/cond.h"
#include "http/message/date.h"
#include "http/files/file_entry.h"
#include "http/files/multipart.h"
#include "http/message/range.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "http/files/status_answer.h"
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

struct representer *representer_new(struct file_cache *cache, const struct response_builder *builder)
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
	representer->variants.builder = builder;
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
static void put_coding_and_time(const struct answering *at, const struct file *file)
{
	char modified[DATE_LENGTH];
	int64_t second;

	response_date(at->builder, &second);
	if (file->coding != CODING_IDENTITY)
		response_field(at->builder, "Content-Encoding", coding_name(file->coding));
	date_format(modified, file_last_modified(file, second));
	response_field(at->builder, "Last-Modified", (struct slice){modified, DATE_LENGTH});
}

static void put_tag(const struct answering *at, const struct file *file)
{
	response_field(at->builder, "ETag", file->etag);
	if (file->varies)
		response_field(at->builder, "Vary", SLICE("Accept-Encoding"));
	response_lines(at->builder, file->cache_control);
}

static void put_length_and_tag(const struct answering *at, const struct file *file, uint64_t length)
{
	response_field_u64(at->builder, "Content-Length", length);
	response_field(at->builder, "Accept-Ranges", SLICE("bytes"));
	put_tag(at, file);
}

/* All of it. The reference goes into the response. */
static void answer_whole(const struct answering *at, struct file *file)
{
	int64_t second;
	struct slice date = response_date(at->builder, &second);

	if (file->date_second == second || file_set_date(file, date, second)) {
		*at->response = (struct response){.status = 200, .head = file->head, .contiguous = true};
	} else {
		/* A slow client is still being sent the head with the former date. */
		response_begin(at->builder, at->response, at->location, 200);
		response_field(at->builder, "Content-Type", file->type);
		put_coding_and_time(at, file);
		put_length_and_tag(at, file, file->stamp.size);
		if (!response_finish(at->builder, at->response)) {
			file_release(file);
			return;
		}
	}
	at->response->body = file->body;
	at->response->file_fd = file->fd;
	at->response->file_length = file->fd == -1 ? 0 : file->stamp.size;
	at->response->file = file;
}

/* Some of it. The reference goes into the response. */
static void answer_part(const struct answering *at, struct file *file, const struct range *range)
{
	response_begin(at->builder, at->response, at->location, 206);
	/* Who sent If-Range has these already (RFC 9110 section 15.3.7). */
	if (!request_has(at->request, FIELD_IF_RANGE)) {
		response_field(at->builder, "Content-Type", file->type);
		put_coding_and_time(at, file);
	}
	response_content_range(at->builder, range->first, range->length, file->stamp.size);
	put_length_and_tag(at, file, range->length);
	if (!response_finish(at->builder, at->response)) {
		file_release(file);
		return;
	}
	at->response->file = file;
	at->response->file_fd = file->fd;
	if (file->fd == -1) {
		at->response->body = (struct slice){file->body.ptr + range->first, range->length};
	} else {
		at->response->file_offset = range->first;
		at->response->file_length = range->length;
	}
}

/* Several pieces of it. The reference goes into the response. */
static void answer_parts(struct representer *representer, const struct answering *at, struct file *file,
			 const struct range_set *set)
{
	uint64_t length;

	response_begin(at->builder, at->response, at->location, 206);
	length = multipart_make(representer->multipart, at->response, file, set);
	response_field(at->builder, "Content-Type", multipart_type(representer->multipart));
	if (!request_has(at->request, FIELD_IF_RANGE))
		put_coding_and_time(at, file);
	put_length_and_tag(at, file, length);
	if (response_finish(at->builder, at->response))
		at->response->file = file;
	else
		file_release(file);
}

static void answer_unsatisfiable(const struct answering *at, uint64_t size)
{
	char text[CONTENT_RANGE_ROOM];
	int length = snprintf(text, sizeof(text), "Content-Range: bytes */%" PRIu64 "\r\n", size);

	status_answer(at, 416, (struct slice){text, (size_t)length});
}

static void answer_range(struct representer *representer, const struct answering *at, struct file *file)
{
	/* Two Range lines are no list: the field is not one (RFC 9110 section 5.3). */
	const struct request_field *field = request_field(at->request, FIELD_RANGE, NULL);
	struct range_set set = {0};
	enum range_verdict verdict = RANGE_IGNORE;

	if (field && !request_field(at->request, FIELD_RANGE, field))
		verdict = range_parse(field->value, file->stamp.size, &set);
	if (verdict == RANGE_SATISFIABLE)
		range_join(&set, multipart_overhead(file));
	if (verdict == RANGE_UNSATISFIABLE) {
		answer_unsatisfiable(at, file->stamp.size);
		file_release(file);
	} else if (verdict == RANGE_SATISFIABLE && set.count == 1) {
		answer_part(at, file, &set.ranges[0]);
	} else if (verdict == RANGE_SATISFIABLE) {
		answer_parts(representer, at, file, &set);
	} else {
		answer_whole(at, file);
	}
}

static void answer_not_modified(const struct answering *at, const struct file *file)
{
	/* Of what a 200 would have, only these guide a cache (RFC 9110 section 15.4.5). */
	response_begin(at->builder, at->response, at->location, 304);
	put_tag(at, file);
	response_finish(at->builder, at->response);
}

static void answer_conditionally(struct representer *representer, const struct answering *at, struct file *file)
{
	/* Who accepts gzip may have part of what is made of a file in place of the file. */
	struct validators current = {
		.etag = file->etag,
		.of_another = file->makes_gzip && request_has(at->request, FIELD_ACCEPT_ENCODING),
	};

	response_date(at->builder, &current.now);
	current.last_modified = file_last_modified(file, current.now);
	switch (cond_check(at->request, &current)) {
	case COND_NOT_MODIFIED:
		answer_not_modified(at, file);
		file_release(file);
		return;
	case COND_FAILED:
		status_answer(at, 412, SLICE(""));
		file_release(file);
		return;
	case COND_GO_ON:
		break;
	}
	if (at->request->method == METHOD_GET && request_has(at->request, FIELD_RANGE) &&
	    cond_range_applies(at->request, &current))
		answer_range(representer, at, file);
	else
		answer_whole(at, file);
}

void representation_answer(struct representer *representer, const struct answering *at, struct file_entry *entry)
{
	struct file *file;

	if (entry->variants && request_has(at->request, FIELD_ACCEPT_ENCODING))
		file = variants_take(&representer->variants, entry, at->request);
	else
		file = file_entry_take(entry, entry->file);
	if (at->request->present & CONDITIONAL_FIELDS)
		answer_conditionally(representer, at, file);
	else
		answer_whole(at, file);
}
