/* SPDX-License-Identifier: MIT
 *
 * Content codings (RFC 9110 section 8.4.1), and which of them a client wants: Accept-Encoding
 * (section 12.5.3). */
#ifndef BROOD_HTTP_MESSAGE_CODING_H
#define BROOD_HTTP_MESSAGE_CODING_H

#include "base/slice.h"

struct request;

/* Those liked best come first. */
enum coding {
	CODING_BROTLI,
	CODING_ZSTD,
	CODING_GZIP,
	CODING_IDENTITY, /* the file as it is */
	CODING_COUNT
};

/* As in Content-Encoding: "br". */
struct slice coding_name(enum coding coding);

/* The last choice: most clients say the same. All-zero: none yet. */
struct coding_memory {
	char value[64];
	size_t length;
	unsigned available;
	enum coding chosen;
};

/* The one among those available (bits 1u << coding; identity always is) that is to be sent: of the
 * acceptable ones the most wanted, with equal weights the first above. Identity when nothing else
 * is left, even if it is not wanted, and when the fields are absent or not by the grammar. A field that
 * is as it was the last time is not read again. */
enum coding coding_choose(struct coding_memory *memory, const struct request *request, unsigned available);

#endif
