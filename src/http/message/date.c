/* SPDX-License-Identifier: MIT
 *
 * See date.h. The calendar is the proleptic Gregorian one; days are counted from 1970-01-01. */
#include "http/message/date.h"

enum { DAY_SECONDS = 86400, DAYS_IN_400_YEARS = 146097 };

static const char day_names[7][10] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const int month_starts[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

struct moment {
	int year, month, day; /* month from 0, day from 1 */
	int hour, minute, second;
};

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 0001-01-01 to the first day of a year, which is 1 or later. */
static int64_t days_before_year(int year)
{
	int64_t past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400;
}

static int days_before_month(int year, int month)
{
	return month_starts[month] + (month > 1 && is_leap(year));
}

/* From 1970-01-01 to a day. */
static int64_t day_number(int year, int month, int day)
{
	return days_before_year(year) - days_before_year(1970) + days_before_month(year, month) + day - 1;
}

/* The year of a second; `day_of_year`, from 0, may be NULL. */
static int year_of(int64_t seconds, int *day_of_year)
{
	int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0) + days_before_year(1970);
	int year = (int)(days * 400 / DAYS_IN_400_YEARS) + 1;

	/* The mean length of a year misses by one at most. */
	if (days < days_before_year(year))
		year--;
	else if (days >= days_before_year(year + 1))
		year++;
	if (day_of_year)
		*day_of_year = (int)(days - days_before_year(year));
	return year;
}

static char *put_digits(char *out, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + digits;
}

static char *put_text(char *out, const char *text, size_t size)
{
	memcpy(out, text, size);
	return out + size;
}

void date_format(char out[DATE_LENGTH], int64_t seconds)
{
	const int64_t first = day_number(1, 0, 1) * DAY_SECONDS;
	const int64_t last = day_number(10000, 0, 1) * DAY_SECONDS - 1;
	int day_of_year, year, month = 11, second;
	int64_t day;

	if (seconds < first)
		seconds = first;
	if (seconds > last)
		seconds = last;
	year = year_of(seconds, &day_of_year);
	while (day_of_year < days_before_month(year, month))
		month--;
	day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	second = (int)(seconds - day * DAY_SECONDS);

	/* 1970-01-01 was a Thursday; the sum is a multiple of 7 that makes the number positive. */
	out = put_text(out, day_names[(day + 4 + 7 * (int64_t)DAYS_IN_400_YEARS * 5) % 7], 3);
	out = put_text(out, ", ", 2);
	out = put_digits(out, day_of_year - days_before_month(year, month) + 1, 2);
	*out++ = ' ';
	out = put_text(out, month_names[month], 3);
	*out++ = ' ';
	out = put_digits(out, year, 4);
	*out++ = ' ';
	out = put_digits(out, second / 3600, 2);
	*out++ = ':';
	out = put_digits(out, second / 60 % 60, 2);
	*out++ = ':';
	out = put_digits(out, second % 60, 2);
	put_text(out, " GMT", 4);
}

static bool take_text(struct slice *text, const char *wanted)
{
	size_t size = strlen(wanted);

	if (text->len < size || memcmp(text->ptr, wanted, size) != 0)
		return false;
	text->ptr += size;
	text->len -= size;
	return true;
}

static bool take_digits(struct slice *text, int digits, int *value)
{
	*value = 0;
	if (text->len < (size_t)digits)
		return false;
	for (; digits > 0; digits--, text->ptr++, text->len--) {
		if (*text->ptr < '0' || *text->ptr > '9')
			return false;
		*value = *value * 10 + (*text->ptr - '0');
	}
	return true;
}

static bool take_day_name(struct slice *text, bool whole)
{
	for (int i = 0; i < 7; i++) {
		char brief[4] = {day_names[i][0], day_names[i][1], day_names[i][2]};

		if (take_text(text, whole ? day_names[i] : brief))
			return true;
	}
	return false;
}

static bool take_month(struct slice *text, int *month)
{
	for (*month = 0; *month < 12; ++*month) {
		if (take_text(text, month_names[*month]))
			return true;
	}
	return false;
}

static bool take_time(struct slice *text, struct moment *m)
{
	return take_digits(text, 2, &m->hour) && take_text(text, ":") && take_digits(text, 2, &m->minute) &&
	       take_text(text, ":") && take_digits(text, 2, &m->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool parse_imf_fixdate(struct slice text, struct moment *m)
{
	return take_day_name(&text, false) && take_text(&text, ", ") && take_digits(&text, 2, &m->day) &&
	       take_text(&text, " ") && take_month(&text, &m->month) && take_text(&text, " ") &&
	       take_digits(&text, 4, &m->year) && take_text(&text, " ") && take_time(&text, m) &&
	       take_text(&text, " GMT") && text.len == 0;
}

/* Sunday, 06-Nov-94 08:49:37 GMT. A year that seems to be more than 50 years ahead is the last one
 * that ended in these digits. */
static bool parse_rfc850(struct slice text, int64_t now, struct moment *m)
{
	int this_year = year_of(now, NULL);

	if (!take_day_name(&text, true) || !take_text(&text, ", ") || !take_digits(&text, 2, &m->day) ||
	    !take_text(&text, "-") || !take_month(&text, &m->month) || !take_text(&text, "-") ||
	    !take_digits(&text, 2, &m->year) || !take_text(&text, " ") || !take_time(&text, m) ||
	    !take_text(&text, " GMT") || text.len != 0)
		return false;
	m->year += this_year - this_year % 100;
	if (m->year > this_year + 50)
		m->year -= 100;
	return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool parse_asctime(struct slice text, struct moment *m)
{
	if (!take_day_name(&text, false) || !take_text(&text, " ") || !take_month(&text, &m->month) ||
	    !take_text(&text, " "))
		return false;
	if (!take_digits(&text, take_text(&text, " ") ? 1 : 2, &m->day))
		return false;
	return take_text(&text, " ") && take_time(&text, m) && take_text(&text, " ") &&
	       take_digits(&text, 4, &m->year) && text.len == 0;
}

bool date_parse(struct slice text, int64_t now, int64_t *seconds)
{
	struct moment m;
	int month_days;

	if (!parse_imf_fixdate(text, &m) && !parse_rfc850(text, now, &m) && !parse_asctime(text, &m))
		return false;
	if (m.year < 1 || m.hour > 23 || m.minute > 59 || m.second > 60) /* 60: a leap second */
		return false;
	month_days = month_starts[m.month + 1] - month_starts[m.month] + (m.month == 1 && is_leap(m.year));
	if (m.day < 1 || m.day > month_days)
		return false;
	*seconds = day_number(m.year, m.month, m.day) * DAY_SECONDS + m.hour * 3600 + m.minute * 60 + m.second;
	return true;
}
