/* SPDX-License-Identifier: MIT
 *
 * Static files that change while they are served, the date that passes, and descriptors that run
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "http/message/date.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "site.h"

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Each change is made to a file that is in the cache and in the middle of being sent. */
static void assert_seen_within_a_second(struct fixture *fixture, const char *before, unsigned status, const char *after)
{
	struct response old;

	assert_body(fixture, before);
	old = fixture->response;
	fixture->response.file = NULL;
	pass_ms(fixture, 999);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_body(fixture, before);
	pass_ms(fixture, 1);
	assert_int_equal(ask(fixture, "/a"), status);
	if (after)
		assert_body(fixture, after);
	assert_string_equal(body_of(&old), before);
	file_release(old.file);
}

static void a_replaced_file_is_seen_within_a_second(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	root_replace(&fixture->root, "a", "two", LONG_AGO);
	assert_seen_within_a_second(fixture, "one", 200, "two");
}

static void a_grown_file_is_seen_within_a_second(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	root_write(&fixture->root, "a", "one and more", LONG_AGO);
	assert_seen_within_a_second(fixture, "one", 200, "one and more");
	assert_field(fixture, "Content-Length", "12");
}

static void a_truncated_file_is_seen_within_a_second(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	root_write(&fixture->root, "a", "", LONG_AGO);
	assert_seen_within_a_second(fixture, "one", 200, "");
}

static void a_deleted_file_is_seen_within_a_second(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	root_delete(&fixture->root, "a");
	assert_seen_within_a_second(fixture, "one", 404, NULL);
}

static void an_unchanged_file_stays_through_revalidation(void **state)
{
	struct fixture *fixture = *state;
	const char *first;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	first = fixture->response.head.ptr;
	for (int i = 0; i < 5; i++) {
		pass_ms(fixture, 1000);
		assert_int_equal(ask(fixture, "/a"), 200);
		assert_ptr_equal(fixture->response.head.ptr, first);
	}
}

static void a_changed_open_file_is_seen_at_once(void **state)
{
	struct fixture *fixture = *state;
	char tag[64];

	root_write_large(&fixture->root, "a", 2000, LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	root_write_large(&fixture->root, "a", 3000, LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_field(fixture, "Content-Length", "3000");
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
	root_delete(&fixture->root, "a");
	assert_int_equal(ask(fixture, "/a"), 404);
}

static void a_file_of_this_moment_is_not_kept(void **state)
{
	struct fixture *fixture = *state;
	struct timespec now;

	/* In this second, by a file system without fractions: retried if the second ends. */
	do {
		clock_gettime(CLOCK_REALTIME, &now);
		root_write(&fixture->root, "a", "one", now.tv_sec);
		root_set_time(&fixture->root, "a", now.tv_sec, 0);
		assert_int_equal(ask(fixture, "/a"), 200);
		assert_body(fixture, "one");
		root_write(&fixture->root, "a", "two", now.tv_sec);
		assert_int_equal(ask(fixture, "/a"), 200);
	} while (time(NULL) != now.tv_sec);
	assert_body(fixture, "two");
}

/* Until the second of the clock has changed; it will. */
static void next_second(struct fixture *fixture)
{
	int64_t before, second;

	response_date(fixture->builder, &before);
	do {
		poll(NULL, 0, 1);
		response_builder_tick(fixture->builder);
		response_date(fixture->builder, &second);
	} while (second == before);
}

static void the_date_is_that_of_the_answer(void **state)
{
	struct fixture *fixture = *state;
	struct response held;
	char old_date[64], date[DATE_LENGTH + 1] = "";
	int64_t second;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	next_second(fixture);
	assert_int_equal(ask(fixture, "/a"), 200);
	date_format(date, (response_date(fixture->builder, &second), second));
	assert_field(fixture, "Date", date);
	assert_true(fixture->response.contiguous);

	/* While a client has part of the head, it stays as it is for that client. */
	held = fixture->response;
	fixture->response.file = NULL;
	strcpy(old_date, date);
	next_second(fixture);
	assert_int_equal(ask(fixture, "/a"), 200);
	date_format(date, (response_date(fixture->builder, &second), second));
	assert_field(fixture, "Date", date);
	assert_false(fixture->response.contiguous);
	assert_body(fixture, "one");
	assert_field(fixture, "Content-Length", "3");
	assert_field(fixture, "Last-Modified", LONG_AGO_DATE);
	assert_string_equal(field_of(&held, "Date"), old_date);
	file_release(held.file);

	assert_int_equal(ask(fixture, "/a"), 200);
	assert_true(fixture->response.contiguous);
	assert_field(fixture, "Date", date);
}

static void descriptors_stay_flat(void **state)
{
	struct fixture *fixture = *state;
	size_t before = fd_count_open();
	char name[32], target[40];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 30; i++) {
			snprintf(name, sizeof(name), "f%d", i);
			snprintf(target, sizeof(target), "/%s", name);
			root_write_large(&fixture->root, name, BODY_MAX + 1, LONG_AGO);
			assert_int_equal(ask(fixture, target), 200);
			assert_int_equal(ask(fixture, "/none"), 404);
			assert_int_equal(ask(fixture, "/"), 403);
		}
	}
	assert_true(fd_count_open() <= before + FDS_MAX);
}

static void without_descriptors_it_is_503_and_then_recovers(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit, none;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	root_write(&fixture->root, "b", "two", LONG_AGO);
	root_write_large(&fixture->root, "large", BODY_MAX + 1, LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ask(fixture, "/b"), 503);
	assert_field(fixture, "Retry-After", "1");
	/* What is in memory can be served, also when it is due for a look at the disk. */
	pass_ms(fixture, 5000);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ask(fixture, "/b"), 200);
	assert_int_equal(ask(fixture, "/large"), 200);
}

static void descriptors_of_the_cache_are_given_up_for_new_files(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit, full;
	int lowest;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	root_write_large(&fixture->root, "large", BODY_MAX + 1, LONG_AGO);
	assert_int_equal(ask(fixture, "/large"), 200);
	assert_int_equal(ask(fixture, "/none"), 404); /* releases it */
	lowest = dup(fixture->root.fd);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	full = (struct rlimit){(rlim_t)lowest, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_replaced_file_is_seen_within_a_second),
		TEST(a_grown_file_is_seen_within_a_second),
		TEST(a_truncated_file_is_seen_within_a_second),
		TEST(a_deleted_file_is_seen_within_a_second),
		TEST(an_unchanged_file_stays_through_revalidation),
		TEST(a_changed_open_file_is_seen_at_once),
		TEST(a_file_of_this_moment_is_not_kept),
		TEST(the_date_is_that_of_the_answer),
		TEST(descriptors_stay_flat),
		TEST(without_descriptors_it_is_503_and_then_recovers),
		TEST(descriptors_of_the_cache_are_given_up_for_new_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
