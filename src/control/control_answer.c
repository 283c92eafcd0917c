/* SPDX-License-Identifier: MIT
 *
 * Answers of the control protocol (protocol.h). */
#include "control/protocol.h"

#include "control/control_line.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int control_encode_progress(struct buffer *out, unsigned done, unsigned total, const char *text)
{
	json_t *string = control_text(text, strlen(text));

	/* "o" takes what it is given, also when packing fails; NULL makes it fail. */
	return control_line_append(out,
				   json_pack("{s:{s:I, s:I, s:o}}", "progress", "done", (json_int_t)done, "total",
					     (json_int_t)total, "text", string),
				   CONTROL_ANSWER_MAX);
}

int control_encode_ok(struct buffer *out, const json_t *result)
{
	/* Counting references changes nothing of the value. */
	json_t *root =
		result ? json_pack("{s:b, s:O}", "ok", 1, "result", (json_t *)result) : json_pack("{s:b}", "ok", 1);

	return control_line_append(out, root, CONTROL_ANSWER_MAX);
}

int control_encode_failed(struct buffer *out, const char *reason)
{
	json_t *string = control_text(reason, strlen(reason));

	return control_line_append(out, json_pack("{s:b, s:o}", "ok", 0, "reason", string), CONTROL_ANSWER_MAX);
}

static bool take_count(const json_t *value, unsigned *out)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || number > (json_int_t)UINT_MAX)
		return false;
	*out = (unsigned)number;
	return true;
}

static int take_progress(struct control_answer *out, const json_t *progress, char *reason)
{
	out->kind = CONTROL_PROGRESS;
	if (json_object_size(progress) != 3 || !take_count(json_object_get(progress, "done"), &out->done) ||
	    !take_count(json_object_get(progress, "total"), &out->total) ||
	    !json_is_string(json_object_get(progress, "text")))
		return control_refuse(reason, "\"progress\" is not understood");
	out->text = json_incref(json_object_get(progress, "text"));
	return 0;
}

static int take_outcome(struct control_answer *out, const json_t *root, char *reason)
{
	json_t *ok = json_object_get(root, "ok"), *result = json_object_get(root, "result");
	json_t *text = json_object_get(root, "reason");
	size_t members = 1 + (result != NULL) + (text != NULL);

	if (!json_is_boolean(ok) || json_object_size(root) != members ||
	    (json_is_true(ok) ? text != NULL : !json_is_string(text) || result != NULL))
		return control_refuse(reason, "neither progress nor an outcome");
	out->kind = json_is_true(ok) ? CONTROL_OK : CONTROL_FAILED;
	out->text = json_incref(text);
	out->result = json_incref(result);
	return 0;
}

int control_decode_answer(const char *line, size_t size, struct control_answer *out, char reason[CONTROL_REASON_MAX])
{
	json_t *root, *progress;
	int error = control_line_parse(line, size, CONTROL_ANSWER_MAX, &root, reason);

	*out = (struct control_answer){0};
	if (error)
		return error;
	progress = json_object_get(root, "progress");
	if (progress && json_object_size(root) == 1)
		error = take_progress(out, progress, reason);
	else
		error = take_outcome(out, root, reason);
	json_decref(root);
	return error;
}

void control_answer_free(struct control_answer *answer)
{
	json_decref(answer->text);
	json_decref(answer->result);
	*answer = (struct control_answer){0};
}
