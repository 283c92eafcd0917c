/* SPDX-License-Identifier: MIT
 *
 * A directory as a page. No script; one style sheet, built in or the location's own. */
#include "base/utf8.h"
#include "http/files/listing_text.h"

#include <inttypes.h>
#include <stdio.h>

static const char style[] = "<style>\n"
			    "body{font:1em/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}\n"
			    "table{border-collapse:collapse;width:100%}\n"
			    "th,td{text-align:left;padding:.2em 1em .2em 0}\n"
			    "td:first-child{overflow-wrap:anywhere}\n"
			    ".size,.modified{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
			    ".size{text-align:right}\n"
			    "tbody tr:hover{background:#8882}\n"
			    "h1{overflow-wrap:anywhere;line-height:1.2}\n"
			    "a{text-decoration:none}\n"
			    "a:hover{text-decoration:underline}\n"
			    /* Too narrow for three columns: a name, and size and date below it. */
			    "@media(max-width:36em){\n"
			    "table,tbody{display:block}\n"
			    "thead{display:none}\n"
			    "tr{display:flex;flex-wrap:wrap;gap:0 1em;padding:.35em 0}\n"
			    "td{padding:0}\n"
			    "td:first-child{flex:0 0 100%}\n"
			    ".size,.modified{font-size:.9em;opacity:.75}\n"
			    ".size:empty{display:none}\n"
			    "}\n"
			    "</style>\n";

static int put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* What a character is in HTML, also within quotes; NULL: itself. */
static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c < 0x20 || c == 0x7f ? UTF8_REPLACEMENT : NULL;
	}
}

static int put_text(struct buffer *out, struct slice text)
{
	int rc = 0;

	while (rc == 0 && text.len > 0) {
		size_t length = utf8_character(text.ptr, text.len, NULL);
		const char *other = length == 1 ? entity(*text.ptr) : NULL;

		if (other)
			rc = put(out, other);
		else if (length == 0)
			rc = put(out, UTF8_REPLACEMENT);
		else
			rc = buffer_append(out, text.ptr, length);
		length = length ? length : 1;
		text = (struct slice){text.ptr + length, text.len - length};
	}
	return rc;
}

/* "512 B", "1.2 KiB" */
static int put_size(struct buffer *out, uint64_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t tenths = size * 10 / 1024;
	size_t unit = 0;

	if (size < 1024)
		return buffer_printf(out, "%" PRIu64 " B", size);
	if (size > UINT64_MAX / 10)
		tenths = size / 1024 * 10;
	for (; tenths >= 10240 && unit < 5; unit++)
		tenths /= 1024;
	return buffer_printf(out, "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10), units[unit]);
}

static int put_time(struct buffer *out, time_t time)
{
	struct tm parts;
	char machine[32], person[32];

	if (!gmtime_r(&time, &parts) || strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0 ||
	    strftime(person, sizeof(person), "%Y-%m-%d %H:%M", &parts) == 0)
		return 0;
	return buffer_printf(out, "<time datetime=\"%s\">%s</time>", machine, person);
}

static int put_entry(struct buffer *out, const struct listing_entry *entry)
{
	char room[LISTING_HREF_MAX];
	struct slice href;
	int rc = listing_href(entry, room, &href);

	if (rc == 0)
		rc = put(out, "<tr><td><a href=\"");
	if (rc == 0)
		rc = put_text(out, href);
	if (rc == 0)
		rc = put(out, "\">");
	if (rc == 0)
		rc = put_text(out, slice_of(entry->name));
	if (rc == 0)
		rc = put(out, entry->directory ? "/</a><td class=\"size\">" : "</a><td class=\"size\">");
	if (rc == 0 && !entry->directory)
		rc = put_size(out, entry->size);
	if (rc == 0)
		rc = put(out, "<td class=\"modified\">");
	if (rc == 0)
		rc = put_time(out, entry->modified);
	return rc == 0 ? put(out, "\n") : rc;
}

static int put_style(const struct listing *listing, struct buffer *out)
{
	int rc;

	if (!listing->location->listing_css)
		return put(out, style);
	rc = put(out, "<link rel=\"stylesheet\" href=\"");
	if (rc == 0)
		rc = put_text(out, slice_of(listing->location->listing_css));
	return rc == 0 ? put(out, "\">\n") : rc;
}

static int put_top(const struct listing *listing, struct buffer *out)
{
	int rc = put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
			  "<meta name=\"viewport\" content=\"width=device-width\">\n"
			  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Index of /");

	if (rc == 0)
		rc = put_text(out, listing->name);
	if (rc == 0)
		rc = put(out, "</title>\n");
	if (rc == 0)
		rc = put_style(listing, out);
	if (rc == 0)
		rc = put(out, "<h1>Index of /");
	if (rc == 0)
		rc = put_text(out, listing->name);
	if (rc == 0)
		rc = put(out, "</h1>\n");
	if (rc == 0 && listing->cut)
		rc = buffer_printf(out,
				   "<p class=\"cut\">Here are %zu of the entries; there are "
				   "more.</p>\n",
				   listing->count);
	return rc;
}

int listing_write_html(const struct listing *listing, struct buffer *out)
{
	int rc = put_top(listing, out);

	if (rc == 0)
		rc = put(out, "<table>\n<thead><tr><th>Name<th class=\"size\">Size"
			      "<th class=\"modified\">Modified (UTC)\n<tbody>\n");
	if (rc == 0 && listing->name.len > 0)
		rc = put(out, "<tr><td><a href=\"../\">../</a><td><td>\n");
	for (size_t i = 0; rc == 0 && i < listing->count; i++)
		rc = put_entry(out, &listing->entries[i]);
	return rc == 0 ? put(out, "</table>\n") : rc;
}
