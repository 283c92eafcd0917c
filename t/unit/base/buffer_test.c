/* SPDX-License-Identifier: MIT
 *
 * The growable buffer. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <string.h>

static void what_is_appended_is_there_in_order(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
	assert_int_equal(buffer.used, 10000);
	for (size_t i = 0; i < buffer.used; i++)
		assert_int_equal(buffer.data[i], '0' + (int)(i % 10));
	assert_int_equal(buffer_printf(&buffer, "%s-%d", "end", 5), 0);
	assert_string_equal(buffer.data + 10000, "end-5");
	buffer_free(&buffer);
}

static void consuming_moves_the_rest_to_the_front(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_printf(&buffer, "hello world"), 0);
	buffer_consume(&buffer, 6);
	assert_string_equal(buffer.data, "world");
	assert_int_equal(buffer.used, 5);
	buffer_consume(&buffer, 5);
	assert_null(buffer.data);
	assert_int_equal(buffer_append(&buffer, "", 0), 0);
	assert_string_equal(buffer.data, "");
	buffer_free(&buffer);
	assert_int_equal(buffer.used + buffer.room, 0);
}

static void a_size_that_cannot_be_leaves_the_buffer_as_it_was(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 3), -ENOMEM);
	assert_string_equal(buffer.data, "abc");
	buffer_free(&buffer);
}

static void the_owner_may_fill_all_the_room(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	for (size_t more = 1; more < 100000; more = more * 3 + 1) {
		assert_int_equal(buffer_reserve(&buffer, more), 0);
		assert_true(buffer.room - buffer.used >= more);
		assert_true(malloc_usable_size(buffer.data) > buffer.room); /* for the NUL */
		memset(buffer.data + buffer.used, 'x', buffer.room - buffer.used);
		buffer.used = buffer.room;
		buffer_consume(&buffer, 0);
		assert_int_equal(strlen(buffer.data), buffer.room);
	}
	buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_there_in_order),
		cmocka_unit_test(consuming_moves_the_rest_to_the_front),
		cmocka_unit_test(a_size_that_cannot_be_leaves_the_buffer_as_it_was),
		cmocka_unit_test(the_owner_may_fill_all_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
