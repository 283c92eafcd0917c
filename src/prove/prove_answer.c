/* SPDX-License-Identifier: MIT
 *
 * Reading one answer (prove_answer.h). */
#include "prove/prove_answer.h"

#include "base/slice.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fields {
	bool has_length, has_worker;
	uint64_t length;
};

void answer_expect(struct answer *answer, const char *content, size_t size)
{
	answer->content = content;
	answer->size = size;
	answer->body_read = 0;
	answer->in_body = false;
	answer->says_close = false;
	answer->worker = (struct answer_worker){0};
	answer->problem = NULL;
	answer->head_size = 0;
}

/* Digits up to `end` or, when that is NUL, to the text's end; false when there is anything else. */
static bool take_number(struct slice *text, char end, uint64_t max, uint64_t *out)
{
	size_t digits = 0;

	*out = 0;
	while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9') {
		*out = *out * 10 + (uint64_t)(text->ptr[digits++] - '0');
		if (*out > max)
			return false;
	}
	if (digits == 0 || (end ? digits == text->len || text->ptr[digits] != end : digits != text->len))
		return false;
	digits += end ? 1 : 0;
	text->ptr += digits;
	text->len -= digits;
	return true;
}

static bool read_worker(struct slice value, struct answer_worker *out)
{
	uint64_t slot, generation, pid;

	if (!take_number(&value, '-', UINT_MAX, &slot) || !take_number(&value, '-', UINT_MAX, &generation) ||
	    !take_number(&value, '\0', INT_MAX, &pid) || pid < 2)
		return false;
	*out = (struct answer_worker){(unsigned)slot, (unsigned)generation, (pid_t)pid};
	return true;
}

/* One field line, without its CRLF. NULL, or what is wrong with it. */
static const char *read_field(struct answer *answer, struct fields *fields, struct slice line)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	struct slice name, value;

	if (!colon || colon == line.ptr)
		return "a field line without a name";
	name = (struct slice){line.ptr, (size_t)(colon - line.ptr)};
	value = slice_trim((struct slice){colon + 1, line.len - name.len - 1});
	if (slice_equal_nocase(name, SLICE("Content-Length"))) {
		if (fields->has_length || !take_number(&value, '\0', INT64_MAX / 16, &fields->length))
			return "no single, plain Content-Length";
		fields->has_length = true;
	} else if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
		return "a Transfer-Encoding";
	} else if (slice_equal_nocase(name, SLICE("Connection"))) {
		answer->says_close |= slice_equal_nocase(value, SLICE("close"));
	} else if (slice_equal_nocase(name, SLICE("X-Brood-Worker"))) {
		if (fields->has_worker || !read_worker(value, &answer->worker))
			return "no single X-Brood-Worker of slot, generation and pid";
		fields->has_worker = true;
	}
	return NULL;
}

/* The next line of the head, by CRLF; a CR or LF alone, or a NUL, is in none. */
static bool next_line(struct slice *head, struct slice *line)
{
	const char *end = memmem(head->ptr, head->len, "\r\n", 2);

	if (!end)
		return false;
	*line = (struct slice){head->ptr, (size_t)(end - head->ptr)};
	head->ptr = end + 2;
	head->len -= line->len + 2;
	return !memchr(line->ptr, '\r', line->len) && !memchr(line->ptr, '\n', line->len) &&
	       !memchr(line->ptr, '\0', line->len);
}

static const char *read_head(struct answer *answer)
{
	static const struct slice good = SLICE("HTTP/1.1 200 ");
	struct slice head = {answer->head, answer->head_size - 2}, line;
	struct fields fields = {0};
	const char *problem = NULL;

	if (!next_line(&head, &line) || line.len < good.len || memcmp(line.ptr, good.ptr, good.len) != 0)
		return "another status line than HTTP/1.1 200";
	while (!problem && head.len > 0)
		problem = next_line(&head, &line) ? read_field(answer, &fields, line)
						  : "a line of the head that does not end in CRLF";
	if (problem)
		return problem;
	if (!fields.has_length || fields.length != answer->size)
		return "another length than the file's";
	return fields.has_worker ? NULL : "no X-Brood-Worker";
}

static enum answer_step wrong(struct answer *answer, const char *problem)
{
	answer->problem = problem;
	return ANSWER_WRONG;
}

/* Adds to the head until it ends by an empty line. */
static enum answer_step take_head(struct answer *answer, const char *data, size_t size, size_t *used)
{
	while (*used < size) {
		if (answer->head_size == ANSWER_HEAD_MAX)
			return wrong(answer, "a head that is too long");
		answer->head[answer->head_size++] = data[(*used)++];
		if (answer->head_size >= 4 && memcmp(answer->head + answer->head_size - 4, "\r\n\r\n", 4) == 0) {
			const char *problem = read_head(answer);

			answer->in_body = true;
			return problem ? wrong(answer, problem) : ANSWER_DONE;
		}
	}
	return ANSWER_MORE;
}

enum answer_step answer_take(struct answer *answer, const char *data, size_t size, size_t *used)
{
	size_t part, missing;

	*used = 0;
	if (!answer->in_body) {
		enum answer_step step = take_head(answer, data, size, used);

		if (step != ANSWER_DONE)
			return step;
	}
	missing = answer->size - answer->body_read;
	part = size - *used < missing ? size - *used : missing;
	if (memcmp(data + *used, answer->content + answer->body_read, part) != 0)
		return wrong(answer, "octets that are not the file's");
	answer->body_read += part;
	*used += part;
	return answer->body_read == answer->size ? ANSWER_DONE : ANSWER_MORE;
}
