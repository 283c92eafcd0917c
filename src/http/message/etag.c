/* SPDX-License-Identifier: MIT
 *
 * See etag.h. */
#include "http/message/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

size_t etag_format(char out[ETAG_ROOM], uint64_t size, const struct timespec *mtime, const uint64_t *distinct,
		   enum coding coding)
{
	uint64_t ns = (uint64_t)mtime->tv_sec * 1000000000u + (uint64_t)mtime->tv_nsec;
	int length = snprintf(out, ETAG_ROOM, "\"%" PRIx64 "-%" PRIx64, size, ns);

	if (distinct)
		length += snprintf(out + length, ETAG_ROOM - (size_t)length, "-%016" PRIx64, *distinct);
	if (coding != CODING_IDENTITY)
		length += snprintf(out + length, ETAG_ROOM - (size_t)length, "-%s", coding_name(coding).ptr);
	out[length++] = '"';
	return (size_t)length;
}

/* Octets between the quotes: any visible one but the quote itself, also above 0x7f. */
static bool is_etagc(unsigned char c)
{
	return c == 0x21 || (c >= 0x23 && c != 0x7f);
}

/* Takes one tag off the front. */
static bool take_tag(struct slice *text, struct etag *out)
{
	size_t start = 0, end;

	out->weak = text->len >= 2 && text->ptr[0] == 'W' && text->ptr[1] == '/';
	if (out->weak)
		start = 2;
	if (start >= text->len || text->ptr[start] != '"')
		return false;
	for (end = start + 1; end < text->len && is_etagc((unsigned char)text->ptr[end]); end++)
		continue;
	if (end == text->len || text->ptr[end] != '"')
		return false;
	end++;
	out->opaque = (struct slice){text->ptr + start, end - start};
	text->ptr += end;
	text->len -= end;
	return true;
}

bool etag_parse(struct slice text, struct etag *out)
{
	return take_tag(&text, out) && text.len == 0;
}

/* Off to the comma that ends this member, which is not a tag. */
static void skip_member(struct slice *list)
{
	while (list->len > 0 && *list->ptr != ',')
		list->ptr++, list->len--;
}

bool etag_list_has(struct slice list, struct slice current, bool strongly)
{
	struct etag tag;

	for (;;) {
		while (list.len > 0 && (*list.ptr == ' ' || *list.ptr == '\t' || *list.ptr == ','))
			list.ptr++, list.len--;
		if (list.len == 0)
			return false;
		if (take_tag(&list, &tag)) {
			list = slice_trim(list);
			/* Something else behind the tag: that member is none after all. */
			if ((list.len == 0 || *list.ptr == ',') && !(strongly && tag.weak) &&
			    slice_equal(tag.opaque, current))
				return true;
		}
		skip_member(&list);
	}
}
