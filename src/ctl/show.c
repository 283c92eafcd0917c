/* SPDX-License-Identifier: MIT
 *
 * The smaller results for people, and the words that all of them use (show.h). */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdbool.h>

void show_duration(char *out, size_t room, uint64_t ms)
{
	const uint64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

	if (ms < second)
		snprintf(out, room, "%" PRIu64 " ms", ms);
	else if (ms < minute)
		snprintf(out, room, "%" PRIu64 " s", ms / second);
	else if (ms < hour)
		snprintf(out, room, "%" PRIu64 " min %" PRIu64 " s", ms / minute, ms % minute / second);
	else if (ms < day)
		snprintf(out, room, "%" PRIu64 " h %" PRIu64 " min", ms / hour, ms % hour / minute);
	else
		snprintf(out, room, "%" PRIu64 " d %" PRIu64 " h", ms / day, ms % day / hour);
}

void show_text(const char *text, const char *indent, FILE *out)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* C1 controls are two octets in UTF-8: C2 80 to C2 9F. */
		bool two = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		if (*at == '\n')
			fprintf(out, "\n%s", indent);
		else if (two || *at == 0x7f || (*at < ' ' && *at != '\t'))
			fputc('?', out);
		else
			fputc(*at, out);
		at += two;
	}
}

void show_config(const json_t *config, FILE *out)
{
	const char *text = json_string_value(config);

	if (text)
		fputs(text, out); /* a file's text, also for another file: as it is */
}

void show_done(const json_t *result, FILE *out)
{
	const char *text = json_string_value(json_object_get(result, "done"));

	show_text(text ? text : "-", "", out);
	fputc('\n', out);
}

void show_version(const json_t *version, FILE *out)
{
	const char *client = json_string_value(json_object_get(version, "client"));
	const char *server = json_string_value(json_object_get(version, "server"));

	fprintf(out, "broodctl %s\n", client ? client : "-");
	if (!server)
		return;
	fputs("brood ", out);
	show_text(server, "", out);
	fprintf(out, " (pid %" JSON_INTEGER_FORMAT ")\n", json_integer_value(json_object_get(version, "pid")));
}
