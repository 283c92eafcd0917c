/* SPDX-License-Identifier: MIT
 *
 * Content types: built in, from a file over them, and their charset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/http.h"
#include "http/site/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void assert_type(const struct mime_table *table, const char *name, const char *wanted)
{
	struct slice type = mime_type(table, slice_of(name));

	if (!slice_equal(type, slice_of(wanted)))
		fail_msg("%s: %.*s", name, (int)type.len, type.ptr);
}

/* A table from these lines over the built-in ones. */
static struct mime_table *table_of(const char *lines)
{
	char path[] = "/tmp/brood-mime-XXXXXX";
	int fd = mkstemp(path);
	struct mime_table *table;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	table = mime_table_new(path);
	unlink(path);
	assert_non_null(table);
	return table;
}

static void assert_modern_web(const struct mime_table *table)
{
	assert_type(table, "a.html", "text/html");
	assert_type(table, "a.css", "text/css");
	assert_type(table, "a.js", "text/javascript");
	assert_type(table, "a.mjs", "text/javascript");
	assert_type(table, "a.json", "application/json");
	assert_type(table, "a.map", "application/json");
	assert_type(table, "a.wasm", "application/wasm");
	assert_type(table, "a.svg", "image/svg+xml");
	assert_type(table, "a.woff2", "font/woff2");
	assert_type(table, "a.avif", "image/avif");
	assert_type(table, "a.webp", "image/webp");
	assert_type(table, "a.webmanifest", "application/manifest+json");
	assert_type(table, "a.pdf", "application/pdf");
	assert_type(table, "a.7z", "application/x-7z-compressed");
	assert_type(table, "a.zst", "application/zstd");
}

static void built_in_types_need_no_file(void **state)
{
	struct mime_table *table = mime_table_new("/nonexistent/mime.types");

	(void)state;
	assert_non_null(table);
	assert_modern_web(table);
	assert_modern_web(NULL);
	mime_table_free(table);
}

static void the_ending_is_what_follows_the_last_dot_of_the_last_segment(void **state)
{
	(void)state;
	assert_type(NULL, "a.tar.gz", "application/gzip");
	assert_type(NULL, "x.html/file.png", "image/png");
	assert_type(NULL, "A.HTML", "text/html");
	assert_type(NULL, "a.JpG", "image/jpeg");
	assert_type(NULL, "x.html/README", "application/octet-stream");
	assert_type(NULL, "README", "application/octet-stream");
	assert_type(NULL, "html", "application/octet-stream");
	assert_type(NULL, ".html", "application/octet-stream");
	assert_type(NULL, "d/.html", "application/octet-stream");
	assert_type(NULL, "a.", "application/octet-stream");
	assert_type(NULL, "a.htmlx", "application/octet-stream");
	assert_type(NULL, "", "application/octet-stream");
	assert_type(NULL, "a.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "application/octet-stream");
}

static void a_file_goes_over_the_built_in_types(void **state)
{
	struct mime_table *table = table_of("# comment\n"
					    "text/x-new\t\tnew  NEWER # trailing\n"
					    "text/x-mine html\r\n"
					    "\n"
					    "application/no-ending\n"
					    "text/x-first twice\n"
					    "text/x-second twice\n"
					    "text/x-last last");

	(void)state;
	assert_type(table, "a.new", "text/x-new");
	assert_type(table, "a.newer", "text/x-new");
	assert_type(table, "a.html", "text/x-mine");
	assert_type(table, "a.css", "text/css");
	assert_type(table, "a.twice", "text/x-second");
	assert_type(table, "a.last", "text/x-last");
	assert_type(table, "a.trailing", "application/octet-stream");
	mime_table_free(table);
}

static void types_that_would_break_a_header_are_left_out(void **state)
{
	struct mime_table *table = table_of("text css\n"
					    "/ css\n"
					    "text/ css\n"
					    "a/b/c css\n"
					    "text/\x01x css\n"
					    "text/\xc3\xa4 css\n"
					    "text/x;y css\n");

	(void)state;
	assert_type(table, "a.css", "text/css");
	mime_table_free(table);
}

static void a_directory_is_no_table(void **state)
{
	struct mime_table *table = mime_table_new("/");

	(void)state;
	assert_non_null(table);
	assert_type(table, "a.css", "text/css");
	mime_table_free(table);
}

static void text_and_scripts_get_a_charset(void **state)
{
	(void)state;
	assert_true(mime_wants_charset(SLICE("text/html")));
	assert_true(mime_wants_charset(SLICE("text/plain")));
	assert_true(mime_wants_charset(SLICE("TEXT/CSS")));
	assert_true(mime_wants_charset(SLICE("text/javascript")));
	assert_true(mime_wants_charset(SLICE("application/javascript")));
	assert_false(mime_wants_charset(SLICE("application/json")));
	assert_false(mime_wants_charset(SLICE("text/xml")));
	assert_false(mime_wants_charset(SLICE("application/xml")));
	assert_false(mime_wants_charset(SLICE("image/svg+xml")));
	assert_false(mime_wants_charset(SLICE("image/png")));
	assert_false(mime_wants_charset(SLICE("text/")));
	assert_false(mime_wants_charset(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_types_need_no_file),
		cmocka_unit_test(the_ending_is_what_follows_the_last_dot_of_the_last_segment),
		cmocka_unit_test(a_file_goes_over_the_built_in_types),
		cmocka_unit_test(types_that_would_break_a_header_are_left_out),
		cmocka_unit_test(a_directory_is_no_table),
		cmocka_unit_test(text_and_scripts_get_a_charset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
