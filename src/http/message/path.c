/* SPDX-License-Identifier: MIT
 *
 * See path.h. */
#include "http/message/path.h"

#include "http/message/head.h"

enum {
	C_PLAIN = 1,   /* stands for itself in a path: pchar but for "%", RFC 3986 section 3.3 */
	C_VISIBLE = 2, /* not allowed in a path, but harmless and seen in practice: [ ] { } | ... */
	C_HEX = 4,
};

#define P C_PLAIN
#define V C_VISIBLE
#define H (C_PLAIN | C_HEX)
/* Controls, SP, "#", DEL and what is not ASCII are 0; "/", "?" and "%" are decided on by name. */
static const unsigned char class_of[256] = {
	['!'] = P,         ['"'] = V,  ['$'] = P, ['&'] = P, ['\''] = P, ['('] = P,         [')'] = P,
	['*'] = P,         ['+'] = P,  [','] = P, ['-'] = P, ['.'] = P,  ['0' ... '9'] = H, [':'] = P,
	[';'] = P,         ['<'] = V,  ['='] = P, ['>'] = V, ['@'] = P,  ['A' ... 'F'] = H, ['G' ... 'Z'] = P,
	['['] = V,         ['\\'] = V, [']'] = V, ['^'] = V, ['_'] = P,  ['`'] = V,         ['a' ... 'f'] = H,
	['g' ... 'z'] = P, ['{'] = V,  ['|'] = V, ['}'] = V, ['~'] = P,
};
#undef P
#undef V
#undef H

static unsigned class_at(const char *p)
{
	return class_of[(unsigned char)*p];
}

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* "http://host/path" to "/path", which may be missing. */
static bool skip_authority(struct slice *target)
{
	static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};

	for (size_t i = 0; i < 2; i++) {
		struct slice scheme = schemes[i];
		size_t end = scheme.len;

		if (target->len <= scheme.len || !slice_equal_nocase((struct slice){target->ptr, scheme.len}, scheme))
			continue;
		while (end < target->len && target->ptr[end] != '/' && target->ptr[end] != '?')
			end++;
		if (end == scheme.len)
			return false;
		*target = (struct slice){target->ptr + end, target->len - end};
		return true;
	}
	return false;
}

/* Is there nothing to decode, to merge or to remove in the path? Then it is used where it is. */
static bool parse_plain(struct slice target, struct path *out)
{
	const char *p = target.ptr, *end = target.ptr + target.len;

	for (; p < end; p++) {
		if (class_at(p) & C_PLAIN)
			continue;
		if (*p == '?')
			break;
		if (*p != '/')
			return false;
		/* A segment that starts with a dot is hidden or a dot segment. */
		if (p + 1 < end && (p[1] == '/' || p[1] == '.'))
			return false;
	}
	out->name = (struct slice){target.ptr + 1, (size_t)(p - target.ptr) - 1};
	out->query = (struct slice){p, (size_t)(end - p)};
	out->directory = p[-1] == '/';
	return true;
}

/* Decodes one octet at *p and steps over it. 0 or a status. */
static unsigned take_octet(const char **p, const char *end, char *out)
{
	const char *at = *p;

	if (*at != '%') {
		if (class_at(at) == 0)
			return 400;
		*out = *at;
		*p = at + 1;
		return 0;
	}
	if (end - at < 3 || !(class_at(at + 1) & C_HEX) || !(class_at(at + 2) & C_HEX))
		return 400;
	*out = (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
	*p = at + 3;
	/* A NUL would end the name early for the kernel. */
	return *out == '\0' ? 400 : 0;
}

/* Drops the last segment of a name that is empty or ends with a slash. */
static size_t parent_of(const char *name, size_t length)
{
	if (length > 0)
		length--;
	while (length > 0 && name[length - 1] != '/')
		length--;
	return length;
}

/* Any segment of a normalised name that starts with a dot? */
static bool is_hidden(struct slice name)
{
	static const struct slice well_known = {".well-known", 11};
	size_t i = 0;

	if (name.len >= well_known.len && memcmp(name.ptr, well_known.ptr, well_known.len) == 0 &&
	    (name.len == well_known.len || name.ptr[well_known.len] == '/'))
		i = well_known.len;
	for (; i < name.len; i++) {
		if (name.ptr[i] == '.' && (i == 0 || name.ptr[i - 1] == '/'))
			return true;
	}
	return false;
}

/* The general case: each segment is decoded behind what there is, looked at, and kept or not. */
static unsigned parse_general(struct slice target, char *room, struct path *out)
{
	const char *p = target.ptr + 1, *end = target.ptr + target.len;
	size_t used = 0, start, length;
	bool encoded_slash = false;
	unsigned status;

	for (;;) {
		for (start = used; p < end && *p != '/' && *p != '?'; used++) {
			status = take_octet(&p, end, room + used);
			if (status != 0)
				return status;
			encoded_slash = encoded_slash || room[used] == '/';
		}
		length = used - start;
		out->directory = true;
		if (length == 2 && memcmp(room + start, "..", 2) == 0)
			used = parent_of(room, start);
		else if (length == 1 && room[start] == '.')
			used = start;
		else if (length > 0 && p < end && *p == '/')
			room[used++] = '/';
		else if (length > 0)
			out->directory = false;
		if (p == end || *p == '?')
			break;
		p++;
	}
	out->name = (struct slice){room, used};
	out->query = (struct slice){p, (size_t)(end - p)};

	/* No file's name has a slash in it, so no file is meant. Taking it for a separator would
	 * let "/a%2Fb" past a proxy in front that guards "/a/". */
	return encoded_slash || is_hidden(out->name) ? 404 : 0;
}

unsigned path_parse(struct slice target, char *room, struct path *out)
{
	if (target.len > 0 && target.ptr[0] != '/') {
		if (!skip_authority(&target))
			return 400;
		if (target.len == 0 || target.ptr[0] == '?') {
			*out = (struct path){{room, 0}, target, true};
			return 0;
		}
	}
	if (target.len == 0)
		return 400;
	if (parse_plain(target, out))
		return 0;
	return parse_general(target, room, out);
}

/* Octets that are plain in a path, or in `also`, as they are; others encoded. */
static void put_encoded(struct head *out, struct slice text, const char *also)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		const char encoded[] = {'%', digits[c >> 4], digits[c & 15]};

		if (class_of[c] & C_PLAIN || (c != 0 && strchr(also, c)))
			head_put(out, (struct slice){text.ptr + i, 1});
		else
			head_put(out, (struct slice){encoded, 3});
	}
}

void path_put_name(struct head *out, struct slice name)
{
	put_encoded(out, name, "/");
}

void path_put_query(struct head *out, struct slice query)
{
	put_encoded(out, query, "/?%"); /* as received: its escapes are its own */
}

void path_put_location(struct head *out, const struct path *path, bool directory)
{
	struct slice name = path->name;

	head_put(out, SLICE("/"));
	path_put_name(out, name);
	if (directory && name.len > 0 && name.ptr[name.len - 1] != '/')
		head_put(out, SLICE("/"));
	path_put_query(out, path->query);
}
