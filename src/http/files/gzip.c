/* SPDX-License-Identifier: MIT
 *
 * See gzip.h. */
#include "http/files/gzip.h"

#include <limits.h>
#include <zlib.h>

enum {
	LEVEL = 6,
	WINDOW_BITS = 15 + 16, /* with the head and tail of gzip; no time and no name in them */
	MEMORY_LEVEL = 8,
};

size_t gzip_compress(struct slice octets, char *out, size_t room)
{
	z_stream stream = {
		.next_in = (Bytef *)octets.ptr,
		.avail_in = (uInt)octets.len,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)room,
	};
	size_t size = 0;

	if (octets.len > UINT_MAX || room > UINT_MAX)
		return 0;
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
		size = (size_t)stream.total_out;
	deflateEnd(&stream);
	return size;
}
