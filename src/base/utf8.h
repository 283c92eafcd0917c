/* SPDX-License-Identifier: MIT
 *
 * Characters of UTF-8 in octets that may be anything. */
#ifndef BROOD_BASE_UTF8_H
#define BROOD_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, for an octet that is of no character */

/* The length, 1 to 4, of the character that the first of `size` octets begin with, and, unless
 * `code` is NULL, which one it is; `size` is not 0. 0: it is none by RFC 3629 (cut short, overlong, a surrogate, above
 * U+10FFFF). */
size_t utf8_character(const char *text, size_t size, uint32_t *code);

#endif
