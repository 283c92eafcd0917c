/* SPDX-License-Identifier: MIT
 *
 * Progress for people (progress.h). */
#include "ctl/progress.h"

#include "ctl/show.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 256, WIDTH_UNKNOWN = 80 };

void progress_start(struct progress *progress)
{
	*progress = (struct progress){.terminal = isatty(STDERR_FILENO) == 1};
}

/* A line that is wider than the terminal could not be rewritten. */
static size_t room_on_line(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return WIDTH_UNKNOWN - 1;
	return size.ws_col < LINE_MAX_OCTETS ? size.ws_col - 1u : LINE_MAX_OCTETS - 1;
}

/* "2/4 slot 1: worker 4711 serves", on one line. */
static void format(char line[LINE_MAX_OCTETS], const struct control_answer *answer)
{
	FILE *out = fmemopen(line, LINE_MAX_OCTETS, "w");

	line[0] = '\0';
	if (!out)
		return;
	if (answer->total > 0)
		fprintf(out, "%u/%u ", answer->done, answer->total);
	show_text(json_string_value(answer->text), "", out);
	fclose(out);
	line[LINE_MAX_OCTETS - 1] = '\0';
	for (char *newline = line; (newline = strchr(newline, '\n'));)
		*newline = ' ';
}

void progress_show(struct progress *progress, const struct control_answer *answer)
{
	char line[LINE_MAX_OCTETS];

	format(line, answer);
	if (!progress->terminal) {
		fprintf(stderr, "%s\n", line);
		return;
	}
	fprintf(stderr, "\r\033[K%.*s", (int)room_on_line(), line);
	fflush(stderr);
	progress->shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
