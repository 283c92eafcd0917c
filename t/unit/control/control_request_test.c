/* SPDX-License-Identifier: MIT
 *
 * Requests of the control protocol: what is written can be read, and nothing else can. */
#include "control/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void assert_encodes(const struct control_request *request, const char *line)
{
	struct control_request back;
	char reason[CONTROL_REASON_MAX];
	struct buffer out = {0};

	assert_int_equal(control_encode_request(&out, request), 0);
	assert_string_equal(out.data, line);
	assert_int_equal(control_decode_request(out.data, out.used, &back, reason), 0);
	assert_string_equal(back.command, request->command);
	assert_int_equal(back.has_argument, request->has_argument);
	assert_int_equal(back.argument, request->argument);
	buffer_free(&out);
}

static void assert_refuses_octets(const char *line, size_t size, const char *why)
{
	struct control_request request;
	char reason[CONTROL_REASON_MAX] = "";

	assert_int_equal(control_decode_request(line, size, &request, reason), -EINVAL);
	if (!strstr(reason, why))
		fail_msg("%s: wanted '%s', got '%s'", line, why, reason);
}

static void assert_refuses(const char *line, const char *why)
{
	assert_refuses_octets(line, strlen(line), why);
}

static void test_requests_come_back_as_they_were(void **state)
{
	(void)state;
	assert_encodes(&(struct control_request){.command = "status"}, "{\"protocol\":1,\"command\":\"status\"}\n");
	assert_encodes(&(struct control_request){"scale", true, 6},
		       "{\"protocol\":1,\"command\":\"scale\",\"argument\":6}\n");
	assert_encodes(&(struct control_request){"stop-now", true, INT32_MIN},
		       "{\"protocol\":1,\"command\":\"stop-now\",\"argument\":-2147483648}\n");
}

static void test_a_person_may_leave_the_protocol_out(void **state)
{
	static const char line[] = " { \"argument\" : 3 , \"command\" : \"drain\" } ";
	struct control_request request;
	char reason[CONTROL_REASON_MAX];

	(void)state;
	assert_int_equal(control_decode_request(line, strlen(line), &request, reason), 0);
	assert_string_equal(request.command, "drain");
	assert_int_equal(request.argument, 3);
}

static void test_garbage_is_refused_with_a_reason(void **state)
{
	(void)state;
	assert_refuses("", "not JSON");
	assert_refuses("\n", "not JSON");
	assert_refuses("GET / HTTP/1.1\r\n", "not JSON");
	assert_refuses("{\"command\":\"status\"", "not JSON");
	assert_refuses("{\"command\":\"status\"} x", "not JSON");
	assert_refuses("{\"command\":\"status\",\"command\":\"stop\"}", "not JSON");
	assert_refuses("{\"command\":\"stat\xff\"}", "not JSON");
	assert_refuses_octets("{\"command\":\"a\0b\"}", 17, "not JSON");
	assert_refuses("[]", "not a JSON object");
	assert_refuses("{}", "\"command\" is missing");
	assert_refuses("{\"argument\":1}", "\"command\" is missing");
}

static void test_members_of_the_wrong_kind_are_refused(void **state)
{
	(void)state;
	assert_refuses("{\"command\":7}", "wants a word");
	assert_refuses("{\"command\":null}", "wants a word");
	assert_refuses("{\"command\":\"\"}", "wants a word");
	assert_refuses("{\"command\":\"Status\"}", "wants a word");
	assert_refuses("{\"command\":\"abcdefghijklmnopqrstuvwxyzabcdef\"}", "wants a word");
	assert_refuses("{\"command\":\"scale\",\"argument\":\"6\"}", "whole number");
	assert_refuses("{\"command\":\"scale\",\"argument\":6.0}", "whole number");
	assert_refuses("{\"command\":\"scale\",\"argument\":2147483648}", "whole number");
	assert_refuses("{\"command\":\"scale\",\"argument\":99999999999999999999}", "not JSON");
	assert_refuses("{\"command\":\"stop\",\"now\":true}", "unknown member \"now\"");
	assert_refuses("{\"command\":\"stop\",\"protocol\":2}", "version 1");
	assert_refuses("{\"command\":\"stop\",\"protocol\":\"1\"}", "version 1");
}

static void test_what_is_long_or_deep_is_refused(void **state)
{
	static char line[CONTROL_REQUEST_MAX + 1];

	(void)state;
	memset(line, ' ', sizeof(line));
	assert_refuses_octets(line, sizeof(line), "longer than 4096 octets");
	memset(line, '[', sizeof(line));
	assert_refuses_octets(line, CONTROL_REQUEST_MAX, "not JSON");
}

/* No prefix and no single wrong octet may do more than be refused. */
static void test_damaged_requests_do_no_harm(void **state)
{
	static const char good[] = "{\"protocol\":1,\"command\":\"scale\",\"argument\":6}";
	struct control_request request;
	char reason[CONTROL_REASON_MAX], line[sizeof(good)];

	(void)state;
	for (size_t size = 0; size < strlen(good); size++)
		assert_refuses_octets(good, size, "not JSON");
	for (size_t at = 0; at < strlen(good); at++) {
		for (int octet = 0; octet < 256; octet++) {
			memcpy(line, good, sizeof(good));
			line[at] = (char)octet;
			if (control_decode_request(line, strlen(good), &request, reason) == 0)
				assert_true(strlen(request.command) == 5);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_come_back_as_they_were),
		cmocka_unit_test(test_a_person_may_leave_the_protocol_out),
		cmocka_unit_test(test_garbage_is_refused_with_a_reason),
		cmocka_unit_test(test_members_of_the_wrong_kind_are_refused),
		cmocka_unit_test(test_what_is_long_or_deep_is_refused),
		cmocka_unit_test(test_damaged_requests_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
