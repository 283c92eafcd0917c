/* SPDX-License-Identifier: MIT
 *
 * See coding.h.
 *
 *     Accept-Encoding = #( codings [ OWS ";" OWS "q=" qvalue ] )
 *     codings         = content-coding / "identity" / "*"
 *     qvalue          = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ] */
#include "http/message/coding.h"

#include "http/message/guard.h"
#include "http/message/request.h"

#include <stdbool.h>

enum { NOT_NAMED = -1, WHOLE = 1000 };

/* Weights in thousandths. */
struct wishes {
	int named[CODING_COUNT];
	int others; /* "*" */
};

struct slice coding_name(enum coding coding)
{
	static const struct slice names[CODING_COUNT] = {
		[CODING_BROTLI] = {"br", 2},
		[CODING_ZSTD] = {"zstd", 4},
		[CODING_GZIP] = {"gzip", 4},
		[CODING_IDENTITY] = {"identity", 8},
	};

	return names[coding];
}

static bool take(struct slice *text, char octet)
{
	if (text->len == 0 || *text->ptr != octet)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

static void skip_space(struct slice *text)
{
	while (take(text, ' ') || take(text, '\t'))
		continue;
}

static struct slice take_token(struct slice *text)
{
	struct slice token = {text->ptr, 0};

	while (token.len < text->len && guard_is_token((unsigned char)token.ptr[token.len]))
		token.len++;
	text->ptr += token.len;
	text->len -= token.len;
	return token;
}

static bool take_quality(struct slice *text, int *quality)
{
	if (take(text, '1'))
		*quality = WHOLE;
	else if (take(text, '0'))
		*quality = 0;
	else
		return false;
	if (!take(text, '.'))
		return true;
	for (int digit = WHOLE / 10; digit > 0 && text->len > 0 && *text->ptr >= '0' && *text->ptr <= '9';
	     digit /= 10) {
		*quality += digit * (*text->ptr - '0');
		text->ptr++;
		text->len--;
	}
	return *quality <= WHOLE;
}

static bool take_weight(struct slice *text, int *quality)
{
	*quality = WHOLE;
	skip_space(text);
	if (!take(text, ';'))
		return true;
	skip_space(text);
	if (!take(text, 'q') && !take(text, 'Q'))
		return false;
	if (!take(text, '=') || !take_quality(text, quality))
		return false;
	skip_space(text);
	return true;
}

/* Of a coding that is named twice the first weight counts. */
static void note(struct wishes *wishes, struct slice token, int quality)
{
	int *weight = NULL;

	if (slice_equal(token, SLICE("*")))
		weight = &wishes->others;
	else if (slice_equal_nocase(token, SLICE("x-gzip"))) /* section 8.4.1.3 */
		weight = &wishes->named[CODING_GZIP];
	for (unsigned coding = 0; coding < CODING_COUNT && !weight; coding++) {
		if (slice_equal_nocase(token, coding_name((enum coding)coding)))
			weight = &wishes->named[coding];
	}
	if (weight && *weight == NOT_NAMED)
		*weight = quality;
}

static bool read_line(struct wishes *wishes, struct slice line)
{
	struct slice token;
	int quality;

	for (;;) {
		do
			skip_space(&line);
		while (take(&line, ','));
		if (line.len == 0)
			return true;
		token = take_token(&line);
		if (token.len == 0 || !take_weight(&line, &quality))
			return false;
		if (line.len > 0 && *line.ptr != ',')
			return false;
		note(wishes, token, quality);
	}
}

static int weight_of(const struct wishes *wishes, enum coding coding)
{
	return wishes->named[coding] != NOT_NAMED ? wishes->named[coding] : wishes->others;
}

static enum coding choose(const struct request *request, unsigned available)
{
	const struct request_field *field = NULL;
	struct wishes wishes = {.others = NOT_NAMED};
	enum coding best = CODING_IDENTITY;
	int best_weight;

	for (unsigned coding = 0; coding < CODING_COUNT; coding++)
		wishes.named[coding] = NOT_NAMED;
	while ((field = request_field(request, FIELD_ACCEPT_ENCODING, field)) != NULL) {
		if (!read_line(&wishes, field->value))
			return CODING_IDENTITY;
	}
	/* Acceptable without being named, but any that is asked for goes before it. */
	best_weight = weight_of(&wishes, CODING_IDENTITY);
	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++) {
		int weight = weight_of(&wishes, (enum coding)coding);

		if ((available & 1u << coding) == 0 || weight <= 0)
			continue;
		if (weight > best_weight || (weight == best_weight && best == CODING_IDENTITY)) {
			best = (enum coding)coding;
			best_weight = weight;
		}
	}
	return best;
}

enum coding coding_choose(struct coding_memory *memory, const struct request *request, unsigned available)
{
	const struct request_field *field = request_field(request, FIELD_ACCEPT_ENCODING, NULL);

	if (!field || field->value.len == 0 || field->value.len > sizeof(memory->value) ||
	    request_field(request, FIELD_ACCEPT_ENCODING, field))
		return choose(request, available);
	if (field->value.len != memory->length || available != memory->available ||
	    memcmp(field->value.ptr, memory->value, memory->length) != 0) {
		memory->chosen = choose(request, available);
		memory->available = available;
		memory->length = field->value.len;
		memcpy(memory->value, field->value.ptr, field->value.len);
	}
	return memory->chosen;
}
