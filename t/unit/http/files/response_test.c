/* SPDX-License-Identifier: MIT
 *
 * Responses: heads in the scratch space, simple pages, the date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/date.h"
#include "http/files/response.h"
#include "http/message/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct slice date_line(const struct response_builder *builder, char room[64])
{
	int64_t second;
	struct slice date = response_date(builder, &second);

	return (struct slice){room, (size_t)snprintf(room, 64, "Date: %.*s\r\n", (int)date.len, date.ptr)};
}

static void assert_head(struct slice head, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void assert_head(struct slice head, const char *format, ...)
{
	char wanted[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(wanted, sizeof(wanted), format, arguments);
	va_end(arguments);
	if (!slice_equal(head, slice_of(wanted)))
		fail_msg("head:\n%.*swanted:\n%s", (int)head.len, head.ptr, wanted);
}

static void a_head_has_status_date_server_and_what_is_added(void **state)
{
	struct response_builder *builder = response_builder_new(NULL);
	struct response response;
	char date[64];

	(void)state;
	response_begin(builder, &response, NULL, 206);
	response_field(builder, "A", SLICE("b c"));
	response_field_u64(builder, "N", UINT64_MAX);
	response_field_u64(builder, "Z", 0);
	assert_true(response_finish(builder, &response));
	assert_int_equal(response.status, 206);
	assert_int_equal(response.file_fd, -1);
	assert_null(response.file);
	assert_false(response.contiguous);
	assert_head(response.head,
		    "HTTP/1.1 206 Partial Content\r\n%.*sServer: brood\r\nA: b c\r\n"
		    "N: 18446744073709551615\r\nZ: 0\r\n",
		    (int)date_line(builder, date).len, date);
	response_builder_free(builder);
}

static void a_worker_tag_is_in_every_head(void **state)
{
	struct response_builder *builder = response_builder_new("0-1-4711");
	struct response response;

	(void)state;
	response_simple(builder, &response, NULL, 404, SLICE(""));
	assert_non_null(memmem(response.head.ptr, response.head.len, "\r\nX-Brood-Worker: 0-1-4711\r\n", 28));
	response_builder_free(builder);
}

static void the_date_is_that_of_its_second_and_now(void **state)
{
	struct response_builder *builder = response_builder_new(NULL);
	char text[DATE_LENGTH];
	int64_t second;
	struct slice date;
	time_t before = time(NULL) - 1; /* the coarse clock is a tick late */

	(void)state;
	response_builder_tick(builder);
	date = response_date(builder, &second);
	assert_true(second >= before && second <= time(NULL));
	date_format(text, second);
	assert_true(slice_equal(date, (struct slice){text, DATE_LENGTH}));
	response_builder_free(builder);
}

static void a_simple_page_says_its_status(void **state)
{
	struct response_builder *builder = response_builder_new(NULL);
	struct response response;
	char date[64];

	(void)state;
	response_simple(builder, &response, NULL, 405, SLICE("Allow: GET\r\n"));
	assert_int_equal(response.status, 405);
	assert_head(response.head,
		    "HTTP/1.1 405 Method Not Allowed\r\n%.*sServer: brood\r\nAllow: GET\r\n"
		    "Content-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n",
		    (int)date_line(builder, date).len, date, response.body.len);
	assert_non_null(memmem(response.body.ptr, response.body.len, "405 Method Not Allowed", 22));
	assert_true(response.body.len < 512);
	response_builder_free(builder);
}

static void a_simple_page_is_one_run_of_octets(void **state)
{
	struct response_builder *builder = response_builder_new(NULL);
	struct response response;

	(void)state;
	response_simple(builder, &response, NULL, 431, SLICE(""));
	assert_true(response.contiguous);
	assert_ptr_equal(response.head.ptr + response.head.len + 2, response.body.ptr);
	assert_memory_equal(response.body.ptr - 2, "\r\n", 2);
	response_builder_free(builder);
}

static void what_does_not_fit_is_a_bare_500(void **state)
{
	struct response_builder *builder = response_builder_new(NULL);
	char *large = malloc(RESPONSE_SCRATCH_SIZE);
	struct response response;
	char date[64];

	(void)state;
	memset(large, 'x', RESPONSE_SCRATCH_SIZE);
	response_begin(builder, &response, NULL, 200);
	response_field(builder, "Large", (struct slice){large, RESPONSE_SCRATCH_SIZE});
	response_field(builder, "Small", SLICE("1"));
	assert_false(response_finish(builder, &response));
	assert_int_equal(response.status, 500);
	assert_head(response.head,
		    "HTTP/1.1 500 Internal Server Error\r\n%.*sServer: brood\r\n"
		    "Content-Length: 0\r\n",
		    (int)date_line(builder, date).len, date);

	response_simple(builder, &response, NULL, 301, (struct slice){large, RESPONSE_SCRATCH_SIZE});
	assert_int_equal(response.status, 500);
	assert_int_equal(response.body.len, 0);
	response_simple(builder, &response, NULL, 404, SLICE(""));
	assert_int_equal(response.status, 404);
	free(large);
	response_builder_free(builder);
}

static void reasons_are_those_of_the_standard(void **state)
{
	(void)state;
	assert_string_equal(status_find(200)->text, "OK");
	assert_string_equal(status_find(414)->text, "URI Too Long");
	assert_string_equal(status_find(431)->text, "Request Header Fields Too Large");
	assert_string_equal(status_find(505)->text, "HTTP Version Not Supported");
	assert_string_equal(status_find(599)->text, "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_has_status_date_server_and_what_is_added),
		cmocka_unit_test(a_worker_tag_is_in_every_head),
		cmocka_unit_test(the_date_is_that_of_its_second_and_now),
		cmocka_unit_test(a_simple_page_says_its_status),
		cmocka_unit_test(a_simple_page_is_one_run_of_octets),
		cmocka_unit_test(what_does_not_fit_is_a_bare_500),
		cmocka_unit_test(reasons_are_those_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
