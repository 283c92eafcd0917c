/* SPDX-License-Identifier: MIT
 *
 * Syntax of a host and port. */
#include "http/message/authority.h"

#include <arpa/inet.h>

enum { PLAIN = 1, DIGIT = 2, HEX = 4 };

#define D PLAIN | DIGIT | HEX
#define H PLAIN | HEX
#define P PLAIN

/* PLAIN is unreserved or sub-delims: what may stand unescaped in a registered name. */
static const unsigned char octet_class[256] = {
	['!'] = P, ['$'] = P, ['&'] = P, ['\''] = P, ['('] = P, [')'] = P, ['*'] = P, ['+'] = P, [','] = P, ['-'] = P,
	['.'] = P, [';'] = P, ['='] = P, ['_'] = P,  ['~'] = P, ['0'] = D, D,         D,         D,         D,
	D,         D,         D,         D,          D,         ['A'] = H, H,         H,         H,         H,
	H,         P,         P,         P,          P,         P,         P,         P,         P,         P,
	P,         P,         P,         P,          P,         P,         P,         P,         P,         P,
	P,         ['a'] = H, H,         H,          H,         H,         H,         P,         P,         P,
	P,         P,         P,         P,          P,         P,         P,         P,         P,         P,
	P,         P,         P,         P,          P,         P,         P,
};

#undef D
#undef H
#undef P

static bool is(char octet, unsigned char class)
{
	return (octet_class[(unsigned char)octet] & class) != 0;
}

/* reg-name, which IPv4 addresses are among; returns its length. */
static size_t registered_name(struct slice text)
{
	size_t at = 0;

	while (at < text.len) {
		if (is(text.ptr[at], PLAIN))
			at++;
		else if (text.ptr[at] == '%' && text.len - at > 2 && is(text.ptr[at + 1], HEX) &&
			 is(text.ptr[at + 2], HEX))
			at += 3;
		else
			break;
	}
	return at;
}

/* IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool is_future_address(struct slice text)
{
	size_t at = 1;

	if (text.len == 0 || (text.ptr[0] != 'v' && text.ptr[0] != 'V'))
		return false;
	while (at < text.len && is(text.ptr[at], HEX))
		at++;
	if (at == 1 || at + 1 >= text.len || text.ptr[at] != '.')
		return false;
	while (++at < text.len)
		if (!is(text.ptr[at], PLAIN) && text.ptr[at] != ':')
			return false;
	return true;
}

static bool is_ipv6_address(struct slice text)
{
	char terminated[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (text.len >= sizeof(terminated) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(terminated, text.ptr, text.len);
	terminated[text.len] = '\0';
	return inet_pton(AF_INET6, terminated, &address) == 1;
}

/* The length of "[...]" at the start of `text`, 0 when it is no address. */
static size_t bracketed_address(struct slice text)
{
	const char *close = memchr(text.ptr, ']', text.len);

	if (!close)
		return 0;

	struct slice inside = {text.ptr + 1, (size_t)(close - text.ptr) - 1};

	if (!is_ipv6_address(inside) && !is_future_address(inside))
		return 0;
	return inside.len + 2;
}

bool authority_parse(struct slice text, struct authority *out)
{
	if (text.len == 0)
		return false;

	size_t host = text.ptr[0] == '[' ? bracketed_address(text) : registered_name(text);

	out->host = (struct slice){text.ptr, host};
	out->port = (struct slice){text.ptr + text.len, 0};
	out->has_port = host < text.len;
	if (host == 0 || (out->has_port && text.ptr[host] != ':'))
		return false;
	for (size_t at = host + 1; at < text.len; at++)
		if (!is(text.ptr[at], DIGIT))
			return false;
	if (out->has_port)
		out->port = (struct slice){text.ptr + host + 1, text.len - host - 1};
	return true;
}
