/* SPDX-License-Identifier: MIT
 *
 * Files that are there in several codings: which one is sent, what its head says, what conditions
 * and ranges are about, and what changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "base/fd.h"
#include "http/files/file_cache.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "http/files/variants.h"
#include "site.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_vary(struct fixture *fixture, bool varies)
{
	assert_field(fixture, "Vary", varies ? "Accept-Encoding" : "");
}

static unsigned ask_coded(struct fixture *fixture, const char *target, const char *accepted)
{
	return ask_field(fixture, target, FIELD_ACCEPT_ENCODING, accepted);
}

static void write_all(struct fixture *fixture)
{
	root_write(&fixture->root, "a.css", "as it is", LONG_AGO);
	root_write(&fixture->root, "a.css.br", "BR", LONG_AGO + 1);
	root_write(&fixture->root, "a.css.zst", "ZST", LONG_AGO + 2);
	root_write(&fixture->root, "a.css.gz", "GZIP", LONG_AGO);
}

static void the_accepted_one_is_sent_with_the_type_of_the_source(void **state)
{
	static const struct {
		const char *accepted, *coding, *body, *modified;
	} table[] = {
		{"br", "br", "BR", "Sun, 09 Sep 2001 01:46:41 GMT"},
		{"zstd", "zstd", "ZST", "Sun, 09 Sep 2001 01:46:42 GMT"},
		{"gzip", "gzip", "GZIP", LONG_AGO_DATE},
		{"gzip;q=0.1", "gzip", "GZIP", LONG_AGO_DATE},
		{"gzip, deflate, br, zstd", "br", "BR", "Sun, 09 Sep 2001 01:46:41 GMT"},
		{"deflate", "", "as it is", LONG_AGO_DATE},
		{"identity;q=0", "", "as it is", LONG_AGO_DATE},
		{"gzip;q=x", "", "as it is", LONG_AGO_DATE},
		{"", "", "as it is", LONG_AGO_DATE},
	};
	struct fixture *fixture = *state;
	char length[24], tags[10][64];

	write_all(fixture);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(ask_coded(fixture, "/a.css", table[i].accepted), 200);
		assert_body(fixture, table[i].body);
		assert_field(fixture, "Content-Encoding", table[i].coding);
		assert_field(fixture, "Content-Type", "text/css; charset=utf-8");
		snprintf(length, sizeof(length), "%zu", strlen(table[i].body));
		assert_field(fixture, "Content-Length", length);
		assert_field(fixture, "Last-Modified", table[i].modified);
		assert_vary(fixture, true);
		assert_true(fixture->response.contiguous);
		strcpy(tags[i], field_of(&fixture->response, "ETag"));
		for (size_t k = 0; k < i; k++)
			assert_int_equal(strcmp(tags[i], tags[k]) == 0, strcmp(table[i].coding, table[k].coding) == 0);
	}
	assert_int_equal(ask(fixture, "/a.css"), 200);
	assert_body(fixture, "as it is");
	assert_vary(fixture, true);
}

/* Equal sizes and times, as gzip -k leaves them. */
static void tags_of_codings_differ_even_when_size_and_time_do_not(void **state)
{
	struct fixture *fixture = *state;
	char tag[64];

	root_write(&fixture->root, "a", "1234", LONG_AGO);
	root_write(&fixture->root, "a.gz", "5678", LONG_AGO);
	root_write(&fixture->root, "a.br", "9012", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_coded(fixture, "/a", "gzip"), 200);
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
}

static void without_siblings_nothing_varies(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	assert_vary(fixture, false);
	assert_false(fixture->response.file->varies);
	/* One of its own is looked for beside a file that is a coding itself by no means. */
	root_write(&fixture->root, "b.gz", "zipped", LONG_AGO);
	root_write(&fixture->root, "b.gz.br", "twice", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/b.gz", "br"), 200);
	assert_body(fixture, "zipped");
	assert_vary(fixture, false);
}

static void what_does_not_stand_for_the_source_is_ignored(void **state)
{
	struct fixture *fixture = *state;
	char fifo[128];

	root_write(&fixture->root, "older", "new", LONG_AGO + 1);
	root_write(&fixture->root, "older.br", "OLD", LONG_AGO);
	root_write(&fixture->root, "ns", "new", LONG_AGO);
	root_write(&fixture->root, "ns.br", "OLD", LONG_AGO);
	root_set_time(&fixture->root, "ns.br", LONG_AGO, 499999999);
	root_write(&fixture->root, "folder", "plain", LONG_AGO);
	root_directory(&fixture->root, "folder.br");
	root_write(&fixture->root, "fifo", "plain", LONG_AGO);
	snprintf(fifo, sizeof(fifo), "%s/fifo.br", fixture->root.path);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	root_write(&fixture->root, "link", "plain", LONG_AGO);
	root_link(&fixture->root, "link.br", "/etc/passwd");
	root_write(&fixture->root, "loop", "plain", LONG_AGO);
	root_link(&fixture->root, "loop.br", "loop.br");

	static const char *const targets[] = {"/older", "/ns", "/folder", "/fifo", "/link", "/loop"};

	for (int round = 0; round < 2; round++, pass_ms(fixture, 1000)) {
		for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
			const struct file *file;

			assert_int_equal(ask_coded(fixture, targets[i], "br"), 200);
			assert_field(fixture, "Content-Encoding", "");
			assert_vary(fixture, false);
			/* It is kept all the same. */
			file = fixture->response.file;
			pass_ms(fixture, 1000);
			assert_int_equal(ask_coded(fixture, targets[i], "br"), 200);
			assert_ptr_equal(fixture->response.file, file);
		}
	}
	root_write(&fixture->root, "real", "REAL", LONG_AGO);
	root_write(&fixture->root, "inside", "plain", LONG_AGO);
	root_link(&fixture->root, "inside.br", "real");
	assert_int_equal(ask_coded(fixture, "/inside", "br"), 200);
	assert_body(fixture, "REAL");
}

static void conditions_are_about_what_would_be_sent(void **state)
{
	struct fixture *fixture = *state;
	char tags[CODING_COUNT][64];
	static const char *const accepted[CODING_COUNT] = {"br", "zstd", "gzip", "identity"};

	write_all(fixture);
	for (int i = 0; i < CODING_COUNT; i++) {
		assert_int_equal(ask_coded(fixture, "/a.css", accepted[i]), 200);
		strcpy(tags[i], field_of(&fixture->response, "ETag"));
	}
	for (int i = 0; i < CODING_COUNT; i++) {
		for (int k = 0; k < CODING_COUNT; k++) {
			struct request request = asking(METHOD_GET, "/a.css");

			asking_field(&request, FIELD_ACCEPT_ENCODING, accepted[i]);
			asking_field(&request, FIELD_IF_NONE_MATCH, tags[k]);
			assert_int_equal(ask_with(fixture, &request), i == k ? 304 : 200);
			assert_field(fixture, "ETag", tags[i]);
			assert_vary(fixture, true);

			request = asking(METHOD_GET, "/a.css");
			asking_field(&request, FIELD_ACCEPT_ENCODING, accepted[i]);
			asking_field(&request, FIELD_IF_MATCH, tags[k]);
			assert_int_equal(ask_with(fixture, &request), i == k ? 200 : 412);

			request = asking(METHOD_GET, "/a.css");
			asking_field(&request, FIELD_ACCEPT_ENCODING, accepted[i]);
			asking_field(&request, FIELD_RANGE, "bytes=1-1");
			asking_field(&request, FIELD_IF_RANGE, tags[k]);
			assert_int_equal(ask_with(fixture, &request), i == k ? 206 : 200);
		}
	}
}

static void ranges_are_of_what_would_be_sent(void **state)
{
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_GET, "/a.css");
	char tag[64];

	write_all(fixture);
	asking_field(&request, FIELD_ACCEPT_ENCODING, "zstd");
	asking_field(&request, FIELD_RANGE, "bytes=1-5");
	assert_int_equal(ask_with(fixture, &request), 206);
	assert_body(fixture, "ST");
	assert_field(fixture, "Content-Range", "bytes 1-2/3");
	assert_field(fixture, "Content-Encoding", "zstd");
	assert_field(fixture, "Content-Type", "text/css; charset=utf-8");
	assert_vary(fixture, true);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	/* Who has part of it knows its coding. */
	asking_field(&request, FIELD_IF_RANGE, tag);
	assert_int_equal(ask_with(fixture, &request), 206);
	assert_field(fixture, "Content-Encoding", "");
	assert_vary(fixture, true);

	request = asking(METHOD_GET, "/a.css");
	asking_field(&request, FIELD_ACCEPT_ENCODING, "zstd");
	asking_field(&request, FIELD_RANGE, "bytes=5-");
	assert_int_equal(ask_with(fixture, &request), 416);
	assert_field(fixture, "Content-Range", "bytes */3");
}

static void a_change_of_siblings_is_seen_within_a_second(void **state)
{
	struct fixture *fixture = *state;
	struct response old;

	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_vary(fixture, false);

	/* It appears. */
	root_write(&fixture->root, "a.gz", "GZ", LONG_AGO);
	pass_ms(fixture, 999);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "one");
	pass_ms(fixture, 1);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "GZ");
	old = fixture->response;
	fixture->response.file = NULL;

	/* Another one does, the first one changes. */
	root_replace(&fixture->root, "a.gz", "NEW", LONG_AGO);
	root_write(&fixture->root, "a.br", "BR", LONG_AGO);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_coded(fixture, "/a", "gzip"), 200);
	assert_body(fixture, "NEW");
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "BR");

	/* The source is newer by now. */
	root_write(&fixture->root, "a", "two", LONG_AGO + 1);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "two");
	assert_vary(fixture, false);
	root_set_time(&fixture->root, "a.br", LONG_AGO + 1, 500000000);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "BR");

	/* They vanish; what is being sent stays whole. */
	root_delete(&fixture->root, "a.br");
	root_delete(&fixture->root, "a.gz");
	pass_ms(fixture, 1000);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 200);
	assert_body(fixture, "two");
	assert_vary(fixture, false);
	assert_string_equal(body_of(&old), "GZ");
	file_release(old.file);
	root_delete(&fixture->root, "a");
	pass_ms(fixture, 1000);
	assert_int_equal(ask_coded(fixture, "/a", "br, gzip"), 404);
}

static void a_sibling_alone_is_no_file(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a.gz", "GZ", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/a", "gzip"), 404);
	assert_int_equal(ask_coded(fixture, "/a.gz", "gzip"), 200);
	assert_field(fixture, "Content-Encoding", "");
}

static void large_siblings_go_by_their_descriptor(void **state)
{
	struct fixture *fixture = *state;
	char tag[64];

	root_write_large(&fixture->root, "a", BODY_MAX + 1000, LONG_AGO);
	root_write_large(&fixture->root, "a.br", BODY_MAX + 1, LONG_AGO);
	root_write(&fixture->root, "a.gz", "small", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/a", "gzip"), 200);
	assert_body(fixture, "small");
	assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	assert_int_equal(fixture->response.file_length, BODY_MAX + 1);
	assert_true(fixture->response.file_fd != -1);
	strcpy(tag, field_of(&fixture->response, "ETag"));

	/* Its head is never untrue: it is left out as soon as it changes. */
	root_write_large(&fixture->root, "a.br", BODY_MAX + 2, LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	assert_field(fixture, "Content-Encoding", "");
	assert_int_equal(fixture->response.file_length, BODY_MAX + 1000);
	assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	assert_field(fixture, "Content-Encoding", "br");
	assert_int_equal(fixture->response.file_length, BODY_MAX + 2);
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
}

static void descriptors_of_siblings_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	size_t before = fd_count_open();
	char name[32], target[40];

	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(target, sizeof(target), "/%s", name);
		root_write(&fixture->root, name, "small", LONG_AGO);
		strcat(name, ".br");
		root_write_large(&fixture->root, name, BODY_MAX + 1, LONG_AGO);
		assert_int_equal(ask_coded(fixture, target, "br"), 200);
		assert_true(fixture->response.file_fd != -1);
		assert_int_equal(ask_coded(fixture, target, "gzip"), 200);
		assert_body(fixture, "small");
	}
	assert_true(fd_count_open() <= before + FDS_MAX);
}

static void an_unsettled_sibling_is_not_kept(void **state)
{
	struct fixture *fixture = *state;
	struct timespec now;

	root_write(&fixture->root, "a", "plain", LONG_AGO);
	do {
		clock_gettime(CLOCK_REALTIME, &now);
		root_write(&fixture->root, "a.br", "one", now.tv_sec);
		root_set_time(&fixture->root, "a.br", now.tv_sec, 0);
		assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
		assert_body(fixture, "one");
		root_write(&fixture->root, "a.br", "two", now.tv_sec);
		assert_int_equal(ask_coded(fixture, "/a", "br"), 200);
	} while (time(NULL) != now.tv_sec);
	assert_body(fixture, "two");
}

static void the_index_has_siblings_too(void **state)
{
	struct fixture *fixture = *state;

	root_directory(&fixture->root, "d");
	root_write(&fixture->root, "d/index.html", "index", LONG_AGO);
	root_write(&fixture->root, "d/index.html.gz", "INDEX", LONG_AGO);
	assert_int_equal(ask_coded(fixture, "/d/", "gzip"), 200);
	assert_body(fixture, "INDEX");
	assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_accepted_one_is_sent_with_the_type_of_the_source),
		TEST(tags_of_codings_differ_even_when_size_and_time_do_not),
		TEST(without_siblings_nothing_varies),
		TEST(what_does_not_stand_for_the_source_is_ignored),
		TEST(conditions_are_about_what_would_be_sent),
		TEST(ranges_are_of_what_would_be_sent),
		TEST(a_change_of_siblings_is_seen_within_a_second),
		TEST(a_sibling_alone_is_no_file),
		TEST(large_siblings_go_by_their_descriptor),
		TEST(descriptors_of_siblings_are_bounded),
		TEST(an_unsettled_sibling_is_not_kept),
		TEST(the_index_has_siblings_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
