/* SPDX-License-Identifier: MIT
 *
 * Connections that go on: requests in any cut, answers in order, back-pressure. */
#include "talk.h"

#include "http/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int start(void **state)
{
	*state = talk_start(NULL, false);
	return 0;
}

static int stop(void **state)
{
	talk_stop(*state);
	return 0;
}

static void a_request_is_answered_and_the_connection_stays(void **state)
{
	struct talk *talk = *state;

	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		talk_say(talk, 0, GET("/small.txt"));

		struct answer answer = talk_expect(talk, 0, 200);

		assert_true(slice_equal(answer.body, SLICE("0123456789")));
		assert_false(answer.close);
		assert_false(talk->clients[0].ended);
		assert_int_equal(talk_stats(talk).idle, 1);
		assert_int_equal(talk_stats(talk).requests, i + 1);
	}
	talk_hang_up(talk, 0);
	talk_run(talk, true);
	assert_int_equal(talk->closed, 1);
	assert_int_equal(talk_stats(talk).connections, 0);
	assert_int_equal(talk_stats(talk).idle, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_is_answered_and_the_connection_stays,
						start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
