/* SPDX-License-Identifier: MIT
 *
 * Static files, from request to response. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/files/static.h"
#include "site.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_small_file_is_one_run_from_memory(void **state)
{
	struct fixture *fixture = *state;
	const struct response *response = &fixture->response;

	root_write(&fixture->root, "a.html", "<p>hello", LONG_AGO);
	assert_int_equal(ask(fixture, "/a.html"), 200);
	assert_true(response->contiguous);
	assert_int_equal(response->file_fd, -1);
	assert_ptr_equal(response->head.ptr + response->head.len + 2, response->body.ptr);
	assert_memory_equal(response->head.ptr, "HTTP/1.1 200 OK\r\nDate: ", 23);
	assert_memory_equal(response->body.ptr - 4, "\r\n\r\n", 4);
	assert_body(fixture, "<p>hello");
	assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
	assert_field(fixture, "Content-Length", "8");
	assert_field(fixture, "Last-Modified", LONG_AGO_DATE);
	assert_field(fixture, "Accept-Ranges", "bytes");
	assert_field(fixture, "Server", "brood");
	assert_int_equal(field_of(response, "ETag")[0], '"');
}

static void the_second_answer_is_the_same_memory(void **state)
{
	struct fixture *fixture = *state;
	const char *first;

	root_write(&fixture->root, "a", "x", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	first = fixture->response.head.ptr;
	assert_int_equal(ask(fixture, "/a?query"), 200);
	assert_ptr_equal(fixture->response.head.ptr, first);
	assert_int_equal(ask(fixture, "//%61"), 200);
	assert_ptr_equal(fixture->response.head.ptr, first);
}

static void a_head_request_gets_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_HEAD, "/a");

	root_write(&fixture->root, "a", "xyz", LONG_AGO);
	assert_int_equal(ask_with(fixture, &request), 200);
	assert_field(fixture, "Content-Length", "3");
	asking_field(&request, FIELD_RANGE, "bytes=0-0");
	assert_int_equal(ask_with(fixture, &request), 200);
	asking_field(&request, FIELD_IF_NONE_MATCH, "*");
	assert_int_equal(ask_with(fixture, &request), 304);
}

static void empty_files_are_served(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_field(fixture, "Content-Length", "0");
	assert_body(fixture, "");
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=0-"), 416);
	assert_field(fixture, "Content-Range", "bytes */0");
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=-1"), 200);
}

static void large_files_go_by_their_descriptor(void **state)
{
	struct fixture *fixture = *state;
	const struct response *response = &fixture->response;

	root_write_large(&fixture->root, "a", BODY_MAX + 1, LONG_AGO);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(fixture, "/a"), 200);
		assert_true(response->file_fd >= 0);
		assert_int_equal(response->file_offset, 0);
		assert_int_equal(response->file_length, BODY_MAX + 1);
		assert_int_equal(response->body.len, 0);
		assert_true(response->contiguous);
		assert_memory_equal(response->head.ptr + response->head.len, "\r\n", 2);
		assert_field(fixture, "Content-Length", "1001");
	}
}

static void a_directory_gives_its_index(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "index.html", "root", LONG_AGO);
	root_directory(&fixture->root, "d");
	root_write(&fixture->root, "d/index.html", "index", LONG_AGO);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(fixture, "/"), 200);
		assert_body(fixture, "root");
		assert_int_equal(ask(fixture, "/d/"), 200);
		assert_body(fixture, "index");
		assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
	}
	assert_int_equal(ask(fixture, "/d/."), 200);
	assert_body(fixture, "index");
	assert_int_equal(ask(fixture, "http://host"), 200);
	assert_body(fixture, "root");
}

static void the_first_index_name_that_is_a_file_counts(void **state)
{
	static const char *const names[] = {"index.html", "index.txt", NULL};
	struct fixture *fixture = *state;

	struct http_sites sites = {.list = &fixture->root.site, .count = 1};

	static_site_free(fixture->site);
	fixture->root.location.index_names = names;
	fixture->options.sites = &sites;
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "d/index.html");
	root_write(&fixture->root, "d/index.txt", "second", LONG_AGO);
	assert_int_equal(ask(fixture, "/d/"), 200);
	assert_body(fixture, "second");
	assert_int_equal(unlinkat(fixture->root.fd, "d/index.html", AT_REMOVEDIR), 0);
	root_write(&fixture->root, "d/index.html", "first", LONG_AGO);
	assert_int_equal(ask(fixture, "/d/"), 200);
	assert_body(fixture, "second");
	pass_ms(fixture, 1000);
	assert_int_equal(ask(fixture, "/d/"), 200);
	assert_body(fixture, "first");
}

static void directories_without_slash_are_redirected(void **state)
{
	struct fixture *fixture = *state;

	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "d/e f");
	assert_int_equal(ask(fixture, "/d"), 301);
	assert_field(fixture, "Location", "/d/");
	assert_int_equal(ask(fixture, "/d?a=b&c"), 301);
	assert_field(fixture, "Location", "/d/?a=b&c");
	assert_int_equal(ask(fixture, "/d/e%20f"), 301);
	assert_field(fixture, "Location", "/d/e%20f/");
	assert_int_equal(ask(fixture, "//d"), 301);
	assert_field(fixture, "Location", "/d/");
	assert_int_equal(ask(fixture, "http://evil.example//d"), 301);
	assert_field(fixture, "Location", "/d/");
}

static void the_longest_target_can_be_redirected(void **state)
{
	struct fixture *fixture = *state;
	char target[8193] = "/d?";

	root_directory(&fixture->root, "d");
	memset(target + 3, 'q', sizeof(target) - 4);
	assert_int_equal(strlen(target), 8192);
	assert_int_equal(ask(fixture, target), 301);
	assert_non_null(memmem(fixture->response.head.ptr, fixture->response.head.len, "Location: /d/?qqq", 17));
}

static void what_is_not_there_or_not_for_clients(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
	} table[] = {
		{"/none", 404},
		{"/none/", 404},
		{"/d/none", 404},
		{"/a/", 404}, /* a file, not a directory */
		{"/a/b", 404},
		{"/d/", 403}, /* a directory without index */
		{"/", 403},
		{"/.hidden", 404},
		{"/d/.hidden", 404},
		{"/.well-known/x", 200},
		{"/.well-known", 301},
		{"/a%2Fb", 404},
		{"/%00", 400},
		{"/%zz", 400},
		{"*", 400},
		{"/fifo", 403},
		{"/outside", 404},
		{"/outside-dir/passwd", 404},
		{"/loop", 404},
		{"/dangling", 404},
		{"/inside", 200},
		{"/index-is-fifo/", 403},
	};
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "x", LONG_AGO);
	root_write(&fixture->root, ".hidden", "x", LONG_AGO);
	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, ".well-known");
	root_directory(&fixture->root, "index-is-fifo");
	root_write(&fixture->root, ".well-known/x", "x", LONG_AGO);
	root_write(&fixture->root, "d/.hidden", "x", LONG_AGO);
	root_link(&fixture->root, "outside", "/etc/passwd");
	root_link(&fixture->root, "outside-dir", "../../etc");
	root_link(&fixture->root, "loop", "loop");
	root_link(&fixture->root, "dangling", "none");
	root_link(&fixture->root, "inside", "d/../a");
	assert_int_equal(mkfifoat(fixture->root.fd, "fifo", 0644), 0);
	assert_int_equal(mkfifoat(fixture->root.fd, "index-is-fifo/index.html", 0644), 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (int twice = 0; twice < 2; twice++) {
			if (ask(fixture, table[i].target) != table[i].status)
				fail_msg("%s: %u", table[i].target, fixture->response.status);
		}
	}
}

static void names_too_long_are_not_there(void **state)
{
	struct fixture *fixture = *state;
	char target[8194];

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[300] = '\0';
	assert_int_equal(ask(fixture, target), 404);
	target[300] = 'a';
	target[5000] = '\0';
	assert_int_equal(ask(fixture, target), 404);
	target[5000] = 'a';
	target[8193] = '\0';
	assert_int_equal(ask(fixture, target), 414);
	target[4094] = '/';
	target[4095] = '\0';
	assert_int_equal(ask(fixture, target), 404);
}

static void other_methods_are_refused_by_name(void **state)
{
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_KNOWN, "/none");

	assert_int_equal(ask_with(fixture, &request), 405);
	assert_field(fixture, "Allow", "GET, HEAD, OPTIONS");
	request.method = METHOD_UNKNOWN;
	assert_int_equal(ask_with(fixture, &request), 501);
}

static void options_are_told_for_everything(void **state)
{
	static const char *const targets[] = {"*", "/", "/none", "http://host"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 4; i++) {
		struct request request = asking(METHOD_OPTIONS, targets[i]);

		assert_int_equal(ask_with(fixture, &request), 200);
		assert_field(fixture, "Allow", "GET, HEAD, OPTIONS");
		assert_field(fixture, "Content-Length", "0");
		assert_field(fixture, "Content-Type", "");
	}
}

static void not_modified_has_the_tag_and_no_body(void **state)
{
	struct fixture *fixture = *state;
	char tag[64];

	root_write(&fixture->root, "a", "xyz", LONG_AGO);
	assert_int_equal(ask(fixture, "/a"), 200);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_NONE_MATCH, tag), 304);
	assert_field(fixture, "ETag", tag);
	assert_int_equal(strlen(field_of(&fixture->response, "Date")), 29);
	assert_field(fixture, "Last-Modified", "");
	assert_field(fixture, "Content-Length", "");
	assert_field(fixture, "Content-Type", "");
	assert_body(fixture, "");
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_MODIFIED_SINCE, LONG_AGO_DATE), 304);
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_NONE_MATCH, "\"x\""), 200);
}

static void failed_preconditions_are_told(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a", "xyz", LONG_AGO);
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_MATCH, "\"x\""), 412);
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_MATCH, "*"), 200);
	/* What would not be a success anyway is not conditional (RFC 9110 section 13.2.1). */
	assert_int_equal(ask_field(fixture, "/none", FIELD_IF_MATCH, "\"x\""), 404);
}

static void single_ranges_of_files_in_memory(void **state)
{
	struct fixture *fixture = *state;

	root_write(&fixture->root, "a.txt", "0123456789", LONG_AGO);
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=2-4"), 206);
	assert_body(fixture, "234");
	assert_field(fixture, "Content-Range", "bytes 2-4/10");
	assert_field(fixture, "Content-Length", "3");
	assert_field(fixture, "Content-Type", "text/plain; charset=utf-8");
	assert_field(fixture, "Last-Modified", LONG_AGO_DATE);
	assert_field(fixture, "Accept-Ranges", "bytes");
	assert_int_equal(field_of(&fixture->response, "ETag")[0], '"');
	assert_false(fixture->response.contiguous);
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=-3"), 206);
	assert_body(fixture, "789");
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=9-"), 206);
	assert_body(fixture, "9");
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=10-"), 416);
	assert_field(fixture, "Content-Range", "bytes */10");
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "lines=1-2"), 200);
	assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=3-4,0-1"), 206);
	assert_field(fixture, "Content-Range", "bytes 0-4/10");
	assert_body(fixture, "01234");
}

static void single_ranges_of_open_files(void **state)
{
	struct fixture *fixture = *state;

	root_write_large(&fixture->root, "a", BODY_MAX * 3, LONG_AGO);
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=65-67"), 206);
	assert_body(fixture, "ABC");
	assert_field(fixture, "Content-Range", "bytes 65-67/3000");
	assert_int_equal(fixture->response.file_offset, 65);
	assert_int_equal(fixture->response.file_length, 3);
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=3000-"), 416);
}

static void files_beyond_32_bits_are_served(void **state)
{
	struct fixture *fixture = *state;
	char path[96];

	root_write(&fixture->root, "a", "x", LONG_AGO);
	snprintf(path, sizeof(path), "%s/a", fixture->root.path);
	assert_int_equal(truncate(path, 5000000000), 0); /* sparse */
	root_set_time(&fixture->root, "a", LONG_AGO, 1);
	assert_int_equal(ask(fixture, "/a"), 200);
	assert_field(fixture, "Content-Length", "5000000000");
	assert_true(fixture->response.file_length == 5000000000);
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=4999999999-"), 206);
	assert_field(fixture, "Content-Range", "bytes 4999999999-4999999999/5000000000");
	assert_true(fixture->response.file_offset == 4999999999);
}

/* As it would go out, without the field lines. */
static size_t body_from_parts(const struct response *response, char *out)
{
	char *at = out;

	for (size_t i = 0; i < response->part_count; i++) {
		const struct response_part *part = &response->parts[i];

		memcpy(at, part->lead.ptr, part->lead.len);
		at += part->lead.len;
		if (part->body.len > 0)
			memcpy(at, part->body.ptr, part->body.len);
		at += part->body.len;
		assert_int_equal(pread(response->file_fd, at, (size_t)part->file_length, (off_t)part->file_offset),
				 response->file_fd == -1 ? -1 : (ssize_t)part->file_length);
		at += part->file_length;
	}
	*at = '\0';
	return (size_t)(at - out);
}

static void several_ranges_are_parts(void **state)
{
	static const size_t sizes[] = {900, BODY_MAX + 500}; /* in memory, and open */
	struct fixture *fixture = *state;
	char body[8192], wanted[8192], boundary[64] = "", tag[64], length[32];

	for (size_t i = 0; i < 2; i++) {
		root_write_large(&fixture->root, "a.txt", sizes[i], LONG_AGO);
		pass_ms(fixture, 1000);
		assert_int_equal(ask(fixture, "/a.txt"), 200);
		strcpy(tag, field_of(&fixture->response, "ETag"));
		assert_int_equal(ask_field(fixture, "/a.txt", FIELD_RANGE, "bytes=-1,500-502, 5000-,65-67"), 206);
		assert_int_equal(sscanf(field_of(&fixture->response, "Content-Type"),
					"multipart/byteranges; boundary=%63s", boundary),
				 1);
		assert_field(fixture, "Content-Range", "");
		assert_field(fixture, "ETag", tag);
		assert_field(fixture, "Last-Modified", LONG_AGO_DATE);
		snprintf(wanted, sizeof(wanted),
			 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Range: bytes 65-67/%zu\r\n\r\nABC\r\n"
			 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Range: bytes 500-502/%zu\r\n\r\n\xf4\xf5\xf6\r\n"
			 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Range: bytes %zu-%zu/%zu\r\n\r\n%c\r\n--%s--\r\n",
			 boundary, sizes[i], boundary, sizes[i], boundary, sizes[i] - 1, sizes[i] - 1, sizes[i],
			 (char)(sizes[i] - 1), boundary);
		snprintf(length, sizeof(length), "%zu", body_from_parts(&fixture->response, body));
		assert_string_equal(body, wanted);
		assert_field(fixture, "Content-Length", length);
	}
}

static void more_is_never_sent_than_the_file_has_and_the_parts_cost(void **state)
{
	struct fixture *fixture = *state;
	char ranges[512] = "bytes=", body[8192];

	root_write_large(&fixture->root, "a", BODY_MAX, LONG_AGO);
	for (int i = 0; i < 16; i++)
		snprintf(ranges + strlen(ranges), sizeof(ranges) - strlen(ranges), "%s%d-", i ? "," : "", i);
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, ranges), 206);
	assert_field(fixture, "Content-Range", "bytes 0-999/1000");
	assert_field(fixture, "Content-Length", "1000");
	/* A gap is not left out where that would cost more. */
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=0-0,100-100,400-400"), 206);
	assert_int_equal(fixture->response.part_count, 3);
	assert_true(body_from_parts(&fixture->response, body) < 500);
	strcat(ranges, ",0-");
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, ranges), 200);
}

static void if_range_decides_on_the_range(void **state)
{
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_GET, "/a");

	root_write(&fixture->root, "a", "0123456789", LONG_AGO);
	asking_field(&request, FIELD_RANGE, "bytes=0-0");
	asking_field(&request, FIELD_IF_RANGE, LONG_AGO_DATE);
	assert_int_equal(ask_with(fixture, &request), 206);
	assert_field(fixture, "Content-Type", "");
	assert_field(fixture, "Last-Modified", "");
	assert_int_equal(field_of(&fixture->response, "ETag")[0], '"');
	request.fields[1].value = SLICE("\"old\"");
	assert_int_equal(ask_with(fixture, &request), 200);
	request.fields[0].value = SLICE("bytes=10-");
	assert_int_equal(ask_with(fixture, &request), 200);
}

static void two_range_lines_are_ignored(void **state)
{
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_GET, "/a");

	root_write(&fixture->root, "a", "0123456789", LONG_AGO);
	asking_field(&request, FIELD_RANGE, "bytes=0-0");
	asking_field(&request, FIELD_RANGE, "bytes=1-1");
	assert_int_equal(ask_with(fixture, &request), 200);
}

static void a_root_that_is_none_is_told(void **state)
{
	struct http_options options = {.root_fd = -1};

	(void)state;
	assert_null(static_site_new(&options, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_small_file_is_one_run_from_memory),
		TEST(the_second_answer_is_the_same_memory),
		TEST(a_head_request_gets_the_same),
		TEST(empty_files_are_served),
		TEST(large_files_go_by_their_descriptor),
		TEST(a_directory_gives_its_index),
		TEST(the_first_index_name_that_is_a_file_counts),
		TEST(directories_without_slash_are_redirected),
		TEST(the_longest_target_can_be_redirected),
		TEST(what_is_not_there_or_not_for_clients),
		TEST(names_too_long_are_not_there),
		TEST(other_methods_are_refused_by_name),
		TEST(options_are_told_for_everything),
		TEST(not_modified_has_the_tag_and_no_body),
		TEST(failed_preconditions_are_told),
		TEST(single_ranges_of_files_in_memory),
		TEST(single_ranges_of_open_files),
		TEST(files_beyond_32_bits_are_served),
		TEST(several_ranges_are_parts),
		TEST(more_is_never_sent_than_the_file_has_and_the_parts_cost),
		TEST(if_range_decides_on_the_range),
		TEST(two_range_lines_are_ignored),
		cmocka_unit_test(a_root_that_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
