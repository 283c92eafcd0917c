/* SPDX-License-Identifier: MIT
 *
 * See range.h.
 *
 *     Range        = "bytes" "=" 1#( int-range / suffix-range )
 *     int-range    = first-pos "-" [ last-pos ]
 *     suffix-range = "-" suffix-length
 *
 * All or nothing: one member that is not by the grammar makes the field invalid as a whole. */
#include "http/message/range.h"

#include <stdbool.h>

static void skip(struct slice *text, size_t count)
{
	text->ptr += count;
	text->len -= count;
}

/* One or more digits. What is beyond 64 bits is beyond every file, too: it stays at the largest. */
static bool take_number(struct slice *text, uint64_t *value)
{
	bool any = false;

	*value = 0;
	for (; text->len > 0 && *text->ptr >= '0' && *text->ptr <= '9'; skip(text, 1)) {
		unsigned digit = (unsigned)(*text->ptr - '0');

		any = true;
		if (*value > (UINT64_MAX - digit) / 10)
			*value = UINT64_MAX;
		else
			*value = *value * 10 + digit;
	}
	return any;
}

static bool take_dash(struct slice *text)
{
	if (text->len == 0 || *text->ptr != '-')
		return false;
	skip(text, 1);
	return true;
}

/* One member. *range has length 0 when it is valid but not satisfiable. */
static bool take_range(struct slice *text, uint64_t size, struct range *range)
{
	uint64_t first, last;

	*range = (struct range){0, 0};
	if (take_dash(text)) {
		if (!take_number(text, &last))
			return false;
		/* The end of an empty file is satisfiable (section 14.1.2), but no Content-Range
		 * can say so: it is sent whole. */
		if (size == 0 && last > 0)
			return false;
		range->length = last < size ? last : size;
		range->first = size - range->length;
		return true;
	}
	if (!take_number(text, &first) || !take_dash(text))
		return false;
	if (!take_number(text, &last))
		last = UINT64_MAX;
	if (last < first)
		return false;
	if (first >= size)
		return true;
	range->first = first;
	range->length = (last < size ? last + 1 : size) - first;
	return true;
}

/* White space and commas between members; a list may have empty ones (section 5.6.1). */
static bool take_separators(struct slice *text)
{
	bool comma = false;

	for (; text->len > 0 && (*text->ptr == ' ' || *text->ptr == '\t' || *text->ptr == ','); skip(text, 1))
		comma = comma || *text->ptr == ',';
	return comma;
}

enum range_verdict range_parse(struct slice value, uint64_t size, struct range_set *out)
{
	const struct slice unit = SLICE("bytes=");
	struct range range;

	out->asked = out->count = 0;
	if (value.len < unit.len || !slice_equal_nocase((struct slice){value.ptr, unit.len}, unit))
		return RANGE_IGNORE;
	skip(&value, unit.len);

	for (take_separators(&value); value.len > 0;) {
		if (++out->asked > RANGE_COUNT_MAX || !take_range(&value, size, &range))
			return RANGE_IGNORE;
		if (range.length > 0)
			out->ranges[out->count++] = range;
		if (!take_separators(&value) && value.len > 0)
			return RANGE_IGNORE;
	}
	if (out->asked == 0)
		return RANGE_IGNORE;
	return out->count > 0 ? RANGE_SATISFIABLE : RANGE_UNSATISFIABLE;
}

static void sort(struct range_set *set)
{
	for (size_t i = 1; i < set->count; i++) {
		struct range range = set->ranges[i];
		size_t at = i;

		for (; at > 0 && set->ranges[at - 1].first > range.first; at--)
			set->ranges[at] = set->ranges[at - 1];
		set->ranges[at] = range;
	}
}

void range_join(struct range_set *set, uint64_t gap)
{
	size_t joined = 0;

	sort(set);
	for (size_t i = 1; i < set->count; i++) {
		struct range *last = &set->ranges[joined];
		const struct range *next = &set->ranges[i];
		uint64_t end = last->first + last->length, next_end = next->first + next->length;

		if (next->first > end && next->first - end > gap)
			set->ranges[++joined] = *next;
		else if (next_end > end)
			last->length = next_end - last->first;
	}
	if (set->count > 0)
		set->count = joined + 1;
}
