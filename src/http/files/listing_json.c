/* SPDX-License-Identifier: MIT
 *
 * A directory as JSON (RFC 8259):
 *
 *     {"path": "/d/", "complete": true, "entries": [
 *     {"name": "a.txt", "type": "file", "size": 12, "modified": "2026-11-21T07:06:29Z",
 *      "href": "./a.txt"}]} */
#include "base/utf8.h"
#include "http/files/listing_text.h"

#include <inttypes.h>

static int put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* Within quotes. */
static int put_text(struct buffer *out, struct slice text)
{
	int rc = 0;

	while (rc == 0 && text.len > 0) {
		size_t length = utf8_character(text.ptr, text.len, NULL);
		char c = *text.ptr;

		if (length == 0)
			rc = put(out, "\\ufffd");
		else if (c == '"' || c == '\\')
			rc = buffer_printf(out, "\\%c", c);
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			rc = buffer_printf(out, "\\u%04x", (unsigned)c);
		else
			rc = buffer_append(out, text.ptr, length);
		length = length ? length : 1;
		text = (struct slice){text.ptr + length, text.len - length};
	}
	return rc;
}

static int put_time(struct buffer *out, time_t time)
{
	struct tm parts;
	char text[32];

	if (!gmtime_r(&time, &parts) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return 0;
	return buffer_printf(out, ", \"modified\": \"%s\"", text);
}

static int put_entry(struct buffer *out, const struct listing_entry *entry)
{
	char room[LISTING_HREF_MAX];
	struct slice href;
	int rc = listing_href(entry, room, &href);

	if (rc == 0)
		rc = put(out, "{\"name\": \"");
	if (rc == 0)
		rc = put_text(out, slice_of(entry->name));
	if (rc == 0)
		rc = put(out, entry->directory ? "\", \"type\": \"directory\"" : "\", \"type\": \"file\"");
	if (rc == 0 && !entry->directory)
		rc = buffer_printf(out, ", \"size\": %" PRIu64, entry->size);
	if (rc == 0)
		rc = put_time(out, entry->modified);
	if (rc == 0)
		rc = put(out, ", \"href\": \"");
	if (rc == 0)
		rc = buffer_append(out, href.ptr, href.len); /* has nothing to escape */
	return rc == 0 ? put(out, "\"}") : rc;
}

int listing_write_json(const struct listing *listing, struct buffer *out)
{
	int rc = put(out, "{\"path\": \"/");

	if (rc == 0)
		rc = put_text(out, listing->name);
	if (rc == 0)
		rc = buffer_printf(out, "\", \"complete\": %s, \"entries\": [", listing->cut ? "false" : "true");
	for (size_t i = 0; rc == 0 && i < listing->count; i++) {
		rc = put(out, i > 0 ? ",\n" : "\n");
		if (rc == 0)
			rc = put_entry(out, &listing->entries[i]);
	}
	return rc == 0 ? put(out, "]}\n") : rc;
}
