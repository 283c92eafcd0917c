/* SPDX-License-Identifier: MIT
 *
 * See forwarded.h. */
#include "http/client/forwarded.h"

#include "http/message/guard.h"

#include <arpa/inet.h>
#include <stdint.h>

enum { NODE_MAX = 64 /* the longest address with brackets and a port */ };

static bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

static bool is_obfuscated(struct slice text)
{
	if (text.len < 2 || text.ptr[0] != '_')
		return false;
	for (size_t i = 1; i < text.len; i++) {
		char letter = (char)(text.ptr[i] | 0x20);

		if (!is_digit(text.ptr[i]) && (letter < 'a' || letter > 'z') && !memchr("._-", text.ptr[i], 3))
			return false;
	}
	return true;
}

/* RFC 7239 section 6: 1*5DIGIT or an obfuscated one, which is as good as none. */
static bool read_port(struct slice text, bool may_hide, uint16_t *out)
{
	unsigned port = 0;

	if (may_hide && is_obfuscated(text))
		return true;
	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.ptr[i]))
			return false;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

static bool read_host(struct slice text, int family, void *octets)
{
	char host[NODE_MAX];

	/* inet_pton would stop at a NUL. */
	if (text.len == 0 || text.len >= sizeof(host) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(host, text.ptr, text.len);
	host[text.len] = '\0';
	return inet_pton(family, host, octets) == 1;
}

/* "[IPv6]", "[IPv6]:port" */
static bool read_bracketed(struct slice text, bool may_hide, union peer_address *out)
{
	const char *close = memchr(text.ptr, ']', text.len);
	struct slice host, rest;
	unsigned char octets[16];
	uint16_t port = 0;

	if (!close)
		return false;
	host = (struct slice){text.ptr + 1, (size_t)(close - text.ptr) - 1};
	rest = (struct slice){close + 1, text.len - host.len - 2};
	if (!read_host(host, AF_INET6, octets))
		return false;
	if (rest.len > 0 &&
	    (rest.ptr[0] != ':' || !read_port((struct slice){rest.ptr + 1, rest.len - 1}, may_hide, &port)))
		return false;
	peer_set_ipv6(out, octets, port);
	return true;
}

/* "IPv4", "IPv4:port", and what read_bracketed reads. */
static bool read_address(struct slice text, bool may_hide, union peer_address *out)
{
	const char *colon;
	struct slice host = text;
	unsigned char octets[16];
	uint16_t port = 0;

	if (text.len == 0)
		return false;
	if (text.ptr[0] == '[')
		return read_bracketed(text, may_hide, out);
	colon = memchr(text.ptr, ':', text.len);
	if (colon) {
		host.len = (size_t)(colon - text.ptr);
		if (!read_port((struct slice){colon + 1, text.len - host.len - 1}, may_hide, &port))
			return false;
	}
	if (!read_host(host, AF_INET, octets))
		return false;
	peer_set_ipv4(out, octets, port);
	return true;
}

static enum forwarded_node read_x_for(struct slice text, union peer_address *out)
{
	unsigned char octets[16];

	/* By custom an IPv6 address may go without brackets, having no port then. */
	if (read_host(text, AF_INET6, octets)) {
		peer_set_ipv6(out, octets, 0);
		return FORWARDED_ADDRESS;
	}
	if (read_address(text, false, out))
		return FORWARDED_ADDRESS;
	return slice_equal_nocase(text, SLICE("unknown")) ? FORWARDED_NO_ADDRESS : FORWARDED_GARBAGE;
}

/* Octets that nobody needs to quote may be quoted all the same (RFC 9110 section 5.6.4). */
static struct slice unquote(struct slice text, char room[NODE_MAX])
{
	size_t size = 0;

	if (!memchr(text.ptr, '\\', text.len))
		return text;
	for (size_t i = 0; i < text.len && size < NODE_MAX; i++) {
		if (text.ptr[i] == '\\')
			i++;
		room[size++] = text.ptr[i];
	}
	return (struct slice){room, size};
}

/* RFC 7239 section 6: nodename [ ":" node-port ] */
static enum forwarded_node read_node(struct slice text, union peer_address *out)
{
	const char *colon = memchr(text.ptr, ':', text.len);
	struct slice name = text;
	uint16_t port;

	if (read_address(text, true, out))
		return FORWARDED_ADDRESS;
	if (colon) {
		name.len = (size_t)(colon - text.ptr);
		if (!read_port((struct slice){colon + 1, text.len - name.len - 1}, true, &port))
			return FORWARDED_GARBAGE;
	}
	return slice_equal_nocase(name, SLICE("unknown")) || is_obfuscated(name) ? FORWARDED_NO_ADDRESS
										 : FORWARDED_GARBAGE;
}

/* --- RFC 7239 section 4: one element, pairs by semicolons --- */

/* What is read, and what is left. */
struct cursor {
	const char *at, *end;
};

static struct slice take_token(struct cursor *cursor)
{
	const char *start = cursor->at;

	while (cursor->at < cursor->end && guard_is_token((unsigned char)*cursor->at))
		cursor->at++;
	return (struct slice){start, (size_t)(cursor->at - start)};
}

/* What is between the quotes, quoted pairs as they are. */
static bool take_quoted(struct cursor *cursor, struct slice *out)
{
	const char *start = cursor->at + 1, *at = start;

	while (at < cursor->end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	if (at >= cursor->end)
		return false;
	*out = (struct slice){start, (size_t)(at - start)};
	cursor->at = at + 1;
	return true;
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
		cursor->at++;
}

static bool take_pair(struct cursor *cursor, struct slice *name, struct slice *value)
{
	*name = take_token(cursor);
	if (name->len == 0 || cursor->at == cursor->end || *cursor->at++ != '=' || cursor->at == cursor->end)
		return false;
	if (*cursor->at == '"')
		return take_quoted(cursor, value);
	*value = take_token(cursor);
	return value->len > 0;
}

/* A second parameter of one name makes the element garbage. */
static bool put_once(struct slice *place, struct slice value)
{
	if (place->ptr)
		return false;
	*place = value;
	return true;
}

static enum forwarded_node read_element(struct slice text, struct forwarded_hop *out)
{
	static const struct slice names[] = {{"for", 3}, {"proto", 5}, {"by", 2}, {"host", 4}};
	struct slice values[sizeof(names) / sizeof(names[0])] = {{NULL, 0}}, name, value;
	struct cursor cursor = {text.ptr, text.ptr + text.len};
	char room[NODE_MAX];

	for (;;) {
		skip_blanks(&cursor);
		if (cursor.at < cursor.end && *cursor.at != ';') {
			if (!take_pair(&cursor, &name, &value))
				return FORWARDED_GARBAGE;
			for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
				if (slice_equal_nocase(name, names[i]) && !put_once(&values[i], value))
					return FORWARDED_GARBAGE;
			skip_blanks(&cursor);
		}
		if (cursor.at == cursor.end)
			break;
		if (*cursor.at++ != ';')
			return FORWARDED_GARBAGE;
	}
	out->proto = values[1];
	return values[0].ptr ? read_node(unquote(values[0], room), &out->address) : FORWARDED_NO_ADDRESS;
}

/* --- from the right --- */

/* Whether the octet at `at` is escaped: an odd number of backslashes is in front of it. */
static bool is_escaped(const char *start, const char *at)
{
	const char *first = at;

	while (first > start && first[-1] == '\\')
		first--;
	return (at - first) % 2 != 0;
}

/* The last comma that is in no quoted string, NULL for none. Behind the last element no string is
 * open, so strings are found from their closing quotes on. */
static const char *find_last_comma(struct slice value, bool quotes)
{
	bool within = false;

	for (const char *at = value.ptr + value.len; at > value.ptr;) {
		at--;
		if (quotes && *at == '"' && (!within || !is_escaped(value.ptr, at)))
			within = !within;
		else if (*at == ',' && !within)
			return at;
	}
	return NULL;
}

/* The last element that is not empty; empty: there is none. */
static struct slice take_last(struct slice *value, bool quotes)
{
	struct slice element = {NULL, 0};

	while (value->len > 0 && element.len == 0) {
		const char *comma = find_last_comma(*value, quotes);
		size_t start = comma ? (size_t)(comma - value->ptr) + 1 : 0;

		element = slice_trim((struct slice){value->ptr + start, value->len - start});
		value->len = comma ? start - 1 : 0;
	}
	return element;
}

void forwarded_take_last(enum forwarded_syntax syntax, struct slice *value, struct forwarded_hop *out)
{
	struct slice element = take_last(value, syntax == FORWARDED_RFC7239);

	*out = (struct forwarded_hop){.node = FORWARDED_END};
	if (element.len == 0)
		return;
	out->node = syntax == FORWARDED_X_FOR ? read_x_for(element, &out->address) : read_element(element, out);
}

struct slice forwarded_take_last_word(struct slice *value)
{
	return take_last(value, false);
}
