/* SPDX-License-Identifier: MIT
 *
 * Texts that may come from anywhere (paths, other programs' messages) as JSON strings, which take
 * only UTF-8. */
#include "base/utf8.h"
#include "control/protocol.h"

#include <string.h>

json_t *control_text(const char *text, size_t size)
{
	struct buffer clean = {0};
	json_t *string = NULL;

	for (size_t i = 0; i < size;) {
		/* A NUL is a character, but none that a string here can have. */
		size_t length = text[i] ? utf8_character(text + i, size - i, NULL) : 0;
		const char *piece = length ? text + i : UTF8_REPLACEMENT;

		if (buffer_append(&clean, piece, length ? length : strlen(UTF8_REPLACEMENT)) < 0)
			goto done;
		i += length ? length : 1;
	}
	string = json_stringn(clean.data ? clean.data : "", clean.used);
done:
	buffer_free(&clean);
	return string;
}
