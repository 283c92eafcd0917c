/* SPDX-License-Identifier: MIT
 *
 * Lines of the control protocol, both ways, and the texts that go into them. */
#include "fuzz.h"

#include "control/protocol.h"

static void try_request(const char *line, size_t size)
{
	struct control_request request, again;
	char reason[CONTROL_REASON_MAX];
	struct buffer out = {0};

	if (control_decode_request(line, size, &request, reason) < 0)
		return;
	FUZZ_CHECK(control_encode_request(&out, &request) == 0);
	FUZZ_CHECK(control_decode_request(out.data, out.used, &again, reason) == 0);
	FUZZ_CHECK(strcmp(request.command, again.command) == 0 && request.argument == again.argument);
	buffer_free(&out);
}

static void try_answer(const char *line, size_t size)
{
	struct control_answer answer;
	char reason[CONTROL_REASON_MAX];

	if (control_decode_answer(line, size, &answer, reason) == 0)
		control_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = fuzz_copy(data, size), *text = fuzz_text(data, size);
	struct buffer out = {0};
	json_t *string = control_text(line, size);

	try_request(line, size);
	try_answer(line, size);
	FUZZ_CHECK(json_is_string(string));
	FUZZ_CHECK(control_encode_failed(&out, text) == 0);
	try_answer(out.data, out.used);
	FUZZ_CHECK(control_encode_progress(&out, 1, 2, text) == 0);
	FUZZ_CHECK(control_encode_ok(&out, string) == 0);
	json_decref(string);
	buffer_free(&out);
	free(line);
	free(text);
	return 0;
}
