/* SPDX-License-Identifier: MIT
 *
 * The body reader: octets to content or a refusal, the same however they are cut. */
#include "http/message/body.h"

#include "http/message/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const struct body_limits limits = {
	.size_max = 40, .extensions_max = 40, .trailer_size_max = 60, .trailer_fields_max = 3};

struct row {
	const char *octets;
	size_t size;
	enum refusal refusal;
	const char *content; /* or what there is of it before the refusal */
	size_t behind;       /* octets that are left behind the body */
	bool unfinished;
};

#define TAKEN(octets, content)                                              \
	{                                                                   \
		octets, sizeof(octets) - 1, REFUSAL_NONE, content, 0, false \
	}
#define BEHIND(octets, content, behind)                                                                    \
	{                                                                                                  \
		octets behind, sizeof(octets behind) - 1, REFUSAL_NONE, content, sizeof(behind) - 1, false \
	}
#define MORE(octets, content)                                              \
	{                                                                  \
		octets, sizeof(octets) - 1, REFUSAL_NONE, content, 0, true \
	}
#define REFUSED(octets, refusal, content)                              \
	{                                                              \
		octets, sizeof(octets) - 1, refusal, content, 0, false \
	}
#define END                     "0\r\n\r\n"
#define SIZE_FAULT(octets)      REFUSED(octets, REFUSAL_CHUNK_SIZE, "")
#define EXTENSION_FAULT(octets) REFUSED(octets, REFUSAL_CHUNK_EXTENSION, "")
#define TRAILER_FAULT(octets)   REFUSED("0\r\n" octets, REFUSAL_TRAILER, "")

static const struct row rows[] = {
	/* Content. */
	TAKEN(END, ""),
	TAKEN("5\r\nhello\r\n" END, "hello"),
	TAKEN("1\r\na\r\n2\r\nbc\r\n" END, "abc"),
	TAKEN("0005\r\nhello\r\n0000\r\n\r\n", "hello"),
	TAKEN("a\r\n0123456789\r\n" END, "0123456789"),
	TAKEN("A\r\n0123456789\r\n" END, "0123456789"),
	TAKEN("2\r\n\r\n\r\n" END, "\r\n"),
	TAKEN("5\r\n0\r\n\r\n\r\n" END, "0\r\n\r\n"),
	TAKEN("00000000000000000000000000000001\r\na\r\n" END, "a"),
	BEHIND(END, "", "GET / HTTP/1.1\r\n"),
	BEHIND("1\r\na\r\n" END, "a", "\r\n"),
	BEHIND(END, "", "0\r\n\r\n"),

	/* Not there yet. */
	MORE("", ""),
	MORE("5", ""),
	MORE("5\r", ""),
	MORE("5\r\n", ""),
	MORE("5\r\nhe", "he"),
	MORE("5\r\nhello", "hello"),
	MORE("5\r\nhello\r", "hello"),
	MORE("5\r\nhello\r\n", "hello"),
	MORE("0\r\n", ""),
	MORE("0\r\n\r", ""),
	MORE("0\r\nX: y\r\n", ""),
	MORE("5;a=\"b", ""),

	/* Sizes. */
	SIZE_FAULT("x"),
	SIZE_FAULT("g\r\n"),
	SIZE_FAULT("-5\r\n"),
	SIZE_FAULT("+5\r\n"),
	SIZE_FAULT("0x5\r\n"),
	SIZE_FAULT("\r\n"),
	SIZE_FAULT(" 5\r\n"),
	SIZE_FAULT("\t5\r\n"),
	SIZE_FAULT("5\n"),
	SIZE_FAULT("5\r\r\n"),
	SIZE_FAULT("5\rx"),
	SIZE_FAULT("5\0\r\n"),
	SIZE_FAULT("5,5\r\n"),
	SIZE_FAULT("5.0\r\n"),
	SIZE_FAULT("\"5\"\r\n"),
	SIZE_FAULT(";a\r\n"),
	SIZE_FAULT("5h\r\n"),
	SIZE_FAULT("5\x80\r\n"),
	SIZE_FAULT("10000000000000000\r\n"),
	SIZE_FAULT("fffffffffffffffff\r\n"),
	SIZE_FAULT("000000000000000000000000000000001\r\n"),
	REFUSED("29\r\n", REFUSAL_BODY_SIZE, ""),
	REFUSED("ffffffffffffffff\r\n", REFUSAL_BODY_SIZE, ""),
	TAKEN("28\r\n0123456789012345678901234567890123456789\r\n" END, "0123456789012345678901234567890123456789"),
	REFUSED("27\r\n012345678901234567890123456789012345678\r\n2\r\n", REFUSAL_BODY_SIZE,
		"012345678901234567890123456789012345678"),
	REFUSED("1\r\na\r\nffffffffffffffff\r\n", REFUSAL_BODY_SIZE, "a"),
	REFUSED("1\r\na\r\nx", REFUSAL_CHUNK_SIZE, "a"),

	/* Ends of chunks. */
	REFUSED("5\r\nhello0\r\n\r\n", REFUSAL_CHUNK_END, "hello"),
	REFUSED("5\r\nhello\n" END, REFUSAL_CHUNK_END, "hello"),
	REFUSED("5\r\nhello\r" END, REFUSAL_CHUNK_END, "hello"),
	REFUSED("5\r\nhelloXX" END, REFUSAL_CHUNK_END, "hello"),
	REFUSED("4\r\nhello\r\n" END, REFUSAL_CHUNK_END, "hell"),
	REFUSED("6\r\nhello\r\n" END, REFUSAL_CHUNK_END, "hello\r"),
	REFUSED("5\r\nhello\r\n\r\n", REFUSAL_CHUNK_SIZE, "hello"),

	/* Extensions. */
	TAKEN("1;a\r\nx\r\n0;b\r\n\r\n", "x"),
	TAKEN("1;a=b\r\nx\r\n" END, "x"),
	TAKEN("1;a=b;c;d=e\r\nx\r\n" END, "x"),
	TAKEN("1 ;\ta = b ; c\r\nx\r\n" END, "x"),
	TAKEN("1;a=\"\"\r\nx\r\n" END, "x"),
	TAKEN("1;a=\"b;c=\\\"\\\\ \t\x80\"\r\nx\r\n" END, "x"),
	TAKEN("1;a=\"b\" ;c=\"d\"\r\nx\r\n" END, "x"),
	TAKEN("1;5=5\r\nx\r\n" END, "x"),
	EXTENSION_FAULT("1;\r\n"),
	EXTENSION_FAULT("1; \r\n"),
	EXTENSION_FAULT("1 \r\n"),
	EXTENSION_FAULT("1;a=\r\n"),
	EXTENSION_FAULT("1;a= \r\n"),
	EXTENSION_FAULT("1;=b\r\n"),
	EXTENSION_FAULT("1;a b\r\n"),
	EXTENSION_FAULT("1;a \r\n"),
	EXTENSION_FAULT("1;a=b c\r\n"),
	EXTENSION_FAULT("1;a=b \r\n"),
	EXTENSION_FAULT("1;a=b=c\r\n"),
	EXTENSION_FAULT("1;a,b\r\n"),
	EXTENSION_FAULT("1;;a\r\n"),
	EXTENSION_FAULT("1;a=\"b\r\n"),
	EXTENSION_FAULT("1;a=\"b\"c\r\n"),
	EXTENSION_FAULT("1;a=\"\\\r\n"),
	EXTENSION_FAULT("1;a=\"\n\"\r\n"),
	EXTENSION_FAULT("1;a=\"\0\"\r\n"),
	EXTENSION_FAULT("1;a=\"\x7f\"\r\n"),
	EXTENSION_FAULT("1;a\n"),
	EXTENSION_FAULT("1;a=b\n"),
	SIZE_FAULT("1;a\rb\r\n"),
	EXTENSION_FAULT("1;\x80\r\n"),
	EXTENSION_FAULT("1;a:b\r\n"),
	EXTENSION_FAULT("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	REFUSED("1;aaaaaaaaaaaaaaaaaaa\r\nx\r\n1;aaaaaaaaaaaaaaaaaaaaa", REFUSAL_CHUNK_EXTENSION, "x"),

	/* Trailers: dropped, whatever they are. */
	BEHIND("0\r\nX-Sum: 1\r\n\r\n", "", "GET"),
	TAKEN("0\r\nX:\r\nY: \t\r\n\r\n", ""),
	BEHIND("0\r\nContent-Length: 5\r\nHost: b\r\n\r\n", "", "GET / HTTP/1.1"),
	TAKEN("0\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
	TAKEN("0\r\nX: a\\\"\x80:;=\r\n\r\n", ""),
	TRAILER_FAULT("X\r\n"),
	TRAILER_FAULT("X : y\r\n"),
	TRAILER_FAULT(": y\r\n"),
	TRAILER_FAULT(" X: y\r\n"),
	TRAILER_FAULT("X: y\r\n z\r\n"),
	TRAILER_FAULT("X: y\n"),
	TRAILER_FAULT("X: a\rb"),
	TRAILER_FAULT("X: a\0"),
	TRAILER_FAULT("X: \x01"),
	TRAILER_FAULT("X\x80: y"),
	TRAILER_FAULT("\n"),
	TRAILER_FAULT("\rx"),
	TRAILER_FAULT("\"X\": y"),
	TAKEN("0\r\na:\r\nb:\r\nc:\r\n\r\n", ""),
	REFUSED("0\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n", REFUSAL_TRAILER_SIZE, ""),
	REFUSED("0\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", REFUSAL_TRAILER_SIZE, ""),
};

struct outcome {
	enum body_verdict verdict;
	enum refusal refusal;
	char content[256];
	size_t length;
	size_t used; /* octets, when there was a verdict */
};

/* Gives a piece, which is gone afterwards. */
static void give(struct body *body, const char *octets, size_t size, struct outcome *out)
{
	char *piece = malloc(size + 1);
	struct slice input = {piece, size}, content;

	assert_non_null(piece);
	memcpy(piece, octets, size);
	do {
		out->verdict = body_read(body, &limits, &input, &content);
		assert_true((content.len > 0) == (out->verdict == BODY_CONTENT));
		assert_true(out->length + content.len < sizeof(out->content));
		memcpy(out->content + out->length, content.ptr, content.len);
		out->length += content.len;
	} while (out->verdict == BODY_CONTENT);
	assert_true(input.len == 0 || out->verdict != BODY_MORE);
	out->used += size - input.len;
	out->refusal = body->refusal;
	free(piece);
}

static void begin(struct body *body)
{
	struct request request = {.present = 1u << FIELD_TRANSFER_ENCODING, .has_body = true};

	assert_int_equal(body_begin(body, &limits, &request), REFUSAL_NONE);
}

/* All of it: in pieces of `step` octets, the first one of `first`. */
static void read_all(const char *octets, size_t size, size_t first, size_t step, struct outcome *out)
{
	struct body body;

	*out = (struct outcome){.verdict = BODY_MORE};
	begin(&body);
	for (size_t at = 0, length = first; at < size && out->verdict == BODY_MORE; at += length, length = step) {
		if (length > size - at)
			length = size - at;
		give(&body, octets + at, length, out);
	}
	if (out->verdict != BODY_MORE) {
		enum body_verdict verdict = out->verdict;
		size_t used = out->used;

		give(&body, "0\r\n\r\n", 5, out);
		assert_int_equal(out->verdict, verdict);
		assert_int_equal(out->used, used);
	}
}

static bool is_as_wanted(const struct row *row, const struct outcome *out)
{
	enum body_verdict verdict = row->refusal != REFUSAL_NONE ? BODY_REFUSED
				    : row->unfinished            ? BODY_MORE
								 : BODY_COMPLETE;

	return out->verdict == verdict && out->refusal == row->refusal && out->length == strlen(row->content) &&
	       memcmp(out->content, row->content, out->length) == 0 &&
	       (verdict == BODY_REFUSED || out->used == row->size - row->behind);
}

static void every_row_is_read_the_same_however_it_is_cut(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct outcome whole, cut;
		size_t size = row->size;

		read_all(row->octets, size, size, size, &whole);
		if (!is_as_wanted(row, &whole)) {
			print_error("row %zu \"%s\": verdict %d, \"%s\", content \"%.*s\", %zu used\n", i, row->octets,
				    whole.verdict, refusal_text(whole.refusal), (int)whole.length, whole.content,
				    whole.used);
			wrong++;
			continue;
		}
		for (size_t first = 1; first <= size; first++) {
			for (size_t step = 1; step <= size; step += first % 3 + 1) {
				read_all(row->octets, size, first, step, &cut);
				assert_true(is_as_wanted(row, &cut));
				assert_int_equal(cut.used, whole.used);
			}
		}
	}
	assert_int_equal(wrong, 0);
}

static void a_body_by_length_is_as_long_as_it_says(void **state)
{
	(void)state;
	for (size_t length = 0; length <= limits.size_max + 1; length++) {
		struct request request = {.content_length = length, .has_body = length > 0};
		static const char octets[] = "0123456789012345678901234567890123456789 behind";

		for (size_t cut = 0; cut < sizeof(octets); cut++) {
			struct outcome out = {.verdict = BODY_MORE};
			struct body body;
			bool fits = length <= limits.size_max;

			assert_int_equal(body_begin(&body, &limits, &request), fits ? REFUSAL_NONE : REFUSAL_BODY_SIZE);
			give(&body, octets, cut, &out);
			if (out.verdict == BODY_MORE)
				give(&body, octets + cut, sizeof(octets) - cut, &out);
			assert_int_equal(out.verdict, fits ? BODY_COMPLETE : BODY_REFUSED);
			assert_int_equal(out.length, fits ? length : 0);
			assert_int_equal(out.used, fits ? length : 0);
			assert_memory_equal(out.content, octets, out.length);
		}
	}
}

static void the_largest_length_is_no_overflow(void **state)
{
	struct request request = {.content_length = UINT64_MAX, .has_body = true};
	struct body_limits none = {.size_max = UINT64_MAX};
	struct slice input = {"xyz", 3}, content;
	struct body body;

	(void)state;
	assert_int_equal(body_begin(&body, &none, &request), REFUSAL_NONE);
	assert_int_equal(body_read(&body, &none, &input, &content), BODY_CONTENT);
	assert_int_equal(content.len, 3);
	assert_true(body.left == UINT64_MAX - 3);

	begin(&body);
	input = (struct slice){"ffffffffffffffff\r\nxyz", 21};
	assert_int_equal(body_read(&body, &none, &input, &content), BODY_CONTENT);
	assert_int_equal(content.len, 3);
	assert_true(body.left == UINT64_MAX - 3);
}

/* Nothing that is sent is read beyond, takes for ever, or is taken twice. */
static void no_octets_do_harm(void **state)
{
	static const char octets[] = "0015aF;=\"\\ \t\r\n\r\n\r\n:X\0\x7f\x80";
	unsigned long random = 1;
	unsigned complete = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		char text[64] = "5;a=\"b\"\r\nhello\r\n1\r\nx\r\n0\r\nX: y\r\n\r\n";
		size_t size = strlen(text);
		struct outcome whole, cut;

		for (unsigned i = 0; i <= round % 3; i++) {
			random = random * 6364136223846793005ul + 1442695040888963407ul;
			text[(random >> 33) % size] = octets[(random >> 20) % (sizeof(octets) - 1)];
		}
		read_all(text, size, size, size, &whole);
		read_all(text, size, (random >> 40) % size + 1, (random >> 50) % 7 + 1, &cut);
		assert_int_equal(whole.verdict, cut.verdict);
		assert_int_equal(whole.refusal, cut.refusal);
		assert_int_equal(whole.used, cut.used);
		assert_int_equal(whole.length, cut.length);
		assert_memory_equal(whole.content, cut.content, whole.length);
		complete += whole.verdict == BODY_COMPLETE;
	}
	assert_true(complete > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_read_the_same_however_it_is_cut),
		cmocka_unit_test(a_body_by_length_is_as_long_as_it_says),
		cmocka_unit_test(the_largest_length_is_no_overflow),
		cmocka_unit_test(no_octets_do_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
