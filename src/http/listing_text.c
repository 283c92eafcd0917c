/* SPDX-License-Identifier: MIT
 *
 * See listing_text.h: what both forms have in common. */
#include "http/listing_text.h"

#include "http/head.h"
#include "http/path.h"

#include <errno.h>
#include <limits.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t listing_character(struct slice text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (text.len < length || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	}
	return length;
}

int listing_write_href(const struct listing_entry *entry, struct buffer *out)
{
	char room[3 * NAME_MAX + 8];
	struct head text = {room, room, room + sizeof(room), false};

	head_put(&text, SLICE("./"));
	path_put_name(&text, slice_of(entry->name));
	if (entry->directory)
		head_put(&text, SLICE("/"));
	if (text.full)
		return -ENAMETOOLONG;
	return buffer_append(out, room, head_written(&text).len);
}
