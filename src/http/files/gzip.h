/* SPDX-License-Identifier: MIT
 *
 * The coding gzip (RFC 1952), made of octets in memory in one go. */
#ifndef BROOD_HTTP_FILES_GZIP_H
#define BROOD_HTTP_FILES_GZIP_H

#include "base/slice.h"

/* Returns how many octets have been written; 0: they do not fit into the room, or no memory. The
 * outcome is always the same for the same octets, but only as long as the library is: another
 * version, or zlib's replacement in another system, may compress in another way. So a tag for it
 * must be made from the outcome. */
size_t gzip_compress(struct slice octets, char *out, size_t room) __attribute__((warn_unused_result));

#endif
