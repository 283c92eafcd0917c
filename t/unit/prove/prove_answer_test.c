/* SPDX-License-Identifier: MIT
 *
 * Reading an answer strictly, in pieces of any size. */
#include "prove/prove_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define BODY      "0123456789"
#define GOOD_HEAD "HTTP/1.1 200 OK\r\nDate: x\r\nX-Brood-Worker: 3-17-4711\r\nContent-Length: 10\r\n"

/* Feeds `text` in pieces of `piece` octets; *used: how many belonged to the answer. */
static enum answer_step feed(struct answer *answer, const char *text, size_t size, size_t piece, size_t *used)
{
	enum answer_step step = ANSWER_MORE;

	answer_expect(answer, BODY, 10);
	*used = 0;
	while (step == ANSWER_MORE && *used < size) {
		size_t part = size - *used < piece ? size - *used : piece, taken;

		step = answer_take(answer, text + *used, part, &taken);
		*used += taken;
	}
	return step;
}

static void a_right_answer_is_right_in_pieces_of_any_size(void **state)
{
	static const char text[] = GOOD_HEAD "\r\n" BODY;
	struct answer answer;
	size_t used;

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		assert_int_equal(feed(&answer, text, sizeof(text) - 1, piece, &used), ANSWER_DONE);
		assert_int_equal(used, sizeof(text) - 1);
		assert_int_equal(answer.worker.slot, 3);
		assert_int_equal(answer.worker.generation, 17);
		assert_int_equal(answer.worker.pid, 4711);
		assert_false(answer.says_close);
	}
}

static void every_beginning_of_it_is_no_answer_yet(void **state)
{
	static const char text[] = GOOD_HEAD "\r\n" BODY;
	struct answer answer;
	size_t used;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		assert_int_equal(feed(&answer, text, size, 1000, &used), ANSWER_MORE);
		assert_int_equal(used, size);
	}
}

static void what_follows_is_left(void **state)
{
	static const char text[] = GOOD_HEAD "\r\n" BODY "HTTP";
	struct answer answer;
	size_t used;

	(void)state;
	assert_int_equal(feed(&answer, text, sizeof(text) - 1, 1000, &used), ANSWER_DONE);
	assert_int_equal(used, sizeof(text) - 1 - 4);
}

static void an_announced_close_is_seen(void **state)
{
	static const char text[] = GOOD_HEAD "connection:  Close \r\n\r\n" BODY;
	struct answer answer;
	size_t used;

	(void)state;
	assert_int_equal(feed(&answer, text, sizeof(text) - 1, 7, &used), ANSWER_DONE);
	assert_true(answer.says_close);
}

static void an_empty_file_is_answered_by_a_head(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0-2\r\n"
				   "Content-Length: 0\r\n\r\n";
	struct answer answer;
	size_t used;

	(void)state;
	answer_expect(&answer, "", 0);
	assert_int_equal(answer_take(&answer, text, sizeof(text) - 1, &used), ANSWER_DONE);
	assert_int_equal(used, sizeof(text) - 1);
}

#define WORKER "X-Brood-Worker: 0-0-4711\r\n"
#define LENGTH "Content-Length: 10\r\n"

static void nothing_wrong_is_forgiven(void **state)
{
	static const char *const wrong[] = {
		"HTTP/1.1 503 Service Unavailable\r\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 404 Not Found\r\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 206 Partial Content\r\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.0 200 OK\r\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 2000 OK\r\n" WORKER LENGTH "\r\n" BODY,
		"http/1.1 200 OK\r\n" WORKER LENGTH "\r\n" BODY,
		" HTTP/1.1 200 OK\r\n" WORKER LENGTH "\r\n" BODY,
		"\r\nHTTP/1.1 200 OK\r\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\n" WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "\r\n" BODY, /* no length */
		"HTTP/1.1 200 OK\r\n" LENGTH "\r\n" BODY, /* nobody's */
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length: 9\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length: 11\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length: 10x\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length: +10\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length:\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length : 10\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER "Content-Length: 99999999999999999999999\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH "Transfer-Encoding: chunked\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH "nonsense\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH ": x\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH "A: b\nC: d\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER LENGTH "A: b\rc\r\n\r\n" BODY,
		"HTTP/1.1 200 OK\r\n" WORKER WORKER LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0\r\n" LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0-0\r\n" LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0-1\r\n" LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0--5\r\n" LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0-4711-1\r\n" LENGTH "\r\n" BODY,
		"HTTP/1.1 200 OK\r\nX-Brood-Worker: 0-0-99999999999\r\n" LENGTH "\r\n" BODY,
		GOOD_HEAD "\r\n0123456780",
		GOOD_HEAD "\r\n\r\n23456789x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (size_t piece = 1; piece < 200; piece += 50) {
			struct answer answer;
			size_t used;

			if (feed(&answer, wrong[i], strlen(wrong[i]), piece, &used) != ANSWER_WRONG)
				fail_msg("taken for right: %s", wrong[i]);
			assert_non_null(answer.problem);
		}
	}
}

static void any_single_octet_that_is_changed_in_the_body_is_noticed(void **state)
{
	static const char head[] = GOOD_HEAD "\r\n";
	char text[sizeof(head) + 10];
	struct answer answer;
	size_t used;

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		memcpy(text, head, sizeof(head) - 1);
		memcpy(text + sizeof(head) - 1, BODY, 10);
		text[sizeof(head) - 1 + i] ^= 1;
		assert_int_equal(feed(&answer, text, sizeof(head) - 1 + 10, 3, &used), ANSWER_WRONG);
	}
}

static void a_head_without_end_is_given_up(void **state)
{
	struct answer answer;
	enum answer_step step = ANSWER_MORE;
	size_t used, count = 0;

	(void)state;
	answer_expect(&answer, BODY, 10);
	while (step == ANSWER_MORE && count++ < 100000)
		step = answer_take(&answer, "a", 1, &used);
	assert_int_equal(step, ANSWER_WRONG);
	assert_int_equal(count, ANSWER_HEAD_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_answer_is_right_in_pieces_of_any_size),
		cmocka_unit_test(every_beginning_of_it_is_no_answer_yet),
		cmocka_unit_test(what_follows_is_left),
		cmocka_unit_test(an_announced_close_is_seen),
		cmocka_unit_test(an_empty_file_is_answered_by_a_head),
		cmocka_unit_test(nothing_wrong_is_forgiven),
		cmocka_unit_test(any_single_octet_that_is_changed_in_the_body_is_noticed),
		cmocka_unit_test(a_head_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
