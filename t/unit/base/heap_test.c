/* SPDX-License-Identifier: MIT
 *
 * Floods of allocations, and what is left of them in memory. Time is the test's own. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECES = 40000, SIZE = 1000, MIB = 1 << 20, LOOKS = 8 };

static char *pieces[PIECES];
static void *lasting[PIECES];

static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Some time, as a process sees it that looks four times a second. */
static void let_pass(struct heap *heap, uint64_t *now_ms, unsigned seconds)
{
	for (unsigned i = 0; i < 4 * seconds; i++)
		heap_tick(heap, *now_ms += 250);
}

/* Each piece filled with its number; between them now and then what a library keeps for good. */
static void come(void)
{
	for (unsigned i = 0; i < PIECES; i++) {
		pieces[i] = malloc(SIZE);
		assert_non_null(pieces[i]);
		memset(pieces[i], (int)(i & 0xff), SIZE);
		if (!lasting[i])
			lasting[i] = heap_lasting_malloc(24);
	}
}

/* All but each `keep`th; 0: all. */
static void go(unsigned keep)
{
	for (unsigned i = 0; i < PIECES; i++) {
		if (keep != 0 && i % keep == 0)
			continue;
		free(pieces[i]);
		pieces[i] = NULL;
	}
}

static void what_a_flood_needed_goes_back(void **state)
{
	struct heap heap = {0};
	uint64_t now_ms = 1000;
	size_t before;
	void *volatile last; /* volatile: not to be optimised away */

	(void)state;
	let_pass(&heap, &now_ms, LOOKS);
	before = resident();
	for (int round = 0; round < 3; round++) {
		come();
		last = malloc(MIB / 16); /* at the upper end, so that free alone gives nothing back */
		if (round != 1)          /* one flood is over before anybody looks */
			let_pass(&heap, &now_ms, 5);
		assert_true(resident() > before + 32 * MIB);
		go(0);
		assert_true(resident() > before + 32 * MIB);
		let_pass(&heap, &now_ms, LOOKS);
		assert_true(resident() < before + MIB + PIECES * 32);
		free(last);
	}
}

static void what_is_in_use_stays_as_it_is(void **state)
{
	struct heap heap = {0};
	uint64_t now_ms = 1000;

	(void)state;
	let_pass(&heap, &now_ms, LOOKS);
	come();
	go(100);
	let_pass(&heap, &now_ms, LOOKS);
	for (unsigned i = 0; i < PIECES; i += 100) {
		for (unsigned at = 0; at < SIZE; at++)
			assert_int_equal((unsigned char)pieces[i][at], i & 0xff);
	}
	go(0);
}

/* Free, and needed again before long: page faults are all that giving it back would bring. */
static void what_is_free_for_a_moment_is_kept(void **state)
{
	struct heap heap = {0};
	uint64_t now_ms = 1000;
	size_t before;
	void *volatile last; /* volatile: not to be optimised away */

	(void)state;
	let_pass(&heap, &now_ms, LOOKS);
	before = resident();
	for (int round = 0; round < 10; round++) {
		come();
		last = malloc(MIB / 16);
		let_pass(&heap, &now_ms, 2);
		go(0);
		let_pass(&heap, &now_ms, 1);
		assert_true(resident() > before + 32 * MIB);
		free(last);
	}
}

static void what_lasts_is_memory_like_any_other(void **state)
{
	static const size_t sizes[] = {1, 16, 32, 33, 1000};
	char *all[5], *piece, *again;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		all[i] = heap_lasting_malloc(sizes[i]);
		assert_non_null(all[i]);
		memset(all[i], 'a' + (int)i, sizes[i]);
	}
	for (unsigned i = 0; i < 5; i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(all[i][at], 'a' + (int)i);
	all[1] = heap_lasting_realloc(all[1], 5000);
	assert_non_null(all[1]);
	assert_memory_equal(all[1], "bbbbbbbbbbbbbbbb", 16);
	all[4] = heap_lasting_realloc(all[4], 10);
	assert_memory_equal(all[4], "eeeeeeeeee", 10);
	assert_ptr_equal(heap_lasting_realloc(all[0], 32), all[0]);
	heap_lasting_free(all[2]);
	piece = heap_lasting_malloc(20);
	assert_ptr_equal(piece, all[2]); /* given out again */
	again = heap_lasting_realloc(NULL, 8);
	assert_non_null(again);
	heap_lasting_free(again);
	heap_lasting_free(NULL);
	heap_lasting_free(piece);
	for (unsigned i = 0; i < 5; i++)
		if (i != 2)
			heap_lasting_free(all[i]);
}

/* Other C libraries, and sanitizers, have heaps of their own. */
static bool is_glibcs_heap(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	void *volatile piece = malloc(SIZE); /* not to be optimised away */
	bool is = mallinfo2().uordblks >= SIZE;

	free(piece);
	return is;
#else
	return false;
#endif
}

int main(void)
{
	const struct CMUnitTest everywhere[] = {
		cmocka_unit_test(what_is_in_use_stays_as_it_is),
		cmocka_unit_test(what_lasts_is_memory_like_any_other),
	};
	const struct CMUnitTest with_glibc[] = {
		cmocka_unit_test(what_a_flood_needed_goes_back),
		cmocka_unit_test(what_is_in_use_stays_as_it_is),
		cmocka_unit_test(what_is_free_for_a_moment_is_kept),
		cmocka_unit_test(what_lasts_is_memory_like_any_other),
	};

	if (!is_glibcs_heap())
		return cmocka_run_group_tests(everywhere, NULL, NULL);
	return cmocka_run_group_tests(with_glibc, NULL, NULL);
}
