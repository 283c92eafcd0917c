/* SPDX-License-Identifier: MIT
 *
 * Obituaries to JSON (obituary_json.h). */
#include "brood/admin/obituary_json.h"

#include "base/signals.h"
#include "cluster/policy/obituary.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void obituary_time(uint64_t time_ms, bool for_name, char out[OBITUARY_TIME_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm utc;
	size_t used;

	gmtime_r(&seconds, &utc);
	used = for_name ? strftime(out, OBITUARY_TIME_MAX, "%Y%m%dT%H%M%S", &utc)
			: strftime(out, OBITUARY_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + used, OBITUARY_TIME_MAX - used, ".%03uZ", (unsigned)(time_ms % 1000));
}

/* jansson's functions take NULL for a value and fail then: a failure anywhere is one at the end. */
static int set(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value);
}

static int set_number(json_t *object, const char *name, uint64_t value)
{
	return set(object, name, json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX));
}

/* Text of lines as an array; nothing for no lines. */
static int set_lines(json_t *object, const char *name, const char *text)
{
	json_t *lines;
	int error = 0;

	if (text[0] == '\0')
		return 0;
	lines = json_array();
	while (lines && *text != '\0') {
		size_t size = strcspn(text, "\n");
		json_t *line = json_stringn(text, size);

		/* One that is not UTF-8 comes from nowhere we know of, and is not worth the rest. */
		error |= json_array_append_new(lines, line ? line : json_string("?"));
		text += size + (text[size] == '\n');
	}
	return set(object, name, lines) | error;
}

static int set_end(json_t *object, const struct cluster_obituary *obituary)
{
	char name[SIGNALS_NAME_MAX];
	int error = set(object, "why", json_string(obituary_why_name(obituary->why)));

	if (obituary->detail)
		error |= set(object, "detail", json_string(obituary->detail));
	error |= set(object, "ended", json_boolean(obituary->ended));
	if (!obituary->ended)
		return error;
	if (obituary->signal == 0)
		return error | set(object, "exit_code", json_integer(obituary->exit_code));
	error |= set(object, "signal", json_integer(obituary->signal));
	error |= set(object, "signal_name", json_string(signals_name(obituary->signal, name)));
	return error | set(object, "core", json_boolean(obituary->core));
}

static int set_life(json_t *object, const struct cluster_obituary *obituary)
{
	int error = set_number(object, "slot", obituary->slot);

	error |= set_number(object, "generation", obituary->generation);
	error |= set_number(object, "pid", (uint64_t)obituary->pid);
	error |= set(object, "phase", json_string(obituary_phase_name(obituary->phase)));
	error |= set_number(object, "age_ms", obituary->age_ms);
	error |= set_number(object, "requests", obituary->requests);
	error |= set_number(object, "connections", obituary->connections);
	error |= set_number(object, "idle", obituary->idle);
	return error | set_number(object, "heartbeat_age_ms", obituary->heartbeat_age_ms);
}

static int set_evidence(json_t *object, const struct cluster_obituary *obituary)
{
	int error = set_lines(object, "log", obituary->log);

	if (obituary->wait_channel[0] != '\0')
		error |= set(object, "wait_channel", json_string(obituary->wait_channel));
	error |= set_lines(object, "stack", obituary->stack);
	return error | set_lines(object, "status", obituary->status);
}

char *obituary_json(const struct cluster_obituary *obituary)
{
	char time[OBITUARY_TIME_MAX], *text = NULL;
	json_t *object = json_object();

	obituary_time(obituary->time_ms, false, time);
	if (object && set(object, "time", json_string(time)) == 0 && set_end(object, obituary) == 0 &&
	    set_life(object, obituary) == 0 && set_evidence(object, obituary) == 0)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}
