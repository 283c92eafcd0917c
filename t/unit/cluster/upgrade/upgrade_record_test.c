/* SPDX-License-Identifier: MIT
 *
 * A state as records (cluster/upgrade/upgrade_record.h): what was put is found again, what is unknown is skipped, and
 * what is damaged is refused. */
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct small {
	uint32_t first;
};

struct large {
	uint32_t first, second;
};

static void write_some(struct upgrade_writer *writer)
{
	struct large large = {1, 2};

	upgrade_put(writer, 7, &large, sizeof(large));
	upgrade_put(writer, 8, "odd", 3);
	upgrade_put(writer, 9, NULL, 0);
	upgrade_put(writer, 7, "again", 5);
	assert_int_equal(upgrade_finish(writer), 0);
}

static void test_records_come_back_in_order(void **context)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;

	(void)context;
	write_some(&writer);
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	assert_true(upgrade_next(&reader, &record));
	assert_int_equal(record.type, 7);
	assert_int_equal(record.size, sizeof(struct large));
	assert_true(upgrade_next(&reader, &record));
	assert_int_equal(record.size, 3);
	assert_memory_equal(record.data, "odd", 3);
	assert_true(upgrade_next(&reader, &record));
	assert_int_equal(record.size, 0);
	assert_true(upgrade_next(&reader, &record));
	assert_memory_equal(record.data, "again", 5);
	assert_false(upgrade_next(&reader, &record));
	assert_true(upgrade_find(&reader, 8, &record));
	assert_int_equal(record.size, 3);
	assert_false(upgrade_find(&reader, 10, &record));
	upgrade_writer_free(&writer);
}

static void test_a_record_may_be_longer_or_shorter_than_expected(void **context)
{
	struct large large = {1, 2}, read_large;
	struct small small = {3}, read_small;
	struct upgrade_record record;

	(void)context;
	record = (struct upgrade_record){.data = &large, .size = sizeof(large)};
	upgrade_get(&record, &read_small, sizeof(read_small));
	assert_int_equal(read_small.first, 1);
	record = (struct upgrade_record){.data = &small, .size = sizeof(small)};
	memset(&read_large, 0xff, sizeof(read_large));
	upgrade_get(&record, &read_large, sizeof(read_large));
	assert_int_equal(read_large.first, 3);
	assert_int_equal(read_large.second, 0);
}

static void test_every_truncation_is_refused(void **context)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;

	(void)context;
	write_some(&writer);
	for (size_t size = 0; size < writer.octets.used; size++) {
		char *cut = malloc(size + 1); /* on the heap, so that a tool sees a read behind it */

		memcpy(cut, writer.octets.data, size);
		assert_int_equal(upgrade_open(&reader, cut, size), -EBADMSG);
		free(cut);
	}
	upgrade_writer_free(&writer);
}

static void test_every_flipped_bit_is_refused(void **context)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;

	(void)context;
	write_some(&writer);
	for (size_t bit = 0; bit < 8 * writer.octets.used; bit++) {
		writer.octets.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), -EBADMSG);
		writer.octets.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	upgrade_writer_free(&writer);
}

/* Whose checksum is right all the same: it was written so. */
static void test_a_record_that_says_it_is_longer_than_the_rest_is_refused(void **context)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	const uint32_t sizes[] = {9, 16, 4096, UINT32_MAX - 8};

	(void)context;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		upgrade_put(&writer, 7, "seven", 5);
		upgrade_put(&writer, 8, "eight", 5);
		/* The last record has a head of its type and size, and eight octets. */
		memcpy(writer.octets.data + writer.octets.used - 12, &sizes[i], sizeof(sizes[i]));
		assert_int_equal(upgrade_finish(&writer), 0);
		assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), -EBADMSG);
		upgrade_writer_free(&writer);
	}
}

static void test_an_empty_state_can_be_read(void **context)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;

	(void)context;
	assert_int_equal(upgrade_finish(&writer), 0);
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	assert_false(upgrade_next(&reader, &record));
	upgrade_writer_free(&writer);
}

static void test_descriptors_are_remembered(void **context)
{
	struct upgrade_writer writer = {0};

	(void)context;
	for (int fd = -1; fd < 1000; fd++)
		assert_int_equal(upgrade_keep_fd(&writer, fd), fd);
	assert_int_equal(writer.fd_count, 1000);
	for (int fd = 0; fd < 1000; fd++)
		assert_int_equal(writer.fds[fd], fd);
	upgrade_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_back_in_order),
		cmocka_unit_test(test_a_record_may_be_longer_or_shorter_than_expected),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_every_flipped_bit_is_refused),
		cmocka_unit_test(test_a_record_that_says_it_is_longer_than_the_rest_is_refused),
		cmocka_unit_test(test_an_empty_state_can_be_read),
		cmocka_unit_test(test_descriptors_are_remembered),
	};

	return cmocka_run_group_tests_name("state record", tests, NULL, NULL);
}
