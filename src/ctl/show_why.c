/* SPDX-License-Identifier: MIT
 *
 * Obituaries for people. Their members are shown as they come, so that a server can tell more than
 * this program knows of. */
#include "ctl/show.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 16 }; /* "heartbeat_age_ms" */

static const char margin[NAME_WIDTH + 2 + 1] = "                  ";

static void show_value(const json_t *value, FILE *out)
{
	char *text;

	if (json_is_string(value)) {
		show_text(json_string_value(value), margin, out);
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	show_text(text ? text : "-", margin, out);
	free(text);
}

/* Log lines and the like: one below the other. */
static void show_list(const json_t *list, FILE *out)
{
	const json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (i > 0)
			fprintf(out, "\n%s", margin);
		show_value(value, out);
	}
}

static void show_obituary(const json_t *obituary, FILE *out)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)obituary, name, value)
	{
		show_text(name, "", out);
		fprintf(out, "%*s", (int)(strlen(name) < NAME_WIDTH ? NAME_WIDTH + 2 - strlen(name) : 2), "");
		if (json_is_array(value))
			show_list(value, out);
		else
			show_value(value, out);
		fputc('\n', out);
	}
}

void show_why(const json_t *obituaries, FILE *out)
{
	const json_t *obituary;
	size_t i;

	if (json_array_size(obituaries) == 0)
		fputs("nothing has ended unasked in this slot\n", out);
	json_array_foreach(obituaries, i, obituary)
	{
		if (i > 0)
			fputc('\n', out);
		show_obituary(obituary, out);
	}
}
