/* SPDX-License-Identifier: MIT
 *
 * Scanner over a request head. Works on whole lines found by memchr; only the request line is
 * looked at octet by octet. */
#include "http/message/guard.h"

#include <string.h>

enum { TOKEN = 1, TARGET = 2, QUERY = 4 };

#define T TOKEN | TARGET
#define U TARGET
#define Q QUERY

/* TOKEN is tchar. TARGET and, behind a "?", QUERY are what may stand in a target: the octets of RFC
 * 3986, and of those that it leaves out the ones that browsers send as they are, [ ] | anywhere and
 * \ ^ ` { } in queries. Never "#": fragments are not sent. */
static const unsigned char octet_class[256] = {
	['!'] = T,
	['$'] = T,
	['%'] = T,
	['&'] = T,
	['\''] = T,
	['('] = U,
	[')'] = U,
	['#'] = TOKEN,
	['*'] = T,
	['+'] = T,
	[','] = U,
	['-'] = T,
	['.'] = T,
	['/'] = U,
	['0'] = T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	[':'] = U,
	[';'] = U,
	['='] = U,
	['?'] = U,
	['@'] = U,
	['A'] = T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	['['] = U,
	['\\'] = Q,
	[']'] = U,
	['^'] = TOKEN | Q,
	['_'] = T,
	['`'] = TOKEN | Q,
	['a'] = T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	T,
	['{'] = Q,
	['|'] = T,
	['}'] = Q,
	['~'] = T,
};

#undef T
#undef U
#undef Q

bool guard_is_token(unsigned char octet)
{
	return (octet_class[octet] & TOKEN) != 0;
}

void guard_reset(struct guard *guard)
{
	memset(guard, 0, sizeof(*guard));
}

void guard_rebase(struct guard *guard)
{
	guard->line -= guard->start;
	guard->scanned -= guard->start;
	guard->start = 0;
}

static enum guard_verdict refuse(struct guard *guard, enum refusal refusal)
{
	guard->refusal = refusal;
	return GUARD_REFUSED;
}

/* How many octets from `at` on are of a class. */
static size_t span_of(const char *at, const char *end, unsigned char class)
{
	const char *from = at;

	while (at < end && (octet_class[(unsigned char)*at] & class) != 0)
		at++;
	return (size_t)(at - from);
}

/* The method and the space behind it, of a line of which `seen` octets have come. */
static enum refusal check_method(struct guard *guard, const char *line, size_t seen)
{
	size_t longest = GUARD_METHOD_SIZE_MAX + 1;
	size_t size = span_of(line, line + (seen < longest ? seen : longest), TOKEN);

	guard->method_size = (uint32_t)size;
	if (size == longest)
		return REFUSAL_METHOD_SIZE;
	if (size == seen || (size > 0 && line[size] == ' '))
		return REFUSAL_NONE;
	if (line[size] != '\r')
		return REFUSAL_METHOD;
	return size > 0 ? REFUSAL_REQUEST_LINE : seen > 1 ? REFUSAL_LINE_END : REFUSAL_NONE;
}

/* What can be said of a request line of which `seen` octets have come, complete or not: the same
 * verdict at the same octet however it was cut. What is no HTTP, as a TLS greeting, might never
 * bring an end of line. */
static enum refusal check_so_far(struct guard *guard, const struct guard_limits *limits, const char *line, size_t seen)
{
	enum refusal refusal = check_method(guard, line, seen);
	size_t before = guard->method_size + (size_t)1, room = limits->target_size_max;

	if (refusal != REFUSAL_NONE)
		return refusal;
	if (before + room < limits->head_size_max && seen > before + room && !memchr(line + before, ' ', room + 1))
		return REFUSAL_TARGET_SIZE;
	return seen > limits->head_size_max ? REFUSAL_HEAD_SIZE : REFUSAL_NONE;
}

/* RFC 9112 section 2.3: HTTP-version is case-sensitive, with one digit each. */
static enum refusal check_version(struct guard *guard, const char *at, size_t size)
{
	if (size != 8 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || at[5] < '0' || at[5] > '9' || at[7] < '0' ||
	    at[7] > '9')
		return REFUSAL_VERSION;
	if (at[5] != '1')
		return REFUSAL_VERSION_MAJOR;
	guard->minor_version = at[7] != '0'; /* higher ones are read as the one we speak */
	return REFUSAL_NONE;
}

/* `line` without its CR LF, the method having been checked. */
static enum refusal check_request_line(struct guard *guard, const char *line, size_t size)
{
	const char *end = line + size, *target = line + guard->method_size + 1;
	size_t length = span_of(target, end, TARGET);

	if (target + length < end && target[length] != ' ' && memchr(target, '?', length))
		length += span_of(target + length, end, TARGET | QUERY);
	if (target + length < end && target[length] != ' ')
		return REFUSAL_TARGET;
	if (length == 0 || target + length == end)
		return REFUSAL_REQUEST_LINE;
	guard->line_size = (uint32_t)size;
	guard->target_size = (uint32_t)length;
	return check_version(guard, target + length + 1, (size_t)(end - target) - length - 1);
}

static bool ends_well(const char *line, size_t size)
{
	return size >= 2 && memchr(line, '\r', size) == line + size - 2;
}

/* A whole line, its LF included, before the request line's end. */
static enum refusal first_line(struct guard *guard, const struct guard_limits *limits, const char *line, size_t size)
{
	if (size > 2) {
		enum refusal refusal = check_so_far(guard, limits, line, size);

		if (refusal == REFUSAL_NONE && !ends_well(line, size))
			refusal = REFUSAL_LINE_END;
		return refusal != REFUSAL_NONE ? refusal : check_request_line(guard, line, size - 2);
	}
	if (!ends_well(line, size))
		return REFUSAL_LINE_END;
	if (++guard->empty_lines > GUARD_EMPTY_LINES_MAX)
		return REFUSAL_EMPTY_LINES;
	guard->start += 2;
	return REFUSAL_NONE;
}

/* A whole line behind the request line. */
static enum refusal field_line(struct guard *guard, const struct guard_limits *limits, const char *line, size_t size)
{
	if (guard->line + size - guard->start > limits->head_size_max)
		return REFUSAL_HEAD_SIZE;
	if (!ends_well(line, size))
		return REFUSAL_LINE_END;
	if (size == 2)
		return REFUSAL_NONE;
	if (line[0] == ' ' || line[0] == '\t')
		return REFUSAL_FOLDED;
	if (line[0] == ':')
		return REFUSAL_FIELD_NAME;
	return ++guard->field_count > limits->fields_max ? REFUSAL_FIELD_COUNT : REFUSAL_NONE;
}

enum guard_verdict guard_scan(struct guard *guard, const struct guard_limits *limits, const char *data, size_t size)
{
	const char *feed;
	enum refusal refusal;

	while ((feed = memchr(data + guard->scanned, '\n', size - guard->scanned))) {
		const char *line = data + guard->line;
		size_t length = (size_t)(feed + 1 - line);
		bool in_fields = guard->line_size != 0;

		refusal = in_fields ? field_line(guard, limits, line, length) : first_line(guard, limits, line, length);
		if (refusal != REFUSAL_NONE)
			return refuse(guard, refusal);
		guard->line += (uint32_t)length;
		guard->scanned = guard->line;
		if (in_fields && length == 2)
			return GUARD_COMPLETE;
	}
	guard->scanned = (uint32_t)size;
	if (guard->line_size == 0) {
		refusal = check_so_far(guard, limits, data + guard->line, size - guard->line);
		if (refusal != REFUSAL_NONE)
			return refuse(guard, refusal);
	} else if (size - guard->start > limits->head_size_max) {
		return refuse(guard, REFUSAL_HEAD_SIZE);
	}
	return GUARD_MORE;
}
