/* SPDX-License-Identifier: MIT
 *
 * The wrapper of llhttp. No other file calls it. */
#include "http/parser.h"

#include "http/framing.h"

/* The head lies in one piece, so each name and each value comes in one call. */
static int on_name(llhttp_t *llhttp, const char *at, size_t size)
{
	struct parser *parser = llhttp->data;
	struct request *request = parser->request;

	if (request->field_count == REQUEST_FIELDS_MAX)
		return HPE_USER;
	request->fields[request->field_count++] =
		(struct request_field){.name = {at, size}, .value = {at + size, 0}};
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

void parser_init(struct parser *parser)
{
	memset(parser, 0, sizeof(*parser));
	llhttp_settings_init(&parser->settings);
	parser->settings.on_header_field = on_name;
	parser->settings.on_header_value = on_value;
	parser->settings.on_headers_complete = on_headers_complete;
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &parser->settings);
	parser->llhttp.data = parser;
}

/* llhttp refuses tabs around the values of Content-Length and Transfer-Encoding; they stand for
 * spaces anyway (RFC 9110 section 5.6.3). Tabs within a value stay. */
static void replace_outer_tabs(char *fields, const char *end)
{
	char *line = fields, *feed;

	for (; line < end && (feed = memchr(line, '\n', (size_t)(end - line))); line = feed + 1) {
		char *first = memchr(line, ':', (size_t)(feed - line)), *last = feed - 2;

		if (!first)
			continue;
		for (first++; *first == ' ' || *first == '\t'; first++)
			*first = ' ';
		for (; last > first && (*last == ' ' || *last == '\t'); last--)
			*last = ' ';
	}
}

/* Request lines that are right but that llhttp refuses (methods it does not know, versions above
 * 1.1, some absolute targets) are known to be right by the guard and framing.h, so llhttp may read
 * another one in their place. */
static bool needs_stand_in(const struct request *request, const char *version)
{
	return request->target.ptr[0] != '/' ||
	       (request->method != METHOD_GET && request->method != METHOD_HEAD) ||
	       (version[7] != '0' && version[7] != '1');
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

unsigned parser_read(struct parser *parser, const struct guard *guard, char *data,
		     struct request *request)
{
	static const char stand_in[] = "GET / HTTP/1.1\r\n";
	char *from = data + guard->start, *end = data + guard->line;
	char *fields = from + guard->line_size + 2;
	llhttp_errno_t result = HPE_OK;

	read_request_line(guard, data, request);
	if (memchr(fields, '\t', (size_t)(end - fields)))
		replace_outer_tabs(fields, end);

	parser->request = request;
	parser->complete = false;
	llhttp_reset(&parser->llhttp);
	if (needs_stand_in(request, fields - 10)) {
		result = llhttp_execute(&parser->llhttp, stand_in, sizeof(stand_in) - 1);
		from = fields;
	}
	if (result == HPE_OK)
		result = llhttp_execute(&parser->llhttp, from, (size_t)(end - from));
	/* Anything else than stopping at the end that the guard has found is not understood. */
	if (result != HPE_PAUSED || !parser->complete ||
	    llhttp_get_error_pos(&parser->llhttp) != end)
		return 400;
	note_fields(request);
	return framing_apply(request);
}

void parser_read_refused(const struct guard *guard, const char *data, size_t size,
			 struct request *request)
{
	memset(request, 0, offsetof(struct request, fields));
	request->method = METHOD_UNKNOWN;
	if (guard->line_size > 0)
		read_request_line(guard, data, request);
	else if (size - guard->start >= 5 && memcmp(data + guard->start, "HEAD ", 5) == 0)
		request->method = METHOD_HEAD;
}
