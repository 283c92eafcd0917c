/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration, one line each. */
#include "brood/system/config_report.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINES_MAX = 50, LINE_MAX_OCTETS = 1024 };

static int append_escaped(struct buffer *out, const char *text, const char *special)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		const char *to_escape = special;
		int rc;

		while (*to_escape && (unsigned char)*to_escape != *at)
			to_escape++;
		if (*to_escape)
			rc = buffer_printf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			rc = buffer_printf(out, "\\x%02x", *at);
		else
			rc = buffer_append(out, at, 1);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int report_quote(struct buffer *out, const char *text)
{
	int rc = buffer_append(out, "\"", 1);

	if (rc == 0)
		rc = append_escaped(out, text, "\"\\");
	if (rc == 0)
		rc = buffer_append(out, "\"", 1);
	return rc;
}

void report_add(struct report *report, const struct origin *origin, const char *format, ...)
{
	char line[LINE_MAX_OCTETS];
	size_t used = 0;
	va_list arguments;
	int rc;

	report->count++;
	if (report->count > LINES_MAX + 1)
		return;
	if (report->count == LINES_MAX + 1) {
		snprintf(line, sizeof(line), "more is wrong; the first %d errors are shown", LINES_MAX);
	} else {
		line[0] = '\0';
		if (origin && origin->file)
			snprintf(line, sizeof(line), "%s:%u: ", origin->file, origin->line);
		else if (origin && origin->set)
			snprintf(line, sizeof(line), "-s '%.200s': ", origin->set);
		while (line[used])
			used++;
		va_start(arguments, format);
		vsnprintf(line + used, sizeof(line) - used, format, arguments);
		va_end(arguments);
	}
	/* Without memory the line is lost, but not the fact: `count` tells it. */
	rc = append_escaped(report->lines, line, "");
	if (rc == 0)
		rc = buffer_append(report->lines, "\n", 1);
	(void)rc;
}
