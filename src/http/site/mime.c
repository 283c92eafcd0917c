/* SPDX-License-Identifier: MIT
 *
 * See mime.h. One sorted array of endings; the octets of the file that was read are kept, cut up in
 * place, and the array points into them. The master makes it, workers inherit it. */
#include "http/site/mime.h"

#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MIME_FILE_MAX = 4 << 20, /* octets; Debian's has 70 thousand */
	MIME_TYPE_MAX = 127,     /* RFC 6838 section 4.2 allows 127 on each side; nobody needs it */
	MIME_ENDING_MAX = 31,
};

struct mime_entry {
	const char *ending; /* lower case */
	const char *type;
	size_t order; /* of appearance, built-in ones first: of equal endings the last one stays */
};

struct mime_table {
	char *text; /* of the file */
	size_t count, room;
	struct mime_entry *entries; /* sorted by ending, which are all different */
};

/* What the web is made of today, so that pages work where there is no mime.types at all. */
static const struct mime_entry builtin[] = {
	{"7z", "application/x-7z-compressed", 0},
	{"aac", "audio/aac", 0},
	{"apng", "image/apng", 0},
	{"atom", "application/atom+xml", 0},
	{"avif", "image/avif", 0},
	{"bmp", "image/bmp", 0},
	{"bz2", "application/x-bzip2", 0},
	{"cjs", "text/javascript", 0},
	{"css", "text/css", 0},
	{"csv", "text/csv", 0},
	{"doc", "application/msword", 0},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 0},
	{"eot", "application/vnd.ms-fontobject", 0},
	{"epub", "application/epub+zip", 0},
	{"flac", "audio/flac", 0},
	{"geojson", "application/geo+json", 0},
	{"gif", "image/gif", 0},
	{"gz", "application/gzip", 0},
	{"heic", "image/heic", 0},
	{"htm", "text/html", 0},
	{"html", "text/html", 0},
	{"ico", "image/vnd.microsoft.icon", 0},
	{"ics", "text/calendar", 0},
	{"jar", "application/java-archive", 0},
	{"jpeg", "image/jpeg", 0},
	{"jpg", "image/jpeg", 0},
	{"js", "text/javascript", 0},
	{"json", "application/json", 0},
	{"jsonld", "application/ld+json", 0},
	{"jxl", "image/jxl", 0},
	{"log", "text/plain", 0},
	{"m3u8", "application/vnd.apple.mpegurl", 0},
	{"m4a", "audio/mp4", 0},
	{"m4v", "video/mp4", 0},
	{"map", "application/json", 0},
	{"md", "text/markdown", 0},
	{"mjs", "text/javascript", 0},
	{"mov", "video/quicktime", 0},
	{"mp3", "audio/mpeg", 0},
	{"mp4", "video/mp4", 0},
	{"mpd", "application/dash+xml", 0},
	{"odp", "application/vnd.oasis.opendocument.presentation", 0},
	{"ods", "application/vnd.oasis.opendocument.spreadsheet", 0},
	{"odt", "application/vnd.oasis.opendocument.text", 0},
	{"oga", "audio/ogg", 0},
	{"ogg", "audio/ogg", 0},
	{"ogv", "video/ogg", 0},
	{"opus", "audio/ogg", 0},
	{"otf", "font/otf", 0},
	{"pdf", "application/pdf", 0},
	{"png", "image/png", 0},
	{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", 0},
	{"rss", "application/rss+xml", 0},
	{"rtf", "application/rtf", 0},
	{"svg", "image/svg+xml", 0},
	{"tar", "application/x-tar", 0},
	{"tif", "image/tiff", 0},
	{"tiff", "image/tiff", 0},
	{"ttf", "font/ttf", 0},
	{"txt", "text/plain", 0},
	{"vtt", "text/vtt", 0},
	{"wasm", "application/wasm", 0},
	{"wav", "audio/wav", 0},
	{"weba", "audio/webm", 0},
	{"webm", "video/webm", 0},
	{"webmanifest", "application/manifest+json", 0},
	{"webp", "image/webp", 0},
	{"woff", "font/woff", 0},
	{"woff2", "font/woff2", 0},
	{"xhtml", "application/xhtml+xml", 0},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 0},
	{"xml", "application/xml", 0},
	{"xsl", "application/xslt+xml", 0},
	{"xz", "application/x-xz", 0},
	{"yaml", "application/yaml", 0},
	{"yml", "application/yaml", 0},
	{"zip", "application/zip", 0},
	{"zst", "application/zstd", 0},
};

enum { BUILTIN_COUNT = sizeof(builtin) / sizeof(builtin[0]) };

static int compare_entries(const void *a, const void *b)
{
	const struct mime_entry *left = a, *right = b;
	int difference = strcmp(left->ending, right->ending);

	return difference ? difference : (left->order > right->order) - (left->order < right->order);
}

static bool add(struct mime_table *table, const char *ending, const char *type)
{
	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 512;
		struct mime_entry *entries = reallocarray(table->entries, room, sizeof(*entries));

		if (!entries)
			return false;
		table->entries = entries;
		table->room = room;
	}
	table->entries[table->count] = (struct mime_entry){ending, type, table->count};
	table->count++;
	return true;
}

static void sort_unique(struct mime_table *table)
{
	size_t kept = 0;

	qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
	for (size_t i = 0; i < table->count; i++) {
		if (i + 1 == table->count || strcmp(table->entries[i].ending, table->entries[i + 1].ending) != 0)
			table->entries[kept++] = table->entries[i];
	}
	table->count = kept;
}

/* It goes into a header field as it is: visible ASCII only, one slash. */
static bool is_type(const char *text)
{
	const char *slash = strchr(text, '/');

	if (!slash || slash == text || !slash[1] || strchr(slash + 1, '/') || strlen(text) > MIME_TYPE_MAX)
		return false;
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || strchr("\"(),:;<=>?@[\\]{}", *text))
			return false;
	}
	return true;
}

static void to_lower(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
	}
}

/* "text/html    html htm", "# comment", and types without any ending. Cuts the line up. */
static bool add_line(struct mime_table *table, char *line)
{
	static const char space[] = " \t\r\f\v";
	char *rest, *type, *ending;

	line[strcspn(line, "#")] = 0;
	type = strtok_r(line, space, &rest);
	if (!type || !is_type(type))
		return true;
	while ((ending = strtok_r(NULL, space, &rest)) != NULL) {
		to_lower(ending);
		if (strlen(ending) <= MIME_ENDING_MAX && !add(table, ending, type))
			return false;
	}
	return true;
}

/* The whole file with a NUL behind it; NULL with *absent set when there is nothing to read. */
static char *read_text(const char *path, bool *absent)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size;

	*absent = true;
	if (!file)
		return NULL;
	text = malloc(MIME_FILE_MAX + 1);
	*absent = text != NULL;
	if (text) {
		char *fitting;

		size = fread(text, 1, MIME_FILE_MAX, file);
		text[size] = 0;
		fitting = realloc(text, size + 1);
		text = fitting ? fitting : text;
	}
	fclose(file);
	return text;
}

struct mime_table *mime_table_new(const char *path)
{
	struct mime_table *table = calloc(1, sizeof(*table));
	bool absent = false;
	char *rest, *line;

	if (!table)
		return NULL;
	for (size_t i = 0; i < BUILTIN_COUNT; i++) {
		if (!add(table, builtin[i].ending, builtin[i].type))
			goto fail;
	}
	table->text = read_text(path ? path : "/etc/mime.types", &absent);
	if (!table->text && !absent)
		goto fail;
	line = table->text ? strtok_r(table->text, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		if (!add_line(table, line))
			goto fail;
	}
	sort_unique(table);
	return table;
fail:
	mime_table_free(table);
	return NULL;
}

void mime_table_free(struct mime_table *table)
{
	if (!table)
		return;
	free(table->entries);
	free(table->text);
	free(table);
}

/* What follows the last dot; ".name" has no ending, nor has "name.". */
static bool take_ending(struct slice name, char out[MIME_ENDING_MAX + 1])
{
	size_t start = name.len, size;

	while (start > 0 && name.ptr[start - 1] != '.' && name.ptr[start - 1] != '/')
		start--;
	size = name.len - start;
	if (start < 2 || name.ptr[start - 1] != '.' || name.ptr[start - 2] == '/' || size == 0 ||
	    size > MIME_ENDING_MAX)
		return false;
	memcpy(out, name.ptr + start, size);
	out[size] = 0;
	to_lower(out);
	return true;
}

/* NULL: unknown. */
static const char *find_type(const struct mime_table *table, struct slice name)
{
	const struct mime_entry *entries = table ? table->entries : builtin;
	size_t count = table ? table->count : BUILTIN_COUNT;
	char ending[MIME_ENDING_MAX + 1];

	if (!take_ending(name, ending))
		return NULL;
	for (size_t low = 0, high = count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int difference = strcmp(ending, entries[middle].ending);

		if (difference == 0)
			return entries[middle].type;
		if (difference < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct slice mime_type(const struct mime_table *table, struct slice name)
{
	const char *type = find_type(table, name);

	return slice_of(type ? type : "application/octet-stream");
}

bool mime_is_known(const struct mime_table *table, struct slice name)
{
	return find_type(table, name) != NULL;
}

static bool ends_with(struct slice text, struct slice end)
{
	return text.len >= end.len && slice_equal_nocase((struct slice){text.ptr + text.len - end.len, end.len}, end);
}

bool mime_wants_charset(struct slice type)
{
	if (ends_with(type, SLICE("/xml")) || ends_with(type, SLICE("+xml")))
		return false;
	return (type.len > 5 && slice_equal_nocase((struct slice){type.ptr, 5}, SLICE("text/"))) ||
	       slice_equal_nocase(type, SLICE("application/javascript"));
}
