/* SPDX-License-Identifier: MIT
 *
 * See cache_control.h. */
#include "http/site/cache_control.h"

#include "http/site/site.h"

enum { HASH_MIN = 8, HASH_MAX = 64 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_capital(c) || (c >= 'a' && c <= 'z');
}

static bool is_hash(struct slice text)
{
	bool digit = false, letter = false, capital = false, hexadecimal = true;

	if (text.len < HASH_MIN || text.len > HASH_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_digit(c) && !is_letter(c) && c != '_')
			return false;
		digit = digit || is_digit(c);
		letter = letter || is_letter(c);
		capital = capital || is_capital(c);
		hexadecimal = hexadecimal && (is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'));
	}
	return digit && letter && (hexadecimal || capital);
}

/* Where the last of `c` is; text.len: nowhere. */
static size_t last_of(struct slice text, char c)
{
	const char *found = text.len > 0 ? memrchr(text.ptr, c, text.len) : NULL;

	return found ? (size_t)(found - text.ptr) : text.len;
}

static struct slice without_ending(struct slice name)
{
	size_t dot = last_of(name, '.');

	return dot < name.len ? (struct slice){name.ptr, dot} : (struct slice){name.ptr, 0};
}

/* What is behind the last dot or dash. */
static struct slice last_part(struct slice name)
{
	size_t dot = last_of(name, '.'), dash = last_of(name, '-'), at;

	if (dot == name.len && dash == name.len)
		return (struct slice){name.ptr, 0};
	at = dot == name.len ? dash : dash == name.len ? dot : dot > dash ? dot : dash;
	return (struct slice){name.ptr + at + 1, name.len - at - 1};
}

/* Is there a hash of the contents in the name, as build tools write it ("app.3f9d2c1a.js",
 * "index-BxYz12_3.css", "main.5ZQHXKDN.js.map")? It stands before the ending, behind a dot or a
 * dash: 8 to 64 octets, with a digit and a letter among them, that are all hexadecimal, or letters
 * (a capital one at least), digits and "_". So no date is one ("report-20240131.pdf"), nor a word
 * with a number ("chapter-document1.pdf"). */
static bool is_hashed(struct slice name)
{
	size_t slash = last_of(name, '/');
	struct slice stem = name;

	if (slash < name.len)
		stem = (struct slice){name.ptr + slash + 1, name.len - slash - 1};
	stem = without_ending(stem);
	/* "app.3f9d2c1a.js.map" */
	return is_hash(last_part(stem)) || is_hash(last_part(without_ending(stem)));
}

struct slice location_cache_control(const struct http_location *location, struct slice name)
{
	if (location->cache_control_hashed.len > 0 && is_hashed(name))
		return location->cache_control_hashed;
	return location->cache_control;
}
