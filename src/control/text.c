/* SPDX-License-Identifier: MIT
 *
 * Texts that may come from anywhere (paths, other programs' messages) as JSON strings, which take
 * only UTF-8. */
#include "control/protocol.h"

#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool continues(unsigned char octet)
{
	return (octet & 0xc0) == 0x80;
}

/* Octets of the character at `at`, 0 where there is none: RFC 3629 section 4, no overlong forms, no
 * surrogates. */
static size_t character_size(const unsigned char *at, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (size == 1)
		return at[0] != '\0';
	if (at[0] < 0xc2 || at[0] > 0xf4 || left < size)
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if (!continues(at[i]))
			return 0;
	}
	return size;
}

json_t *control_text(const char *text, size_t size)
{
	struct buffer clean = {0};
	json_t *string = NULL;

	for (size_t i = 0; i < size;) {
		size_t length = character_size((const unsigned char *)text + i, size - i);
		const char *piece = length ? text + i : replacement;

		if (buffer_append(&clean, piece, length ? length : sizeof(replacement) - 1) < 0)
			goto done;
		i += length ? length : 1;
	}
	string = json_stringn(clean.data ? clean.data : "", clean.used);
done:
	buffer_free(&clean);
	return string;
}
