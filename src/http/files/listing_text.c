/* SPDX-License-Identifier: MIT
 *
 * See listing_text.h: what both forms have in common. */
#include "http/files/listing_text.h"

#include "http/message/head.h"
#include "http/message/path.h"

#include <errno.h>

int listing_href(const struct listing_entry *entry, char room[LISTING_HREF_MAX], struct slice *out)
{
	struct head text = {room, room, room + LISTING_HREF_MAX, false};

	head_put(&text, SLICE("./"));
	path_put_name(&text, slice_of(entry->name));
	if (entry->directory)
		head_put(&text, SLICE("/"));
	*out = head_written(&text);
	return text.full ? -ENAMETOOLONG : 0;
}
