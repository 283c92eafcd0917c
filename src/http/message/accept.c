/* SPDX-License-Identifier: MIT
 *
 * See accept.h. */
#include "http/message/accept.h"

#include "http/message/request.h"

/* Fields that are seldom asked for have no id of their own. */
static const struct request_field *next_field(const struct request *request, struct slice name,
					      const struct request_field *after)
{
	const struct request_field *end = request->fields + request->field_count;

	for (const struct request_field *at = after ? after + 1 : request->fields; at < end; at++) {
		if (slice_equal_nocase(at->name, name))
			return at;
	}
	return NULL;
}

/* Takes what is before the next `separator`; the rest stays in *rest. */
static struct slice next_part(struct slice *rest, char separator)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
	size_t length = end ? (size_t)(end - rest->ptr) : rest->len;
	struct slice part = {rest->ptr, length};

	*rest = end ? (struct slice){end + 1, rest->len - length - 1} : (struct slice){rest->ptr + length, 0};
	return slice_trim(part);
}

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3("0") ]; what is none is 0. */
static unsigned read_quality(struct slice text)
{
	unsigned value = 0, unit = 100;

	if (text.len == 0 || text.len > 5 || text.ptr[0] < '0' || text.ptr[0] > '1' ||
	    (text.len > 1 && text.ptr[1] != '.'))
		return 0;
	value = text.ptr[0] == '1' ? ACCEPT_QUALITY_MAX : 0;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return 0;
		value += (unsigned)(text.ptr[i] - '0') * unit;
	}
	return value <= ACCEPT_QUALITY_MAX ? value : 0;
}

/* How closely a range names the type: 3 itself, 2 "type/" and a star, 1 two stars, 0 not. */
static unsigned closeness(struct slice range, struct slice type)
{
	const char *slash = memchr(type.ptr, '/', type.len);
	size_t major = (size_t)(slash - type.ptr) + 1;

	if (slice_equal_nocase(range, type))
		return 3;
	if (range.len == major + 1 && range.ptr[major] == '*' && strncasecmp(range.ptr, type.ptr, major) == 0)
		return 2;
	return slice_equal(range, SLICE("*/*"));
}

static unsigned quality_of(struct slice parameters)
{
	while (parameters.len > 0) {
		struct slice one = next_part(&parameters, ';');

		if (one.len > 2 && (one.ptr[0] | 0x20) == 'q' && one.ptr[1] == '=')
			return read_quality((struct slice){one.ptr + 2, one.len - 2});
	}
	return ACCEPT_QUALITY_MAX;
}

unsigned accept_quality(const struct request *request, struct slice type, bool ranges)
{
	const struct request_field *field = next_field(request, SLICE("Accept"), NULL);
	unsigned closest = 0, quality = field || !ranges ? 0 : ACCEPT_QUALITY_MAX;

	for (; field; field = next_field(request, SLICE("Accept"), field)) {
		struct slice rest = field->value;

		while (rest.len > 0) {
			struct slice member = next_part(&rest, ',');
			unsigned close = closeness(next_part(&member, ';'), type);

			if (close <= closest || (!ranges && close < 3))
				continue;
			closest = close;
			quality = quality_of(member);
		}
	}
	return quality;
}

bool accept_is_navigation(const struct request *request)
{
	const struct request_field *mode = next_field(request, SLICE("Sec-Fetch-Mode"), NULL);

	if (mode)
		return slice_equal(mode->value, SLICE("navigate"));
	return accept_quality(request, SLICE("text/html"), false) > 0;
}
