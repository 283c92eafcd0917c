/* SPDX-License-Identifier: MIT
 *
 * The wrapper of llhttp. No other file calls it. */
#include "http/message/parser.h"

#include "http/message/framing.h"

#include <assert.h>

/* The head lies in one piece, so each name and each value comes in one call. */
static int on_name(llhttp_t *llhttp, const char *at, size_t size)
{
	struct parser *parser = llhttp->data;
	struct request *request = parser->request;

	if (request->field_count == REQUEST_FIELDS_MAX)
		return HPE_USER;
	/* No field means anything to llhttp, not even one that frames a body: that is decided in
	 * one place, framing.c, and the same for all of llhttp's versions. */
	llhttp->header_state = 0;
	request->fields[request->field_count++] = (struct request_field){.name = {at, size}, .value = {at + size, 0}};
	return 0;
}

/* Not called for an empty value. */
static int on_value(llhttp_t *llhttp, const char *at, size_t size)
{
	struct parser *parser = llhttp->data;
	struct request *request = parser->request;

	if (request->field_count == 0)
		return HPE_USER;
	request->fields[request->field_count - 1].value = (struct slice){at, size};
	return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct parser *parser = llhttp->data;

	parser->complete = true;
	return HPE_PAUSED; /* bodies are none of its business */
}

/* The request line is the guard's business, which knows all methods and versions; llhttp is shown
 * the same one each time. Having read it is where each head begins. */
void parser_init(struct parser *parser)
{
	static const char line[] = "GET / HTTP/1.1\r\n";

	memset(parser, 0, sizeof(*parser));
	llhttp_settings_init(&parser->settings);
	parser->settings.on_header_field = on_name;
	parser->settings.on_header_value = on_value;
	parser->settings.on_headers_complete = on_headers_complete;
	llhttp_init(&parser->begin, HTTP_REQUEST, &parser->settings);
	parser->begin.data = parser;

	llhttp_errno_t result = llhttp_execute(&parser->begin, line, sizeof(line) - 1);

	assert(result == HPE_OK);
	(void)result;
}

static void read_request_line(const struct guard *guard, const char *data, struct request *request)
{
	const char *line = data + guard->start;

	request->line = (struct slice){line, guard->line_size};
	request->method_name = (struct slice){line, guard->method_size};
	request->target = (struct slice){line + guard->method_size + 1, guard->target_size};
	request->method = request_method_of(request->method_name);
	request->minor_version = guard->minor_version;
	request->host = (struct slice){NULL, 0};
	request->present = 0;
	request->field_count = 0;
}

static void note_fields(struct request *request)
{
	for (unsigned i = 0; i < request->field_count; i++) {
		struct request_field *field = &request->fields[i];

		field->value = slice_trim(field->value);
		field->id = request_field_id(field->name);
		request->present |= 1u << field->id;
	}
}

enum refusal parser_read(struct parser *parser, const struct guard *guard, const char *data, struct request *request)
{
	const char *fields = data + guard->start + guard->line_size + 2, *end = data + guard->line;

	read_request_line(guard, data, request);
	parser->request = request;
	parser->complete = false;
	parser->llhttp = parser->begin;
	/* Anything else than stopping at the end that the guard has found is not understood. */
	if (llhttp_execute(&parser->llhttp, fields, (size_t)(end - fields)) != HPE_PAUSED || !parser->complete ||
	    llhttp_get_error_pos(&parser->llhttp) != end)
		return REFUSAL_FIELD;
	note_fields(request);
	return framing_apply(request);
}

void parser_read_refused(const struct guard *guard, const char *data, size_t size, struct request *request)
{
	memset(request, 0, offsetof(struct request, fields));
	request->method = METHOD_UNKNOWN;
	if (guard->line_size > 0)
		read_request_line(guard, data, request);
	else if (size - guard->start >= 5 && memcmp(data + guard->start, "HEAD ", 5) == 0)
		request->method = METHOD_HEAD;
}
