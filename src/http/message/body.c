/* SPDX-License-Identifier: MIT
 *
 * See body.h. What is not content is read octet by octet, by a table.
 *
 *            digit         ";"            CR LF, size not 0
 *     SIZE ---------> SIZE -------> NAME ... ---------------> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                       \                      CR LF, size 0
 *                        `----------------------------------> TRAILER ... -> COMPLETE
 */
#include "http/message/body.h"

#include "http/message/guard.h"
#include "http/message/request.h"

#include <assert.h>

enum state {
	FAULT, /* in the table: what may not come here */

	SIZED, /* content up to Content-Length */

	SIZE_START,
	SIZE,
	/* Of an extension: BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] */
	BEFORE_SEMICOLON,
	BEFORE_NAME,
	NAME,
	BEHIND_NAME,
	BEFORE_VALUE,
	VALUE,
	QUOTED,
	QUOTED_PAIR,
	BEHIND_QUOTED,
	SIZE_LF,

	DATA,
	DATA_CR,
	DATA_LF,

	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,

	COMPLETE,
	STATES
};

enum class {
	CONTROL,
	HEX, /* all of these may stand in a token, too */
	TOKEN,
	BLANK,
	CR,
	LF,
	SEMICOLON,
	EQUAL,
	QUOTE,
	BACKSLASH,
	COLON,
	TEXT, /* visible, or above 127 */
	CLASSES
};

static enum class class_of(unsigned char octet) {
	switch (octet){
		case '0' ... '9' : case 'A' ... 'F' : case 'a' ... 'f' : return HEX;
		case ' ' : case '\t' : return BLANK;
		case '\r' : return CR;
		case '\n' : return LF;
		case ';' : return SEMICOLON;
		case '=' : return EQUAL;
		case '"' : return QUOTE;
		case '\\' : return BACKSLASH;
		case ':' : return COLON;
		default : if (octet < 0x20 || octet == 0x7f) return CONTROL;
		return guard_is_token(octet) ? TOKEN : TEXT;
	}
}

#define EVERY_TEXT(to) [HEX] = to, [TOKEN] = to, [BLANK] = to, [SEMICOLON] = to, [EQUAL] = to, [COLON] = to, [TEXT] = to

static const uint8_t next[STATES][CLASSES] = {
	[SIZE_START] = {[HEX] = SIZE},
	[SIZE] = {[HEX] = SIZE, [BLANK] = BEFORE_SEMICOLON, [SEMICOLON] = BEFORE_NAME, [CR] = SIZE_LF},
	[BEFORE_SEMICOLON] = {[BLANK] = BEFORE_SEMICOLON, [SEMICOLON] = BEFORE_NAME},
	[BEFORE_NAME] = {[BLANK] = BEFORE_NAME, [HEX] = NAME, [TOKEN] = NAME},
	[NAME] = {[HEX] = NAME,
		  [TOKEN] = NAME,
		  [BLANK] = BEHIND_NAME,
		  [EQUAL] = BEFORE_VALUE,
		  [SEMICOLON] = BEFORE_NAME,
		  [CR] = SIZE_LF},
	[BEHIND_NAME] = {[BLANK] = BEHIND_NAME, [EQUAL] = BEFORE_VALUE, [SEMICOLON] = BEFORE_NAME},
	[BEFORE_VALUE] = {[BLANK] = BEFORE_VALUE, [HEX] = VALUE, [TOKEN] = VALUE, [QUOTE] = QUOTED},
	[VALUE] =
		{[HEX] = VALUE, [TOKEN] = VALUE, [BLANK] = BEFORE_SEMICOLON, [SEMICOLON] = BEFORE_NAME, [CR] = SIZE_LF},
	[QUOTED] = {EVERY_TEXT(QUOTED), [BACKSLASH] = QUOTED_PAIR, [QUOTE] = BEHIND_QUOTED},
	[QUOTED_PAIR] = {EVERY_TEXT(QUOTED), [BACKSLASH] = QUOTED, [QUOTE] = QUOTED},
	[BEHIND_QUOTED] = {[BLANK] = BEFORE_SEMICOLON, [SEMICOLON] = BEFORE_NAME, [CR] = SIZE_LF},
	[SIZE_LF] = {[LF] = DATA},
	[DATA_CR] = {[CR] = DATA_LF},
	[DATA_LF] = {[LF] = SIZE_START},
	[TRAILER_START] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [CR] = END_LF},
	[TRAILER_NAME] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [COLON] = TRAILER_VALUE},
	[TRAILER_VALUE] =
		{EVERY_TEXT(TRAILER_VALUE), [BACKSLASH] = TRAILER_VALUE, [QUOTE] = TRAILER_VALUE, [CR] = TRAILER_LF},
	[TRAILER_LF] = {[LF] = TRAILER_START},
	[END_LF] = {[LF] = COMPLETE},
};

/* What it means that an octet may not come in this state. */
static const uint8_t faults[STATES] = {
	[SIZE_START] = REFUSAL_CHUNK_SIZE,
	[SIZE] = REFUSAL_CHUNK_SIZE,
	[BEFORE_SEMICOLON] = REFUSAL_CHUNK_EXTENSION,
	[BEFORE_NAME] = REFUSAL_CHUNK_EXTENSION,
	[NAME] = REFUSAL_CHUNK_EXTENSION,
	[BEHIND_NAME] = REFUSAL_CHUNK_EXTENSION,
	[BEFORE_VALUE] = REFUSAL_CHUNK_EXTENSION,
	[VALUE] = REFUSAL_CHUNK_EXTENSION,
	[QUOTED] = REFUSAL_CHUNK_EXTENSION,
	[QUOTED_PAIR] = REFUSAL_CHUNK_EXTENSION,
	[BEHIND_QUOTED] = REFUSAL_CHUNK_EXTENSION,
	[SIZE_LF] = REFUSAL_CHUNK_SIZE,
	[DATA_CR] = REFUSAL_CHUNK_END,
	[DATA_LF] = REFUSAL_CHUNK_END,
	[TRAILER_START] = REFUSAL_TRAILER,
	[TRAILER_NAME] = REFUSAL_TRAILER,
	[TRAILER_VALUE] = REFUSAL_TRAILER,
	[TRAILER_LF] = REFUSAL_TRAILER,
	[END_LF] = REFUSAL_TRAILER,
};

enum refusal body_begin(struct body *body, const struct body_limits *limits, const struct request *request)
{
	bool chunked = request_has(request, FIELD_TRANSFER_ENCODING);

	*body = (struct body){.state = SIZE_START};
	if (chunked)
		return REFUSAL_NONE;
	body->left = body->size = request->content_length;
	body->state = body->left > 0 ? SIZED : COMPLETE;
	if (body->size > limits->size_max) {
		body->state = FAULT;
		body->refusal = REFUSAL_BODY_SIZE;
	}
	return body->refusal;
}

static enum refusal take_digit(struct body *body, unsigned char octet)
{
	unsigned digit = octet <= '9' ? octet - 48u : (octet | 32u) - 87u; /* '0', 'a' - 10 */

	if (body->left > UINT64_MAX >> 4 || ++body->digits > BODY_SIZE_DIGITS_MAX)
		return REFUSAL_CHUNK_SIZE;
	body->left = body->left << 4 | digit;
	return REFUSAL_NONE;
}

/* The line that says it is read to its end. */
static enum refusal take_size(struct body *body, const struct body_limits *limits)
{
	body->digits = 0;
	if (body->left == 0) {
		body->state = TRAILER_START;
		return REFUSAL_NONE;
	}
	if (body->left > limits->size_max - body->size)
		return REFUSAL_BODY_SIZE;
	body->size += body->left;
	return REFUSAL_NONE;
}

/* What an octet does besides leading to the next state. */
static enum refusal act(struct body *body, const struct body_limits *limits, enum state from, unsigned char octet)
{
	switch (from) {
	case SIZE_START:
		return take_digit(body, octet);
	case SIZE:
		return body->state == SIZE ? take_digit(body, octet) : REFUSAL_NONE;
	case BEFORE_SEMICOLON ... BEHIND_QUOTED:
		return ++body->extensions > limits->extensions_max ? REFUSAL_CHUNK_EXTENSION : REFUSAL_NONE;
	case SIZE_LF:
		return take_size(body, limits);
	case TRAILER_START ... END_LF:
		if (from == TRAILER_START && body->state == TRAILER_NAME &&
		    ++body->trailer_fields > limits->trailer_fields_max)
			return REFUSAL_TRAILER_SIZE;
		return ++body->trailer_size > limits->trailer_size_max ? REFUSAL_TRAILER_SIZE : REFUSAL_NONE;
	default:
		return REFUSAL_NONE;
	}
}

static enum refusal step(struct body *body, const struct body_limits *limits, unsigned char octet)
{
	enum state from = body->state;

	body->state = next[from][class_of(octet)];
	if (body->state == FAULT)
		return faults[from];
	return act(body, limits, from, octet);
}

/* Content that is there, of what is to come. */
static void take_content(struct body *body, struct slice *input, struct slice *content)
{
	*content = *input;
	if (content->len > body->left)
		content->len = (size_t)body->left;
	input->ptr += content->len;
	input->len -= content->len;
	body->left -= content->len;
	if (body->left == 0)
		body->state = body->state == SIZED ? COMPLETE : DATA_CR;
}

enum body_verdict body_read(struct body *body, const struct body_limits *limits, struct slice *input,
			    struct slice *content)
{
	*content = (struct slice){input->ptr, 0};
	while (body->state != COMPLETE && body->state != FAULT) {
		if (input->len == 0)
			return BODY_MORE;
		if (body->state == SIZED || body->state == DATA) {
			take_content(body, input, content);
			return BODY_CONTENT;
		}
		body->refusal = step(body, limits, (unsigned char)*input->ptr);
		if (body->refusal != REFUSAL_NONE) {
			body->state = FAULT;
			break;
		}
		input->ptr++;
		input->len--;
	}
	assert(body->state == COMPLETE || body->refusal != REFUSAL_NONE);
	return body->state == COMPLETE ? BODY_COMPLETE : BODY_REFUSED;
}
