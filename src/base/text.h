/* SPDX-License-Identifier: MIT
 *
 * Reading numbers, times and sizes that a person typed, guessing what a misspelt word meant, and
 * what can be shown to a person as it is. */
#ifndef BROOD_BASE_TEXT_H
#define BROOD_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, the whole text. 0, -EINVAL (not a number) or -ERANGE. */
int text_parse_u64(const char *text, uint64_t *out) __attribute__((warn_unused_result));

/* "500ms", "10s", "5m", "2h", "1d"; a bare number is seconds. Out: milliseconds. */
int text_parse_duration(const char *text, uint64_t *out_ms) __attribute__((warn_unused_result));

/* "512", "64k", "10m", "1g" (powers of 1024, case does not matter). Out: bytes. */
int text_parse_size(const char *text, uint64_t *out_bytes) __attribute__((warn_unused_result));

/* "100/s", "30/m", "5/h"; a bare number is per second. Out: per hour. */
int text_parse_rate(const char *text, uint64_t *out_per_hour) __attribute__((warn_unused_result));

/* The shortest exact way to write them, as the parsers above read it: "500ms", "10s", "64k". */
void text_format_duration(char *out, size_t room, uint64_t ms);
void text_format_size(char *out, size_t room, uint64_t bytes);
void text_format_rate(char *out, size_t room, uint64_t per_hour);

/* The one of `words` nearest to `word`, or NULL when none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/* The length of the printable UTF-8 character at `text`, which NUL ends; 0: a control, NUL, or no
 * UTF-8 at all. */
size_t text_printable(const char *text);

/* Makes each control octet of a line a '?', so that it stays one line and does nothing to a terminal. */
void text_mask(char *line);

#endif
