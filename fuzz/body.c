/* SPDX-License-Identifier: MIT
 *
 * A chunked body, read whole and in pieces: the same content, the same verdict, within the limits. */
#include "fuzz.h"

#include "http/message/body.h"
#include "http/message/request.h"

static const struct body_limits limits = {
	.size_max = 100, .extensions_max = 50, .trailer_size_max = 50, .trailer_fields_max = 3};

struct outcome {
	enum body_verdict verdict;
	enum refusal refusal;
	uint8_t content[100];
	size_t length, used;
};

static void read_pieces(const uint8_t *data, size_t size, size_t step, struct outcome *out)
{
	const struct request request = {.present = 1u << FIELD_TRANSFER_ENCODING};
	struct body body;

	memset(out, 0, sizeof(*out));
	FUZZ_CHECK(body_begin(&body, &limits, &request) == REFUSAL_NONE);
	for (size_t at = 0; at < size && out->verdict == BODY_MORE; at += step) {
		size_t length = size - at < step ? size - at : step;
		char *piece = fuzz_copy(data + at, length);
		struct slice input = {piece, length}, content;

		while ((out->verdict = body_read(&body, &limits, &input, &content)) == BODY_CONTENT) {
			FUZZ_CHECK(content.len > 0 && content.len <= sizeof(out->content) - out->length);
			memcpy(out->content + out->length, content.ptr, content.len);
			out->length += content.len;
		}
		FUZZ_CHECK(content.len == 0 && input.len <= length);
		FUZZ_CHECK(out->verdict != BODY_MORE || input.len == 0);
		out->used += length - input.len;
		free(piece);
	}
	out->refusal = body.refusal;
	FUZZ_CHECK((out->verdict == BODY_REFUSED) == (out->refusal != REFUSAL_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t step = fuzz_octet(&input) % 32 + 1u;
	struct outcome whole, cut;

	read_pieces(input.at, input.left, input.left + 1, &whole);
	read_pieces(input.at, input.left, step, &cut);
	FUZZ_CHECK(memcmp(&whole, &cut, sizeof(whole)) == 0);
	return 0;
}
