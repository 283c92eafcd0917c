/* SPDX-License-Identifier: MIT
 *
 * Names of requests: UUIDs of version 7, names that are taken over, and where they are told. */
#include "http/client/request_id.h"

#include "talk.h"

#include "base/network.h"
#include "http/message/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GET(fields) "GET /small.txt HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks trusted = {&unix_peers, 1};

static struct timespec frozen; /* what the clock says; all-zero: the truth */

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	if (frozen.tv_sec == 0)
		return __real_clock_gettime(id, out);
	*out = frozen;
	return 0;
}

/* Of a request that brings none, at a time and with these random octets. */
static void assert_made(uint64_t wall_ms, const unsigned char random[10], const char *wanted)
{
	struct request_ids ids = {.left = 10};
	char room[REQUEST_ID_UUID_SIZE];
	struct slice made;

	memcpy(ids.pool, random, 10);
	frozen = (struct timespec){(time_t)(wall_ms / 1000), (long)(wall_ms % 1000) * 1000000};
	made = request_id_get(&ids, &(struct request){0}, room);
	frozen.tv_sec = 0;
	assert_int_equal(made.len, strlen(wanted));
	assert_memory_equal(made.ptr, wanted, made.len);
}

/* The example of RFC 9562, appendix A.6: 2022-02-22T19:22:22.000Z. */
static void a_uuid_is_as_its_rfc_has_it(void **state)
{
	static const unsigned char random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
	static const unsigned char ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

	(void)state;
	assert_made(0x017f22e279b0, random, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_made(0x7fffffffffff, ones, "7fffffff-ffff-7fff-bfff-ffffffffffff");
}

static struct talk *start(const struct networks *networks)
{
	return talk_start(&(struct http_options){.request_ids = true, .trusted = networks}, true);
}

static void assert_is_new(struct slice name)
{
	assert_int_equal(name.len, REQUEST_ID_UUID_SIZE);
	for (size_t i = 0; i < name.len; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(name.ptr[i], '-');
		else
			assert_non_null(memchr("0123456789abcdef", name.ptr[i], 16));
	}
	assert_int_equal(name.ptr[14], '7');
	assert_non_null(memchr("89ab", name.ptr[19], 4));
}

static void each_request_has_another_name_and_later_ones_sort_behind(void **state)
{
	struct talk *talk = start(NULL);
	char before[REQUEST_ID_UUID_SIZE] = "";

	(void)state;
	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < 300; i++) {
		struct answer answer;
		struct slice name;

		talk_say(talk, 0, GET(""));
		talk_run(talk, true);
		answer = talk_expect(talk, 0, 200);
		name = answer_field(&answer, "X-Request-Id");
		assert_is_new(name);
		assert_int_equal(strlen(talk->log[i].request_id), name.len);
		assert_memory_equal(talk->log[i].request_id, name.ptr, name.len);
		assert_true(memcmp(before, name.ptr, name.len) != 0);
		assert_true(memcmp(before, name.ptr, 13) <= 0); /* the time */
		memcpy(before, name.ptr, name.len);
	}
	talk_stop(talk);
}

/* What a trusted peer has sent is taken over, or not. */
static void assert_name(const struct networks *networks, const char *fields, const char *wanted)
{
	struct talk *talk = start(networks);
	struct answer answer;
	struct slice name;

	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "GET /small.txt HTTP/1.1\r\nHost: a\r\n");
	talk_say(talk, 0, fields);
	talk_say(talk, 0, "\r\n");
	talk_run(talk, true);
	answer = talk_expect(talk, 0, 200);
	name = answer_field(&answer, "X-Request-Id");
	if (wanted)
		assert_true(slice_equal(name, slice_of(wanted)));
	else
		assert_is_new(name);
	assert_memory_equal(talk->log[0].request_id, name.ptr, name.len);
	talk_stop(talk);
}

static void the_name_of_a_trusted_peer_is_taken_over_if_it_is_well_formed(void **state)
{
	char longest[256], field[320];

	(void)state;
	assert_name(&trusted, "X-Request-Id: abc\r\n", "abc");
	assert_name(&trusted, "x-request-id:\tA.b_c~d+e/f=g:h@i-1 \r\n", "A.b_c~d+e/f=g:h@i-1");
	assert_name(&trusted, "X-Request-Id: \r\n", NULL);
	assert_name(&trusted, "X-Request-Id: a b\r\n", NULL);
	assert_name(&trusted, "X-Request-Id: a\"b\r\n", NULL);
	assert_name(&trusted, "X-Request-Id: a,b\r\n", NULL);
	assert_name(&trusted, "X-Request-Id: a\\b\r\n", NULL);
	assert_name(&trusted, "X-Request-Id: \xc3\xa4\r\n", NULL);
	assert_name(&trusted, "X-Request-Id: a\r\nX-Request-Id: a\r\n", NULL);
	assert_name(NULL, "X-Request-Id: abc\r\n", NULL);
	memset(longest, 'x', sizeof(longest));
	longest[REQUEST_ID_MAX] = '\0';
	snprintf(field, sizeof(field), "X-Request-Id: %s\r\n", longest);
	assert_name(&trusted, field, longest);
	snprintf(field, sizeof(field), "X-Request-Id: %sx\r\n", longest);
	assert_name(&trusted, field, NULL);
}

/* Pipelined answers, some of which the socket does not take at once, keep their own names. */
static void answers_that_wait_keep_their_names(void **state)
{
	enum { COUNT = 40 };
	struct talk *talk = start(&trusted);
	char text[256], wanted[32];

	(void)state;
	talk->sockets_send_size = 4096;
	talk_connect(talk, 0, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: a\r\nX-Request-Id: number-%u\r\n%s\r\n",
			 i % 5 == 3   ? "fifty.bin"
			 : i % 5 == 4 ? "none"
				      : "small.txt",
			 i, i % 7 == 6 ? "Range: bytes=0-1,5-6\r\n" : "");
		talk_say(talk, 0, text);
	}
	talk_run(talk, true);
	for (unsigned i = 0; i < COUNT; i++) {
		struct answer answer;

		snprintf(wanted, sizeof(wanted), "number-%u", i);
		assert_true(talk_answer(talk, 0, false, &answer));
		assert_true(slice_equal(answer_field(&answer, "X-Request-Id"), slice_of(wanted)));
		assert_string_equal(talk->log[i].request_id, wanted);
	}
	talk_expect_silence(talk, 0);
	talk_stop(talk);
}

static void refusals_have_names_too(void **state)
{
	struct talk *talk = start(&trusted);
	struct answer answer;

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, "nonsense\r\n\r\n");
	talk_run(talk, true);
	answer = talk_expect(talk, 0, 400);
	assert_is_new(answer_field(&answer, "X-Request-Id"));
	assert_true(answer.close);
	assert_int_equal(strlen(talk->log[0].request_id), REQUEST_ID_UUID_SIZE);
	talk_stop(talk);
}

static void without_the_option_nothing_is_told(void **state)
{
	struct talk *talk = talk_start(&(struct http_options){.trusted = &trusted}, true);
	struct answer answer;

	(void)state;
	talk_connect(talk, 0, 0);
	talk_say(talk, 0, GET("X-Request-Id: abc\r\n"));
	talk_run(talk, true);
	answer = talk_expect(talk, 0, 200);
	assert_int_equal(answer_field(&answer, "X-Request-Id").len, 0);
	assert_string_equal(talk->log[0].request_id, "");
	talk_stop(talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uuid_is_as_its_rfc_has_it),
		cmocka_unit_test(each_request_has_another_name_and_later_ones_sort_behind),
		cmocka_unit_test(the_name_of_a_trusted_peer_is_taken_over_if_it_is_well_formed),
		cmocka_unit_test(answers_that_wait_keep_their_names),
		cmocka_unit_test(refusals_have_names_too),
		cmocka_unit_test(without_the_option_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
