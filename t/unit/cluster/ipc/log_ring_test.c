/* SPDX-License-Identifier: MIT
 *
 * A worker's last log lines: what is kept, and what a reader makes of nonsense. */
#include "cluster/ipc/log_ring.h"

#include "base/log.h"
#include "base/text.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct log_ring ring;
static char out[4096];

static int clear(void **state)
{
	(void)state;
	log_ring_clear(&ring);
	memset(out, 'x', sizeof(out));
	return 0;
}

static void add(const char *line)
{
	log_ring_add(&ring, line, strlen(line));
}

static void an_empty_ring_is_an_empty_text(void **state)
{
	(void)state;
	assert_int_equal(log_ring_read(&ring, out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

static void lines_come_back_in_order(void **state)
{
	(void)state;
	add("first");
	add("");
	add("third, caf\xc3\xa9");
	assert_int_equal(log_ring_read(&ring, out, sizeof(out)), 6 + 1 + 13);
	assert_string_equal(out, "first\n\nthird, caf\xc3\xa9\n");
	log_ring_clear(&ring);
	assert_int_equal(log_ring_read(&ring, out, sizeof(out)), 0);
}

/* The text is whole lines "line NUMBER", ending with the last one. */
static void assert_last_lines(int last)
{
	char line[32];
	int number = -1, lines = 0;

	for (char *at = out, *end; *at != '\0'; at = end + 1, lines++) {
		end = strchr(at, '\n');
		assert_non_null(end);
		assert_int_equal(sscanf(at, "line %d", &number), 1);
		snprintf(line, sizeof(line), "line %d\n", number);
		assert_memory_equal(at, line, strlen(line));
		assert_int_equal(end - at + 1, strlen(line));
	}
	assert_true(lines > 0);
	assert_int_equal(number, last);
}

static void a_full_ring_keeps_the_last_whole_lines(void **state)
{
	char line[32];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		add(line);
		assert_true(log_ring_read(&ring, out, sizeof(out)) <= LOG_RING_ROOM);
		assert_last_lines(i);
	}
}

static void too_little_room_costs_the_oldest_lines(void **state)
{
	char line[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		add(line);
	}
	for (size_t room = 16; room < 1200; room++) {
		size_t size;

		memset(out, 'x', sizeof(out));
		size = log_ring_read(&ring, out, room);
		assert_true(size < room);
		assert_int_equal(out[room], 'x');
		assert_int_equal(strlen(out), size);
		assert_last_lines(99);
	}
	assert_int_equal(log_ring_read(&ring, out, 4), 0); /* not even one */
	assert_string_equal(out, "");
	assert_int_equal(log_ring_read(&ring, out, 0), 0);
}

static void a_long_line_is_cut_to_its_share(void **state)
{
	char line[3000];

	(void)state;
	memset(line, 'a', sizeof(line));
	add("before");
	log_ring_add(&ring, line, sizeof(line));
	assert_int_equal(log_ring_read(&ring, out, sizeof(out)), 7 + LOG_RING_LINE_MAX + 1);
	assert_memory_equal(out, "before\naaa", 10);
}

static void what_is_not_printable_is_shown_as_such(void **state)
{
	(void)state;
	log_ring_add(&ring, "a\0b\x1b[31m\xff\xc3", 10);
	log_ring_read(&ring, out, sizeof(out));
	assert_string_equal(out, "a?b?[31m??\n");
}

/* A worker that was taken over can write anything there, any time. */
static void nonsense_is_bounded_and_printable(void **state)
{
	static const uint64_t counts[] = {0, 1, 2039, 2040, 2041, 1 << 20, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	srandom(42);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(ring.text); i++)
			ring.text[i] = (char)random();
		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			size_t room = 1 + (size_t)random() % 3000, size;

			ring.written = counts[i];
			memset(out, 'x', sizeof(out));
			size = log_ring_read(&ring, out, room);
			assert_true(size < room);
			assert_int_equal(out[room], 'x');
			assert_int_equal(strlen(out), size);
			for (const char *at = out; *at != '\0';) {
				size_t length = *at == '\n' ? 1 : text_printable(at);

				assert_true(length > 0);
				at += length;
			}
		}
	}
}

static void a_log_can_be_tapped_into_it(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	log_to(null);
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_tap(log_ring_add, &ring);
	log_error("an error\x1b");
	log_warn("a warning");
	log_debug("a detail");
	log_info("a %s", "notice");
	log_set_tap(NULL, NULL);
	log_error("after");
	log_set_level(LOG_LEVEL_INFO);
	log_to(STDERR_FILENO);
	close(null);
	log_ring_read(&ring, out, sizeof(out));
	assert_string_equal(out, "an error\\x1b\na warning\na notice\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_ring_is_an_empty_text, clear),
		cmocka_unit_test_setup(lines_come_back_in_order, clear),
		cmocka_unit_test_setup(a_full_ring_keeps_the_last_whole_lines, clear),
		cmocka_unit_test_setup(too_little_room_costs_the_oldest_lines, clear),
		cmocka_unit_test_setup(a_long_line_is_cut_to_its_share, clear),
		cmocka_unit_test_setup(what_is_not_printable_is_shown_as_such, clear),
		cmocka_unit_test_setup(nonsense_is_bounded_and_printable, clear),
		cmocka_unit_test_setup(a_log_can_be_tapped_into_it, clear),
	};

	return cmocka_run_group_tests_name("log ring", tests, NULL, NULL);
}
