/* SPDX-License-Identifier: MIT
 *
 * Framing, Host and Connection rules. */
#include "http/message/framing.h"

#include "http/message/authority.h"
#include "http/message/guard.h"

/* The octets of an absolute target behind "http://" or "https://", or nothing. */
static bool strip_scheme(struct slice target, struct slice *rest, bool *https)
{
	static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t size = schemes[i].len;

		if (target.len >= size && strncasecmp(target.ptr, schemes[i].ptr, size) == 0) {
			*rest = (struct slice){target.ptr + size, target.len - size};
			*https = i == 1;
			return true;
		}
	}
	return false;
}

static enum refusal absolute_target(struct request *request)
{
	struct authority authority;
	struct slice rest;

	if (!strip_scheme(request->target, &rest, &request->https))
		return REFUSAL_TARGET_FORM;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.ptr[i] == '/' || rest.ptr[i] == '?')
			rest.len = i;
	if (!authority_parse(rest, &authority))
		return REFUSAL_TARGET_FORM;
	request->host = rest;
	return REFUSAL_NONE;
}

static bool is_connect(const struct request *request)
{
	return slice_equal(request->method_name, SLICE("CONNECT"));
}

/* Section 3.2: origin-form; absolute-form of http and https; "*" for OPTIONS; authority-form for
 * CONNECT. Sets request->host and request->https from an absolute target. */
static enum refusal take_target(struct request *request)
{
	struct slice target = request->target;

	request->host = (struct slice){NULL, 0};
	request->https = false;
	if (is_connect(request)) {
		struct authority authority;

		return authority_parse(target, &authority) && authority.port.len > 0 ? REFUSAL_NONE
										     : REFUSAL_TARGET_FORM;
	}
	if (target.ptr[0] == '/')
		return REFUSAL_NONE;
	if (target.len == 1 && target.ptr[0] == '*')
		return request->method == METHOD_OPTIONS ? REFUSAL_NONE : REFUSAL_TARGET_FORM;
	return absolute_target(request);
}

/* Section 3.2: one Host in 1.1, valid in any version. Sets request->host unless the target had one. */
static enum refusal take_host(struct request *request)
{
	struct authority authority;

	if (!request_has(request, FIELD_HOST))
		return request->minor_version == 0 ? REFUSAL_NONE : REFUSAL_HOST_MISSING;

	const struct request_field *host = request_field(request, FIELD_HOST, NULL);

	if (request_field(request, FIELD_HOST, host))
		return REFUSAL_HOST_TWICE;
	/* An empty value is what a client sends whose target has no authority. */
	if (host->value.len > 0 && !authority_parse(host->value, &authority))
		return REFUSAL_HOST;
	if (request->host.len == 0)
		request->host = host->value;
	return REFUSAL_NONE;
}

/* The next element of a comma-separated list, without white space around; empty ones are skipped
 * (RFC 9110 section 5.6.1). False at the end. */
static bool next_element(struct slice *list, struct slice *element)
{
	while (list->len > 0) {
		const char *comma = memchr(list->ptr, ',', list->len);
		size_t size = comma ? (size_t)(comma - list->ptr) : list->len;
		size_t step = comma ? size + 1 : size;

		*element = slice_trim((struct slice){list->ptr, size});
		list->ptr += step;
		list->len -= step;
		if (element->len > 0)
			return true;
	}
	return false;
}

static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!guard_is_token((unsigned char)text.ptr[i]))
			return false;
	return text.len > 0;
}

/* A coding's name, then perhaps parameters. A comma within quotes is not looked for: it makes two
 * elements that are none. */
static bool is_coding(struct slice element)
{
	const char *parameters = memchr(element.ptr, ';', element.len);
	size_t quotes = 0;
	struct slice name = element;

	if (parameters)
		name.len = (size_t)(parameters - element.ptr);
	for (size_t i = name.len; i < element.len; i++)
		quotes += element.ptr[i] == '"';
	return is_token(slice_trim(name)) && quotes % 2 == 0;
}

/* Section 6.1 and 7: only "chunked", last and once, tells the length of a request; what it wraps
 * must be a coding that we know, and we know none. */
static enum refusal transfer_encoding(const struct request *request)
{
	const struct request_field *field = NULL;
	unsigned others = 0, chunked = 0;

	if (request->minor_version == 0)
		return REFUSAL_CODING_VERSION;
	if (request_has(request, FIELD_CONTENT_LENGTH))
		return REFUSAL_LENGTH_AND_CODING;
	while ((field = request_field(request, FIELD_TRANSFER_ENCODING, field))) {
		struct slice list = field->value, coding;

		while (next_element(&list, &coding)) {
			if (!is_coding(coding) || chunked > 0)
				return REFUSAL_CODING;
			if (slice_equal_nocase(coding, SLICE("chunked")))
				chunked++;
			else
				others++;
		}
	}
	if (chunked == 0)
		return REFUSAL_CODING;
	return others > 0 ? REFUSAL_CODING_UNKNOWN : REFUSAL_NONE;
}

static enum refusal content_length(struct request *request)
{
	const struct request_field *field = request_field(request, FIELD_CONTENT_LENGTH, NULL);
	struct slice text = field->value;
	uint64_t length = 0;

	if (request_field(request, FIELD_CONTENT_LENGTH, field))
		return REFUSAL_LENGTH_TWICE;
	if (text.len == 0)
		return REFUSAL_LENGTH;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';

		if (digit > 9 || length > (UINT64_MAX - digit) / 10)
			return REFUSAL_LENGTH;
		length = length * 10 + digit;
	}
	request->content_length = length;
	request->has_body = length > 0;
	return REFUSAL_NONE;
}

/* Section 6: has_body and content_length from Transfer-Encoding and Content-Length. */
static enum refusal take_body(struct request *request)
{
	request->has_body = false;
	request->content_length = 0;
	if (request_has(request, FIELD_TRANSFER_ENCODING)) {
		request->has_body = true;
		return transfer_encoding(request);
	}
	return request_has(request, FIELD_CONTENT_LENGTH) ? content_length(request) : REFUSAL_NONE;
}

static bool list_has(const struct request *request, enum field_id id, struct slice word)
{
	const struct request_field *field = NULL;

	while ((field = request_field(request, id, field))) {
		struct slice list = field->value, element;

		while (next_element(&list, &element))
			if (slice_equal_nocase(element, word))
				return true;
	}
	return false;
}

/* RFC 9110 section 10.1.1. */
static void take_expect(struct request *request)
{
	/* A server must ignore it in HTTP/1.0. */
	request->expect_continue = request->minor_version > 0 && list_has(request, FIELD_EXPECT, SLICE("100-continue"));
}

/* Section 9.3: keep_alive from the version and Connection. */
static void take_connection(struct request *request)
{
	request->keep_alive = request->minor_version > 0;
	if (!request_has(request, FIELD_CONNECTION) && !is_connect(request))
		return;
	/* What follows a CONNECT may be meant for the other end of the tunnel. */
	if (is_connect(request) || list_has(request, FIELD_CONNECTION, SLICE("close")))
		request->keep_alive = false;
	else if (list_has(request, FIELD_CONNECTION, SLICE("keep-alive")))
		request->keep_alive = true;
}

enum refusal framing_apply(struct request *request)
{
	enum refusal refusal = take_target(request);

	if (refusal == REFUSAL_NONE)
		refusal = take_host(request);
	if (refusal == REFUSAL_NONE)
		refusal = take_body(request);
	if (refusal != REFUSAL_NONE)
		return refusal;
	take_expect(request);
	take_connection(request);
	return REFUSAL_NONE;
}
