/* SPDX-License-Identifier: MIT
 *
 * Lines through shared memory: in order, whole, none twice, and no harm from what makes no sense. */
#include "base/line_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct line_queue writer, reader;
static int memory;

static int make(void **state)
{
	(void)state;
	memory = line_queue_create();
	return memory < 0 || line_queue_open(&writer, memory) < 0 || line_queue_open(&reader, memory) < 0;
}

static int drop(void **state)
{
	(void)state;
	line_queue_close(&writer);
	line_queue_close(&reader);
	return close(memory);
}

static bool put(const char *text, size_t size)
{
	char *room = line_queue_reserve(&writer, size);

	if (!room)
		return false;
	memcpy(room, text, size);
	line_queue_commit(&writer, (uint32_t)size, (uint16_t)(size % 7), size);
	return true;
}

/* The next line, which is one that put() has put. */
static bool get(char *out, size_t *size)
{
	struct line line;
	int rc = line_queue_peek(&reader, &line);

	assert_true(rc >= 0);
	if (rc == 0)
		return false;
	assert_int_equal(line.log, line.size);
	assert_int_equal(line.kind, line.size % 7);
	memcpy(out, line.text, line.size);
	*size = line.size;
	line_queue_skip(&reader, &line);
	return true;
}

static void lines_come_out_as_they_went_in(void **state)
{
	char out[LINE_QUEUE_LINE_MAX];
	size_t size;

	(void)state;
	assert_false(get(out, &size));
	assert_true(put("one\n", 4));
	assert_true(put("", 0));
	assert_true(put("three...\n", 9));
	assert_true(get(out, &size));
	assert_int_equal(size, 4);
	assert_memory_equal(out, "one\n", 4);
	assert_true(get(out, &size));
	assert_int_equal(size, 0);
	assert_true(get(out, &size));
	assert_memory_equal(out, "three...\n", 9);
	assert_false(get(out, &size));
}

/* Sizes and turns as they come, many times around the ring; a reader that reads seldom and much, or often. */
static void none_is_lost_or_doubled_over_many_rounds(void **state)
{
	static char text[LINE_QUEUE_LINE_MAX], out[LINE_QUEUE_LINE_MAX];
	uint32_t random = 1, in = 0, seen = 0, lost = 0;
	size_t size;

	(void)state;
	while (in < 60000) {
		uint32_t burst;

		random = random * 1664525u + 1013904223u;
		burst = random >> 8 & 1 ? random >> 16 & 3 : random >> 16 & 2047;
		for (uint32_t i = 0; i < burst; i++) {
			random = random * 1664525u + 1013904223u;
			size = 8 + (random >> 8) % (LINE_QUEUE_LINE_MAX - 8);
			memcpy(text, &in, sizeof(in));
			text[size - 1] = (char)size;
			in++;
			if (!put(text, size))
				lost++, in--;
		}
		while (get(out, &size)) {
			assert_memory_equal(out, &seen, sizeof(seen));
			assert_int_equal(out[size - 1], (char)size);
			seen++;
		}
		line_queue_release(&reader);
	}
	assert_int_equal(seen, in);
	assert_true(lost > 0); /* some bursts were more than the ring holds */
	assert_int_equal(line_queue_lost(&reader), lost);
}

static void a_full_queue_loses_whole_lines_and_counts_them(void **state)
{
	static char text[1000], out[LINE_QUEUE_LINE_MAX];
	unsigned in = 0, seen = 0;
	size_t size;

	(void)state;
	while (put(text, sizeof(text)))
		in++;
	assert_in_range(in, LINE_QUEUE_ROOM / 1100, LINE_QUEUE_ROOM / 1000);
	assert_false(put(text, sizeof(text)));
	assert_int_equal(line_queue_lost(&reader), 2);
	while (get(out, &size))
		seen++;
	assert_int_equal(seen, in);
	assert_false(put(text, sizeof(text))); /* not released yet */
	line_queue_release(&reader);
	assert_true(put(text, sizeof(text)));
}

/* Also just after the writer went back to the ring's beginning. */
static void a_full_ring_fits_in_wherever_it_begins(void **state)
{
	static char text[1000], out[LINE_QUEUE_LINE_MAX];
	size_t size;

	(void)state;
	for (unsigned before = 0; before < 300; before++) {
		unsigned in = 0, seen = 0;

		for (unsigned i = 0; i < before; i++) {
			assert_true(put(text, sizeof(text)));
			while (get(out, &size))
				;
			line_queue_release(&reader);
		}
		while (put(text, sizeof(text)))
			in++;
		assert_in_range(in, LINE_QUEUE_ROOM / 1000 * 9 / 10, LINE_QUEUE_ROOM / 1000);
		while (get(out, &size))
			seen++;
		assert_int_equal(seen, in);
		line_queue_release(&reader);
	}
}

static long resident(void)
{
	struct stat status;

	assert_int_equal(fstat(memory, &status), 0);
	return (long)status.st_blocks * 512;
}

static void a_queue_that_is_emptied_takes_little_memory(void **state)
{
	static char text[500], out[LINE_QUEUE_LINE_MAX];
	size_t size;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		assert_true(put(text, sizeof(text)));
		if (i % 64 == 0) {
			while (get(out, &size))
				;
			line_queue_release(&reader);
		}
	}
	assert_in_range(resident(), 1, 512 << 10);
}

static void the_bell_is_for_much_at_a_time(void **state)
{
	static char text[1000];
	unsigned rung = 0;

	(void)state;
	assert_false(line_queue_is_untold(&writer));
	for (int i = 0; i < 660; i++) {
		assert_true(put(text, sizeof(text)));
		assert_true(line_queue_is_untold(&writer));
		if (line_queue_is_heavy(&writer)) {
			rung++;
			line_queue_told(&writer);
			assert_false(line_queue_is_untold(&writer));
		}
	}
	assert_int_equal(rung, 10);
}

/* A writer that is killed in the middle, again and again: what it had committed is there, whole. */
static void what_was_said_outlives_who_said_it(void **state)
{
	char out[LINE_QUEUE_LINE_MAX];
	int status, pipe_ends[2];
	size_t size;

	(void)state;
	for (int round = 0; round < 20; round++) {
		unsigned seen = 0;
		pid_t pid;

		drop(NULL);
		assert_int_equal(make(NULL), 0);
		assert_int_equal(pipe(pipe_ends), 0);
		pid = fork();
		if (pid == 0)
			for (unsigned i = 0;; i++) {
				char text[64];
				int length = snprintf(text, sizeof(text), "%u\n", i);

				if (!put(text, (size_t)length) || i == 500)
					(void)!write(pipe_ends[1], "", 1);
			}
		assert_int_equal(read(pipe_ends[0], out, 1), 1);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		while (get(out, &size)) {
			char text[64];
			int length = snprintf(text, sizeof(text), "%u\n", seen++);

			assert_int_equal(size, length);
			assert_memory_equal(out, text, size);
		}
		assert_true(seen > 500);
		close(pipe_ends[0]);
		close(pipe_ends[1]);
	}
}

static void a_reader_to_come_goes_on_where_the_last_one_had_released(void **state)
{
	char out[LINE_QUEUE_LINE_MAX];
	struct line_note note = {.log = 3, .size = 8, .before = 100}, notes[LINE_QUEUE_NOTES];
	uint64_t end;
	size_t size;

	(void)state;
	assert_true(put("one\n", 4) && put("two\n\n", 5) && put("three\n", 6));
	assert_true(get(out, &size));
	line_queue_note(&reader, &note, 1);
	line_queue_release(&reader);
	assert_int_equal(line_queue_notes(&reader, notes, &end), 0); /* done */
	assert_true(get(out, &size));
	line_queue_note(&reader, &note, 1);
	end = reader.at;
	line_queue_close(&reader); /* dead before it was released */
	assert_int_equal(line_queue_open(&reader, memory), 0);
	uint64_t noted;

	assert_int_equal(line_queue_notes(&reader, notes, &noted), 1);
	assert_int_equal(noted, end);
	assert_int_equal(notes[0].log, 3);
	assert_int_equal(notes[0].size, 8);
	assert_int_equal(notes[0].before, 100);
	assert_true(get(out, &size));
	assert_memory_equal(out, "two\n\n", 5);
	assert_int_equal(reader.at, noted);
}

static void only_such_memory_is_opened(void **state)
{
	struct line_queue queue;
	int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat status;

	(void)state;
	assert_int_equal(fstat(memory, &status), 0);
	assert_int_equal(line_queue_open(&queue, other), -EBADMSG);
	assert_int_equal(ftruncate(other, status.st_size), 0);
	assert_int_equal(line_queue_open(&queue, other), -EBADMSG); /* can shrink */
	assert_int_equal(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(line_queue_open(&queue, other), -EBADMSG); /* another layout */
	assert_int_equal(ftruncate(memory, 4096), -1);
	assert_int_equal(line_queue_open(&queue, STDERR_FILENO), -EBADMSG);
	close(other);
}

/* Whatever is scribbled over the memory, the reader stays inside of it and comes to an end. */
static void nonsense_ends_the_reading_and_nothing_else(void **state)
{
	uint32_t random = 7;
	struct stat status;
	unsigned refused = 0;
	uint64_t *words;

	(void)state;
	assert_int_equal(fstat(memory, &status), 0);
	words = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	assert_true(words != MAP_FAILED);
	for (int round = 0; round < 20000; round++) {
		struct line line;
		unsigned lines = 0;
		int rc;

		put("a line\n", 7);
		for (int i = 0; i < 4; i++) {
			random = random * 1664525u + 1013904223u;
			size_t at = 1 + (random >> 8) % (i == 0 ? 64 : 1100);

			random = random * 1664525u + 1013904223u;
			words[at] = round % 3 == 0 ? random : random % 2 ? UINT64_MAX : (uint64_t)random << 30;
		}
		while ((rc = line_queue_peek(&reader, &line)) > 0) {
			assert_in_range(line.size, 0, LINE_QUEUE_LINE_MAX);
			assert_true(line.text >= (char *)reader.page &&
				    line.text + line.size <= (char *)reader.page + status.st_size);
			line_queue_skip(&reader, &line);
			assert_in_range(++lines, 1, LINE_QUEUE_ROOM / 8);
		}
		refused += rc < 0;
		if (rc < 0 || round % 100 == 0) {
			drop(NULL);
			munmap(words, (size_t)status.st_size);
			assert_int_equal(make(NULL), 0);
			words = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
		}
	}
	assert_true(refused > 100);
	munmap(words, (size_t)status.st_size);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(lines_come_out_as_they_went_in),
		WITH_QUEUE(none_is_lost_or_doubled_over_many_rounds),
		WITH_QUEUE(a_full_queue_loses_whole_lines_and_counts_them),
		WITH_QUEUE(a_full_ring_fits_in_wherever_it_begins),
		WITH_QUEUE(a_queue_that_is_emptied_takes_little_memory),
		WITH_QUEUE(the_bell_is_for_much_at_a_time),
		WITH_QUEUE(what_was_said_outlives_who_said_it),
		WITH_QUEUE(a_reader_to_come_goes_on_where_the_last_one_had_released),
		WITH_QUEUE(only_such_memory_is_opened),
		WITH_QUEUE(nonsense_ends_the_reading_and_nothing_else),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
