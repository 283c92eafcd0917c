/* SPDX-License-Identifier: MIT
 *
 * Checks of single texts, for rows of the table of settings. */
#include "brood/config/setting_checks.h"

#include "http/site/header_rules.h"
#include "http/site/redirect.h"
#include "http/site/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HSTS_VALUE_MAX = HTTP_HSTS_MAX - sizeof("Strict-Transport-Security: \r\n") };

bool check_name(const char *text, char *reason, size_t room)
{
	if (site_name_is_valid(text))
		return true;
	snprintf(reason, room, "\"%.64s\" is no host's name (like example.org, *.example.org or 192.0.2.7)", text);
	return false;
}

bool check_index(const char *text, char *reason, size_t room)
{
	if (text[0] != '\0' && text[0] != '.' && !strchr(text, '/') && strlen(text) < 256)
		return true;
	snprintf(reason, room, "\"%.64s\" is no name of a file that can be served in a folder", text);
	return false;
}

static bool wrong(char *reason, size_t room, const char *why)
{
	snprintf(reason, room, "%s", why);
	return false;
}

/* From the slash at its start on: no empty, "." or ".." segment. */
static bool is_plain_path(const char *text)
{
	for (; *text; text++) {
		const char *segment = text + 1;
		size_t length = strcspn(segment, "/");

		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
		if (*text == '/' && ((length == 0 && *segment) || strncmp(segment, ".", length) == 0 ||
				     strncmp(segment, "..", length) == 0))
			return length == 0 && !*segment;
	}
	return true;
}

/* A file's, from the slash on. */
static bool is_file_path(const char *text)
{
	size_t length = strlen(text);

	return text[0] == '/' && length > 1 && text[length - 1] != '/' && length < 1024 && is_plain_path(text);
}

bool check_try(const char *text, char *reason, size_t room)
{
	const char *rest = strncmp(text, "{path}", 6) == 0 ? text + 6 : text;
	const char *mark = strstr(rest, "{path}");

	if (text[0] != '/' && rest == text)
		return wrong(reason, room,
			     "want a path, from the / on, or {path} at its start, as in "
			     "\"{path}.html\" or \"/app.html\"");
	if (mark && (rest != text || strstr(mark + 1, "{path}")))
		return wrong(reason, room, "{path} is in it twice");
	if (strlen(text) >= 1024 || !is_plain_path(rest))
		return wrong(reason, room, "no such file is ever looked up");
	return true;
}

bool check_fallback(const char *text, char *reason, size_t room)
{
	return is_file_path(text) || wrong(reason, room, "want the path of a file, as in \"/app.html\"");
}

const char *read_error_page(const char *text, unsigned *status)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*status = (unsigned)number;
	if (end != text + 3 || number < 400 || number > 599 || *end != ' ')
		return NULL;
	end += strspn(end, " ");
	return is_file_path(end) ? end + 1 : NULL;
}

bool check_error_page(const char *text, char *reason, size_t room)
{
	unsigned status;

	return (text[0] != ' ' && read_error_page(text, &status)) ||
	       wrong(reason, room,
		     "want a status from 400 to 599 and the path of a file, as in "
		     "\"404 /404.html\"");
}

bool check_redirect(const char *text, char *reason, size_t room)
{
	return redirect_is_valid(text, reason, room);
}

bool check_header(const char *text, char *reason, size_t room)
{
	return header_rule_is_valid(text, reason, room);
}

bool check_value(const char *text, char *reason, size_t room)
{
	return header_value_is_valid(text) || wrong(reason, room, "a field's value has no control characters in it");
}

/* RFC 6797 section 6.1.1: "max-age=SECONDS" or the same in quotes, which ends where the text does or
 * a ";" follows. */
static bool is_max_age(const char *text)
{
	size_t digits;
	bool quoted;

	if (strncasecmp(text, "max-age=", 8) != 0)
		return false;
	text += 8;
	quoted = *text == '"';
	digits = strspn(text + quoted, "0123456789");
	text += quoted + digits;
	if (digits == 0 || (quoted && *text++ != '"'))
		return false;
	text += strspn(text, " ");
	return *text == '\0' || *text == ';';
}

bool check_hsts(const char *text, char *reason, size_t room)
{
	const char *at = text;

	if (!check_value(text, reason, room))
		return false;
	if (strlen(text) > HSTS_VALUE_MAX)
		return wrong(reason, room, "it is too long");
	for (; at; at = strchr(at, ';')) {
		at += strspn(at, "; ");
		if (is_max_age(at))
			return true;
	}
	return wrong(reason, room, "want max-age=SECONDS in it, as in \"max-age=31536000\"");
}

bool check_type(const char *text, char *reason, size_t room)
{
	const char *slash = strchr(text, '/');

	if (slash && slash > text && slash[1] != '\0' && !strpbrk(slash + 1, "/*; \t"))
		return true;
	snprintf(reason, room, "\"%.64s\" is no type of files (like text/html)", text);
	return false;
}
