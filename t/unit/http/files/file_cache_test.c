/* SPDX-License-Identifier: MIT
 *
 * The cache of files: finding, bounds, who goes first, references beyond eviction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "http/files/file_cache.h"
#include "http/files/file_entry.h"
#include "http/files/file_load.h"
#include "http/files/response.h"
#include "root.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LONG_AGO = 1000000000, BODY_MAX = 1000, MANY = 300 };

struct fixture {
	struct root root;
	struct file_source source;
	struct response_builder *builder;
};

/* Whose file it is. */
static const struct http_location *location;

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	root_make(&fixture->root);
	location = &fixture->root.location;
	fixture->builder = response_builder_new(NULL);
	fixture->source = (struct file_source){NULL, fixture->builder, BODY_MAX};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	response_builder_free(fixture->builder);
	root_remove(&fixture->root);
	free(fixture);
	return 0;
}

/* Makes a file of `size` octets and loads it; the entry is the caller's. */
static struct file_entry *make(struct fixture *fixture, const char *name, size_t size)
{
	struct file_entry *entry = NULL;

	root_write_large(&fixture->root, name, size, LONG_AGO);
	assert_int_equal(file_entry_load(&fixture->source, location, name, strlen(name), &entry), 0);
	return entry;
}

/* The same into the cache, as far as that takes it. */
static void put(struct fixture *fixture, struct file_cache *cache, const char *name, size_t size)
{
	struct file_entry *entry = make(fixture, name, size);

	file_cache_insert(cache, entry);
	file_entry_leave(entry);
}

static bool has(struct file_cache *cache, const char *name)
{
	return file_cache_find(cache, location, slice_of(name)) != NULL;
}

static struct file_cache *cache_of(size_t entries, size_t bytes, size_t fds)
{
	const struct file_cache_limits limits = {entries, bytes, fds};
	struct file_cache *cache = file_cache_new(&limits);

	assert_non_null(cache);
	return cache;
}

static void what_is_put_in_is_found_under_its_whole_key(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(100, 1 << 20, 10);

	put(fixture, cache, "a", 1);
	put(fixture, cache, "ab", 1);
	put(fixture, cache, "a-name-of-17-octs", 1);
	assert_true(has(cache, "a"));
	assert_true(has(cache, "ab"));
	assert_true(has(cache, "a-name-of-17-octs"));
	assert_false(has(cache, ""));
	assert_false(has(cache, "b"));
	assert_false(has(cache, "abc"));
	assert_false(has(cache, "a-name-of-17-oct"));
	assert_false(has(cache, "a-name-of-17-octt"));
	file_cache_free(cache);
}

static void many_are_found_again(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(MANY, 1 << 20, 10);
	char name[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		put(fixture, cache, name, 1);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		assert_true(has(cache, name));
	}
	assert_int_equal(cache->used.entries, MANY);
	file_cache_free(cache);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(3, 1 << 20, 10);

	put(fixture, cache, "a", 1);
	put(fixture, cache, "b", 1);
	put(fixture, cache, "c", 1);
	assert_true(has(cache, "a"));
	put(fixture, cache, "d", 1);
	assert_false(has(cache, "b"));
	assert_true(has(cache, "a"));
	assert_true(has(cache, "c"));
	assert_true(has(cache, "d"));
	assert_int_equal(cache->used.entries, 3);
	file_cache_free(cache);
}

static void bytes_stay_below_their_limit(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(1000, 10000, 10);
	char name[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(fixture, cache, name, BODY_MAX);
		assert_true(cache->used.bytes <= 10000);
		assert_true(has(cache, name));
	}
	assert_true(cache->used.bytes > 5000);
	file_cache_free(cache);
}

static void open_files_stay_below_their_limit(void **state)
{
	struct fixture *fixture = *state;
	size_t before = fd_count_open();
	struct file_cache *cache = cache_of(1000, 10000, 4);
	char name[32];

	put(fixture, cache, "small", 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(fixture, cache, name, BODY_MAX + 1);
		assert_true(has(cache, name));
	}
	assert_int_equal(cache->used.fds, 4);
	assert_int_equal(fd_count_open(), before + 4);
	assert_true(has(cache, "small"));
	file_cache_free(cache);
	assert_int_equal(fd_count_open(), before);
}

static void what_is_larger_than_the_cache_stays_out(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(10, 500, 0);

	put(fixture, cache, "a", BODY_MAX);
	put(fixture, cache, "b", BODY_MAX + 1);
	assert_false(has(cache, "a"));
	assert_false(has(cache, "b"));
	assert_int_equal(cache->used.entries, 0);
	file_cache_free(cache);
}

static void an_evicted_file_lives_until_it_is_released(void **state)
{
	struct fixture *fixture = *state;
	size_t before = fd_count_open();
	struct file_cache *cache = cache_of(1, 1 << 20, 1);
	struct file_entry *entry = make(fixture, "open", BODY_MAX + 1);
	struct file *open, *small;
	char octet;

	file_cache_insert(cache, entry);
	open = file_entry_take(entry, entry->file);
	assert_true(open->kept);
	entry = make(fixture, "small", 10);
	file_cache_insert(cache, entry);
	small = file_entry_take(entry, entry->file);
	assert_false(open->kept);
	assert_false(has(cache, "open"));
	assert_int_equal(pread(open->fd, &octet, 1, BODY_MAX), 1);
	file_cache_free(cache);
	assert_int_equal(small->body.ptr[9], 9);
	assert_int_equal(fd_count_open(), before + 1);
	file_release(open);
	file_release(small);
	assert_int_equal(fd_count_open(), before);
}

static void each_location_has_its_own_files(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(10, 1 << 20, 1);
	struct http_location other = fixture->root.location;
	struct file_entry *entry;

	put(fixture, cache, "a", 1);
	location = &other;
	assert_null(file_cache_find(cache, &other, SLICE("a")));
	put(fixture, cache, "a", 2);
	location = &fixture->root.location;
	entry = file_cache_find(cache, location, SLICE("a"));
	assert_ptr_equal(entry->location, location);
	assert_int_equal(entry->file->stamp.size, 1);
	entry = file_cache_find(cache, &other, SLICE("a"));
	assert_ptr_equal(entry->location, &other);
	assert_int_equal(entry->file->stamp.size, 2);
	file_cache_free(cache);
}

static void a_removed_entry_is_gone_and_its_key_free(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(10, 1 << 20, 1);

	put(fixture, cache, "a", 1);
	file_cache_remove(cache, file_cache_find(cache, location, SLICE("a")));
	assert_false(has(cache, "a"));
	assert_int_equal(cache->used.entries, 0);
	assert_int_equal(cache->used.bytes, 0);
	put(fixture, cache, "a", 2);
	assert_int_equal(file_cache_find(cache, location, SLICE("a"))->file->stamp.size, 2);
	file_cache_free(cache);
}

static void shedding_closes_open_files_oldest_first(void **state)
{
	struct fixture *fixture = *state;
	struct file_cache *cache = cache_of(10, 1 << 20, 5);

	put(fixture, cache, "small", 1);
	put(fixture, cache, "a", BODY_MAX + 1);
	put(fixture, cache, "b", BODY_MAX + 1);
	assert_true(file_cache_shed(cache));
	assert_false(has(cache, "a"));
	assert_true(has(cache, "b"));
	assert_true(file_cache_shed(cache));
	assert_false(file_cache_shed(cache));
	assert_true(has(cache, "small"));
	file_cache_free(cache);
}

/* A file by itself, as a variant is. */
static struct file *make_variant(struct fixture *fixture, const char *name, size_t size)
{
	struct file_entry *entry = make(fixture, name, size);

	return file_entry_take(entry, entry->file);
}

/* A file with a variant, which is not in a cache yet; the entry is the caller's. */
static struct file_entry *make_with(struct fixture *fixture, const char *name, size_t size, struct file *variant)
{
	struct file_entry *entry = make(fixture, name, size);

	entry->variants = calloc(1, sizeof(*entry->variants));
	assert_non_null(entry->variants);
	if (variant) {
		variant->kept = true;
		entry->variants->files[CODING_GZIP] = variant;
	}
	return entry;
}

static void variants_count_with_their_source(void **state)
{
	struct fixture *fixture = *state;
	struct file *open = make_variant(fixture, "open-variant", BODY_MAX + 1);
	struct file *small = make_variant(fixture, "small-variant", 500);
	struct file_entry *entry;
	size_t bytes = small->allocated;
	struct file_cache *cache = cache_of(10, 1 << 20, 2);

	/* A small file with an open variant is one of those that can be shed. */
	entry = make_with(fixture, "a", 10, open);
	assert_int_equal(file_entry_fds(entry), 1);
	file_cache_insert(cache, entry);
	assert_int_equal(cache->used.fds, 1);
	/* And an open one has octets in memory by its variant. */
	entry = make_with(fixture, "b", BODY_MAX + 1, small);
	assert_true(file_entry_bytes(entry) >= bytes);
	file_cache_insert(cache, entry);
	assert_int_equal(cache->used.fds, 2);
	assert_true(file_cache_shed(cache));
	assert_false(has(cache, "a"));
	assert_true(cache->used.bytes >= bytes);
	assert_true(file_cache_shed(cache));
	assert_int_equal(cache->used.bytes, 0);
	assert_int_equal(cache->used.fds, 0);
	file_cache_free(cache);
}

static void octets_go_whatever_holds_them(void **state)
{
	struct fixture *fixture = *state;
	struct file *variant = make_variant(fixture, "variant", 900);
	struct file_cache *cache = cache_of(10, 3000, 10);

	file_cache_insert(cache, make_with(fixture, "open", BODY_MAX + 1, variant));
	put(fixture, cache, "a", 900);
	assert_true(cache->used.bytes <= 3000);
	put(fixture, cache, "b", 900);
	put(fixture, cache, "c", 900);
	assert_true(cache->used.bytes <= 3000);
	assert_true(has(cache, "c"));
	file_cache_free(cache);
}

static void what_grows_makes_others_go_but_not_itself(void **state)
{
	struct fixture *fixture = *state;
	struct file *variant = make_variant(fixture, "variant", 900);
	struct file_entry *entry = make_with(fixture, "a", 1, NULL);
	size_t one = variant->allocated, own = file_entry_bytes(entry);
	struct file_cache *cache = cache_of(10, own + 2 * one, 10);

	assert_false(file_cache_grow(cache, entry, one)); /* it is not in it */
	file_cache_insert(cache, entry);
	put(fixture, cache, "b", 600);
	put(fixture, cache, "c", 600);
	assert_false(file_cache_grow(cache, entry, 2 * one + 1));
	assert_true(has(cache, "b") && has(cache, "c"));
	/* It is the least recently used one here. */
	assert_true(file_cache_grow(cache, entry, one));
	variant->kept = true;
	entry->variants->files[CODING_GZIP] = variant;
	assert_false(has(cache, "b"));
	assert_true(has(cache, "a") && has(cache, "c"));
	assert_true(cache->used.bytes <= own + 2 * one);
	file_cache_remove(cache, file_cache_find(cache, location, SLICE("c")));
	assert_int_equal(cache->used.bytes, own + one);
	file_cache_remove(cache, entry);
	assert_int_equal(cache->used.bytes, 0);
	file_cache_free(cache);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_in_is_found_under_its_whole_key),
		TEST(many_are_found_again),
		TEST(the_least_recently_used_goes_first),
		TEST(bytes_stay_below_their_limit),
		TEST(open_files_stay_below_their_limit),
		TEST(what_is_larger_than_the_cache_stays_out),
		TEST(an_evicted_file_lives_until_it_is_released),
		TEST(each_location_has_its_own_files),
		TEST(a_removed_entry_is_gone_and_its_key_free),
		TEST(shedding_closes_open_files_oldest_first),
		TEST(variants_count_with_their_source),
		TEST(octets_go_whatever_holds_them),
		TEST(what_grows_makes_others_go_but_not_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
