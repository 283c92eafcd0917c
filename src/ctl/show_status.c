/* SPDX-License-Identifier: MIT
 *
 * Status for people: some lines about the server, then a table of its workers. */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum { CELL_MAX = 32, COLUMNS = 9 };

static const struct column {
	const char *title, *member;
	enum { NUMBER, TIME, WORD } kind;
	bool of_process; /* a slot that has none at the moment has no such figure */
} columns[COLUMNS] = {
	{"SLOT", "slot", NUMBER, false},
	{"GENERATION", "generation", NUMBER, false},
	{"PID", "pid", NUMBER, true},
	{"STATE", "state", WORD, false},
	{"AGE", "age_ms", TIME, true},
	{"CONNECTIONS", "connections", NUMBER, true},
	{"IDLE", "idle", NUMBER, true},
	{"REQUESTS", "requests", NUMBER, true},
	{"RESTARTS", "restarts", NUMBER, false},
};

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "-";
}

static uint64_t number_of(const json_t *object, const char *member)
{
	json_int_t number = json_integer_value(json_object_get(object, member));

	return number > 0 ? (uint64_t)number : 0;
}

static void format_cell(char out[CELL_MAX], const json_t *worker, const struct column *column)
{
	const json_t *value = json_object_get(worker, column->member);
	FILE *cell;

	snprintf(out, CELL_MAX, "-");
	if (column->of_process && !json_is_integer(json_object_get(worker, "pid")))
		return;
	if (column->kind == WORD && json_is_string(value)) {
		cell = fmemopen(out, CELL_MAX, "w");
		if (cell) {
			show_text(json_string_value(value), "", cell);
			fclose(cell);
		}
	} else if (column->kind == TIME && json_is_integer(value)) {
		show_duration(out, CELL_MAX, number_of(worker, column->member));
	} else if (column->kind == NUMBER && json_is_integer(value)) {
		snprintf(out, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
}

/* Words to the left, numbers to the right; two spaces between. */
static void print_cell(const struct column *column, const char *text, int width, FILE *out)
{
	const char *gap = column == columns ? "" : "  ";

	fprintf(out, column->kind == WORD ? "%s%-*s" : "%s%*s", gap, width, text);
}

void show_workers(const json_t *workers, FILE *out)
{
	int widths[COLUMNS];
	char cell[CELL_MAX];
	const json_t *worker;
	size_t row;

	for (size_t i = 0; i < COLUMNS; i++) {
		widths[i] = (int)strlen(columns[i].title);
		json_array_foreach(workers, row, worker)
		{
			format_cell(cell, worker, &columns[i]);
			if ((int)strlen(cell) > widths[i])
				widths[i] = (int)strlen(cell);
		}
	}
	for (size_t i = 0; i < COLUMNS; i++)
		print_cell(&columns[i], columns[i].title, widths[i], out);
	fputc('\n', out);
	json_array_foreach(workers, row, worker)
	{
		for (size_t i = 0; i < COLUMNS; i++) {
			format_cell(cell, worker, &columns[i]);
			print_cell(&columns[i], cell, widths[i], out);
		}
		fputc('\n', out);
	}
}

static void show_listeners(const json_t *listeners, FILE *out)
{
	const json_t *listener;
	size_t i;

	json_array_foreach(listeners, i, listener)
	{
		fputs(i == 0 ? "listening   " : "            ", out);
		show_text(text_of(listener, "address"), "", out);
		fputs(json_is_true(json_object_get(listener, "tls")) ? " (tls)\n" : "\n", out);
	}
}

static void show_last_roll(const json_t *roll, FILE *out)
{
	if (!json_is_object(roll))
		return;
	fputs("last roll   ", out);
	show_text(text_of(roll, "kind"), "", out);
	if (json_is_true(json_object_get(roll, "ok"))) {
		fputs(": done\n", out);
	} else {
		fputs(" failed: ", out);
		show_text(text_of(roll, "reason"), "            ", out);
		fputc('\n', out);
	}
}

static void show_trouble(const json_t *trouble, FILE *out)
{
	const json_t *line;
	size_t i;

	json_array_foreach(trouble, i, line)
	{
		fputs(i == 0 ? "trouble     " : "            ", out);
		show_text(json_string_value(line) ? json_string_value(line) : "-", "            ", out);
		fputc('\n', out);
	}
}

void show_status(const json_t *status, FILE *out)
{
	char uptime[CELL_MAX];

	show_duration(uptime, sizeof(uptime), number_of(status, "uptime_ms"));
	fputs("brood ", out);
	show_text(text_of(status, "version"), "", out);
	fprintf(out, ", pid %" PRIu64 ", ", number_of(status, "pid"));
	show_text(text_of(status, "state"), "", out);
	fprintf(out, " for %s, generation %" PRIu64 ", accept ", uptime, number_of(status, "generation"));
	show_text(text_of(status, "accept"), "", out);
	fputc('\n', out);
	show_listeners(json_object_get(status, "listeners"), out);
	show_last_roll(json_object_get(status, "last_roll"), out);
	show_trouble(json_object_get(status, "trouble"), out);
	fputc('\n', out);
	show_workers(json_object_get(status, "workers"), out);
}
