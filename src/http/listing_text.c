/* SPDX-License-Identifier: MIT
 *
 * See listing_text.h: what both forms have in common. */
#include "http/listing_text.h"

#include "http/head.h"
#include "http/path.h"

#include <errno.h>
#include <limits.h>

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
