/* SPDX-License-Identifier: MIT
 *
 * Scanner over a request head. Works on whole lines found by memchr; only the request line is
 * looked at octet by octet. */
#include "http/guard.h"

#include <string.h>

enum { TOKEN = 1, TARGET = 2 };

#define T TOKEN | TARGET
#define U TARGET

/* TOKEN is tchar. TARGET is every visible ASCII octet but "#": fragments are never sent. The ten
 * others that RFC 3986 leaves out (" < > [ ] \ ^ ` { | }) do come from browsers, in queries above
 * all. */
static const unsigned char octet_class[256] = {
	['!'] = T, ['"'] = U, ['$'] = T, ['%'] = T, ['&'] = T, ['\''] = T, ['('] = U, [')'] = U,
	['#'] = TOKEN, ['*'] = T, ['+'] = T, [','] = U, ['-'] = T, ['.'] = T, ['/'] = U,
	['0'] = T, T, T, T, T, T, T, T, T, T,
	[':'] = U, [';'] = U, ['<'] = U, ['='] = U, ['>'] = U, ['?'] = U, ['@'] = U,
	['A'] = T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	['['] = U, ['\\'] = U, [']'] = U, ['^'] = T, ['_'] = T, ['`'] = T,
	['a'] = T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	['{'] = U, ['|'] = T, ['}'] = U, ['~'] = T,
};

#undef T
#undef U

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

static enum guard_verdict refuse(struct guard *guard, unsigned status)
{
	guard->status = (uint16_t)status;
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

/* What can be said of a request line of which `seen` octets have come, complete or not: the same
 * verdict at the same octet however it was cut. */
static unsigned check_request_line_so_far(const struct guard_limits *limits, const char *line,
					  size_t seen)
{
	if (seen > 0 && line[0] != '\r' && !guard_is_token((unsigned char)line[0]))
		return 400; /* a TLS greeting, for instance, would never bring an end of line */

	const char *space = memchr(line, ' ', seen < limits->head_size_max ? seen :
								limits->head_size_max);
	if (space) {
		size_t before = (size_t)(space + 1 - line), room = limits->target_size_max;

		if (before + room < limits->head_size_max && seen - before > room &&
		    !memchr(space + 1, ' ', room + 1))
			return 414;
	}
	return seen > limits->head_size_max ? 431 : 0;
}

/* RFC 9112 section 2.3: HTTP-version is case-sensitive, with one digit each. */
static unsigned check_version(struct guard *guard, const char *at, size_t size)
{
	if (size != 8 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' ||
	    at[5] < '0' || at[5] > '9' || at[7] < '0' || at[7] > '9')
		return 400;
	if (at[5] != '1')
		return 505;
	guard->minor_version = at[7] != '0'; /* higher ones are read as the one we speak */
	return 0;
}

/* `line` without its CR LF. */
static unsigned check_request_line(struct guard *guard, const char *line, size_t size)
{
	const char *end = line + size;
	size_t method = span_of(line, end, TOKEN);

	if (method == 0 || method == size || line[method] != ' ')
		return 400;

	const char *target = line + method + 1;
	size_t length = span_of(target, end, TARGET);

	if (length == 0 || target + length == end || target[length] != ' ')
		return 400;
	guard->line_size = (uint32_t)size;
	guard->method_size = (uint32_t)method;
	guard->target_size = (uint32_t)length;
	return check_version(guard, target + length + 1, (size_t)(end - target) - length - 1);
}

/* A whole line, its LF included, before the request line's end. */
static unsigned first_line(struct guard *guard, const struct guard_limits *limits, const char *line,
			   size_t size)
{
	unsigned status = 0;

	if (size > limits->target_size_max || size > limits->head_size_max)
		status = check_request_line_so_far(limits, line, size);
	if (status != 0)
		return status;
	if (size < 2 || memchr(line, '\r', size) != line + size - 2)
		return 400;
	if (size > 2)
		return check_request_line(guard, line, size - 2);
	if (++guard->empty_lines > GUARD_EMPTY_LINES_MAX)
		return 400;
	guard->start += 2;
	return 0;
}

/* A whole line behind the request line. */
static unsigned field_line(struct guard *guard, const struct guard_limits *limits, const char *line,
			   size_t size)
{
	if (guard->line + size - guard->start > limits->head_size_max)
		return 431;
	if (size < 2 || memchr(line, '\r', size) != line + size - 2)
		return 400;
	if (size == 2)
		return 0;
	if (line[0] == ' ' || line[0] == '\t' || line[0] == ':')
		return 400;
	return ++guard->field_count > limits->fields_max ? 431 : 0;
}

enum guard_verdict guard_scan(struct guard *guard, const struct guard_limits *limits,
			      const char *data, size_t size)
{
	const char *feed;
	unsigned status;

	while ((feed = memchr(data + guard->scanned, '\n', size - guard->scanned))) {
		const char *line = data + guard->line;
		size_t length = (size_t)(feed + 1 - line);
		bool in_fields = guard->line_size != 0;

		status = in_fields ? field_line(guard, limits, line, length)
				   : first_line(guard, limits, line, length);
		if (status != 0)
			return refuse(guard, status);
		guard->line += (uint32_t)length;
		guard->scanned = guard->line;
		if (in_fields && length == 2)
			return GUARD_COMPLETE;
	}
	guard->scanned = (uint32_t)size;
	if (guard->line_size == 0) {
		status = check_request_line_so_far(limits, data + guard->line, size - guard->line);
		if (status != 0)
			return refuse(guard, status);
	} else if (size - guard->start > limits->head_size_max) {
		return refuse(guard, 431);
	}
	return GUARD_MORE;
}
