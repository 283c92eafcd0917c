/* SPDX-License-Identifier: MIT
 *
 * Answers of the control protocol: progress, outcomes, and texts of any octets. */
#include "control/protocol.h"

#include "control/control_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void decode(const struct buffer *line, struct control_answer *answer)
{
	char reason[CONTROL_REASON_MAX] = "";

	if (control_decode_answer(line->data, line->used, answer, reason) != 0)
		fail_msg("%s: %s", line->data, reason);
}

static void assert_refuses(const char *line, const char *why)
{
	struct control_answer answer;
	char reason[CONTROL_REASON_MAX] = "";

	assert_int_equal(control_decode_answer(line, strlen(line), &answer, reason), -EINVAL);
	if (!strstr(reason, why))
		fail_msg("%s: wanted '%s', got '%s'", line, why, reason);
	control_answer_free(&answer);
}

static void test_progress_comes_back_as_it_was(void **state)
{
	struct control_answer answer;
	struct buffer line = {0};

	(void)state;
	assert_int_equal(control_encode_progress(&line, 1, UINT32_MAX, "slot 0: \"x\"\n"), 0);
	assert_string_equal(line.data, "{\"progress\":{\"done\":1,\"total\":4294967295,"
				       "\"text\":\"slot 0: \\\"x\\\"\\n\"}}\n");
	decode(&line, &answer);
	assert_int_equal(answer.kind, CONTROL_PROGRESS);
	assert_int_equal(answer.done, 1);
	assert_int_equal(answer.total, UINT32_MAX);
	assert_string_equal(json_string_value(answer.text), "slot 0: \"x\"\n");
	control_answer_free(&answer);
	buffer_free(&line);
}

static void test_outcomes_come_back_as_they_were(void **state)
{
	json_t *result = json_pack("[i, s]", 1, "x");
	struct control_answer answer;
	struct buffer line = {0};

	(void)state;
	assert_int_equal(control_encode_ok(&line, NULL), 0);
	assert_string_equal(line.data, "{\"ok\":true}\n");
	decode(&line, &answer);
	assert_int_equal(answer.kind, CONTROL_OK);
	assert_null(answer.result);
	control_answer_free(&answer);
	buffer_free(&line);

	assert_int_equal(control_encode_ok(&line, result), 0);
	decode(&line, &answer);
	assert_int_equal(answer.kind, CONTROL_OK);
	assert_true(json_equal(answer.result, result));
	control_answer_free(&answer);
	buffer_free(&line);
	json_decref(result);

	assert_int_equal(control_encode_failed(&line, "brood.conf:3: no"), 0);
	assert_string_equal(line.data, "{\"ok\":false,\"reason\":\"brood.conf:3: no\"}\n");
	decode(&line, &answer);
	assert_int_equal(answer.kind, CONTROL_FAILED);
	assert_string_equal(json_string_value(answer.text), "brood.conf:3: no");
	control_answer_free(&answer);
	buffer_free(&line);
}

static void test_an_answer_has_a_bound(void **state)
{
	char *text = malloc(CONTROL_ANSWER_MAX + 1);
	struct buffer line = {0};
	json_t *result;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', CONTROL_ANSWER_MAX);
	text[CONTROL_ANSWER_MAX] = '\0';
	result = json_string(text);
	assert_int_equal(control_encode_ok(&line, result), -EMSGSIZE);
	assert_int_equal(line.used, 0);
	json_decref(result);
	free(text);
}

static void test_other_answers_are_refused(void **state)
{
	(void)state;
	assert_refuses("", "not JSON");
	assert_refuses("[1]", "not a JSON object");
	assert_refuses("{}", "neither");
	assert_refuses("{\"ok\":1}", "neither");
	assert_refuses("{\"ok\":false}", "neither");
	assert_refuses("{\"ok\":false,\"reason\":7}", "neither");
	assert_refuses("{\"ok\":false,\"reason\":\"x\",\"result\":1}", "neither");
	assert_refuses("{\"ok\":true,\"reason\":\"x\"}", "neither");
	assert_refuses("{\"ok\":true,\"more\":1}", "neither");
	assert_refuses("{\"progress\":{},\"ok\":true}", "neither");
	assert_refuses("{\"progress\":{}}", "\"progress\"");
	assert_refuses("{\"progress\":7}", "\"progress\"");
	assert_refuses("{\"progress\":{\"done\":-1,\"total\":1,\"text\":\"\"}}", "\"progress\"");
	assert_refuses("{\"progress\":{\"done\":1,\"total\":1,\"text\":1}}", "\"progress\"");
}

static void assert_cleans(const char *text, size_t size, const char *clean)
{
	json_t *string = control_text(text, size);

	assert_non_null(string);
	assert_string_equal(json_string_value(string), clean);
	json_decref(string);
}

static void test_texts_of_any_octets_become_strings(void **state)
{
	(void)state;
	assert_cleans("", 0, "");
	assert_cleans("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa3", 14, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa3");
	assert_cleans("a\xff"
		      "b",
		      3,
		      "a\xef\xbf\xbd"
		      "b");
	assert_cleans("a\0b", 3,
		      "a\xef\xbf\xbd"
		      "b");
	assert_cleans("\xc3", 1, "\xef\xbf\xbd");
	/* Overlong, surrogate, beyond U+10FFFF: one mark for each octet. */
	assert_cleans("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	assert_cleans("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_cleans("\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

/* Whatever octets there are, jansson takes what comes out. */
static void test_no_octets_are_too_odd(void **state)
{
	char text[3];

	(void)state;
	for (unsigned n = 0; n < 1u << 24; n += 251) {
		json_t *string;

		text[0] = (char)(n >> 16);
		text[1] = (char)(n >> 8);
		text[2] = (char)n;
		string = control_text(text, 3);
		assert_non_null(string);
		json_decref(string);
	}
}

static void test_the_place_depends_on_who_asks(void **state)
{
	char place[CONTROL_PATH_ROOM], long_one[CONTROL_PATH_ROOM + 1];

	(void)state;
	if (geteuid() == 0) {
		assert_true(control_path(place));
		assert_string_equal(place, "/run/brood/control.sock");
		return;
	}
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_true(control_path(place));
	assert_string_equal(place, "/run/user/7/brood/control.sock");
	setenv("XDG_RUNTIME_DIR", "run", 1);
	assert_false(control_path(place));
	memset(long_one, '/', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	setenv("XDG_RUNTIME_DIR", long_one, 1);
	assert_false(control_path(place));
	unsetenv("XDG_RUNTIME_DIR");
	assert_false(control_path(place));
	setenv("RUNTIME_DIRECTORY", "/run/web", 1); /* by systemd */
	assert_true(control_path(place));
	assert_string_equal(place, "/run/web/control.sock");
	setenv("RUNTIME_DIRECTORY", "/run/web:/run/more", 1);
	assert_true(control_path(place));
	assert_string_equal(place, "/run/web/control.sock");
	setenv("RUNTIME_DIRECTORY", "web", 1);
	assert_false(control_path(place));
	setenv("RUNTIME_DIRECTORY", long_one, 1);
	assert_false(control_path(place));
	unsetenv("RUNTIME_DIRECTORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress_comes_back_as_it_was),
		cmocka_unit_test(test_outcomes_come_back_as_they_were),
		cmocka_unit_test(test_an_answer_has_a_bound),
		cmocka_unit_test(test_other_answers_are_refused),
		cmocka_unit_test(test_texts_of_any_octets_become_strings),
		cmocka_unit_test(test_no_octets_are_too_odd),
		cmocka_unit_test(test_the_place_depends_on_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
