/* SPDX-License-Identifier: MIT
 *
 * Requests of the control protocol (protocol.h). */
#include "control/protocol.h"

#include "control/control_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int control_encode_request(struct buffer *out, const struct control_request *request)
{
	json_t *root = json_pack("{s:i, s:s}", "protocol", CONTROL_PROTOCOL, "command", request->command);

	if (root && request->has_argument &&
	    json_object_set_new(root, "argument", json_integer(request->argument)) < 0) {
		json_decref(root);
		root = NULL;
	}
	return control_line_append(out, root, CONTROL_REQUEST_MAX);
}

static int take_command(struct control_request *out, const json_t *value, char *reason)
{
	const char *word = json_string_value(value);
	size_t length = json_string_length(value);

	if (!word || length == 0 || length >= CONTROL_COMMAND_MAX ||
	    strspn(word, "abcdefghijklmnopqrstuvwxyz-") != length)
		return control_refuse(reason, "\"command\" wants a word");
	memcpy(out->command, word, length + 1);
	return 0;
}

static int take_argument(struct control_request *out, const json_t *value, char *reason)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX)
		return control_refuse(reason, "\"argument\" wants a whole number of 32 bits");
	out->has_argument = true;
	out->argument = (int32_t)number;
	return 0;
}

static int take_protocol(const json_t *value, char *reason)
{
	if (!json_is_integer(value) || json_integer_value(value) != CONTROL_PROTOCOL)
		return control_refuse(reason, "only version %d of the protocol is understood", CONTROL_PROTOCOL);
	return 0;
}

int control_decode_request(const char *line, size_t size, struct control_request *out, char reason[CONTROL_REASON_MAX])
{
	const char *name;
	json_t *root, *value;
	int error = control_line_parse(line, size, CONTROL_REQUEST_MAX, &root, reason);

	*out = (struct control_request){0};
	if (error)
		return error;
	json_object_foreach(root, name, value)
	{
		if (strcmp(name, "command") == 0)
			error = take_command(out, value, reason);
		else if (strcmp(name, "argument") == 0)
			error = take_argument(out, value, reason);
		else if (strcmp(name, "protocol") == 0)
			error = take_protocol(value, reason);
		else
			error = control_refuse(reason, "unknown member \"%.32s\"", name);
		if (error)
			break;
	}
	if (error == 0 && out->command[0] == '\0')
		error = control_refuse(reason, "\"command\" is missing");
	json_decref(root);
	return error;
}
