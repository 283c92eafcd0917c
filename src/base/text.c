/* SPDX-License-Identifier: MIT
 *
 * Numbers, durations and sizes as people type them, and the nearest known word. */
#include "base/text.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 64 };

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, as the formatters need them. */
static const struct unit duration_units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit size_units[] = {
	{"g", (uint64_t)1 << 30},
	{"m", 1 << 20},
	{"k", 1 << 10},
	{"", 1},
};
static const struct unit rate_units[] = {
	{"/s", 3600},
	{"/m", 60},
	{"/h", 1},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Reads the digits at the front and tells where they end. */
static int parse_digits(const char *text, const char **end, uint64_t *out)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (value > (UINT64_MAX - digit) / 10) {
			*end = at + strspn(at, "0123456789");
			return **end == '\0' ? -ERANGE : -EINVAL;
		}
		value = value * 10 + digit;
	}
	*end = at;
	*out = value;
	return at > text ? 0 : -EINVAL;
}

int text_parse_u64(const char *text, uint64_t *out)
{
	const char *end;
	uint64_t value;
	int rc = parse_digits(text, &end, &value);

	if (rc < 0)
		return rc;
	if (*end != '\0')
		return -EINVAL;
	*out = value;
	return 0;
}

static int parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t bare_factor,
			   uint64_t *out)
{
	const char *end;
	uint64_t value, factor = bare_factor;
	int rc = parse_digits(text, &end, &value);

	if (rc < 0)
		return rc;
	if (*end != '\0') {
		factor = 0;
		for (size_t i = 0; i < count; i++)
			if (strcasecmp(end, units[i].name) == 0)
				factor = units[i].factor;
	}
	if (factor == 0)
		return -EINVAL;
	if (value > UINT64_MAX / factor)
		return -ERANGE;
	*out = value * factor;
	return 0;
}

int text_parse_duration(const char *text, uint64_t *out_ms)
{
	return parse_with_unit(text, duration_units, COUNT(duration_units), 1000, out_ms);
}

int text_parse_size(const char *text, uint64_t *out_bytes)
{
	return parse_with_unit(text, size_units, COUNT(size_units), 1, out_bytes);
}

int text_parse_rate(const char *text, uint64_t *out_per_hour)
{
	return parse_with_unit(text, rate_units, COUNT(rate_units), 3600, out_per_hour);
}

static void format_with_unit(char *out, size_t room, const struct unit *units, uint64_t value)
{
	while (value % units->factor != 0)
		units++; /* ends at the last unit, whose factor is 1 */
	snprintf(out, room, "%" PRIu64 "%s", value / units->factor, units->name);
}

void text_format_duration(char *out, size_t room, uint64_t ms)
{
	if (ms == 0)
		snprintf(out, room, "0s");
	else
		format_with_unit(out, room, duration_units, ms);
}

void text_format_size(char *out, size_t room, uint64_t bytes)
{
	if (bytes == 0)
		snprintf(out, room, "0");
	else
		format_with_unit(out, room, size_units, bytes);
}

void text_format_rate(char *out, size_t room, uint64_t per_hour)
{
	format_with_unit(out, room, rate_units, per_hour);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The usual table of distances between prefixes, of which three rows are needed at a time. */
static size_t text_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > WORD_MAX || b_length > WORD_MAX) /* no word of ours; not worth a table */
		return strcmp(a, b) == 0 ? 0 : (a_length > b_length ? a_length : b_length);
	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_length];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
	/* A third of the letters wrong is still a slip; more is another word. */
	size_t best = (strlen(word) + 2) / 3 + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t distance = text_distance(word, words[i]);

		if (distance < best) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

size_t text_printable(const char *text)
{
	uint32_t code;
	size_t length = utf8_character(text, strnlen(text, 4) + 1, &code);

	/* U+0080 to U+009F are controls, too. */
	return length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ? 0 : length;
}

void text_mask(char *line)
{
	for (; *line; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}
