/* SPDX-License-Identifier: MIT
 *
 * What is in a directory, as a page and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/files/file.h"
#include "http/files/listing.h"
#include "http/files/static.h"
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Malloc'd. */
static char *list(struct fixture *fixture, const char *name, enum listing_form form)
{
	struct listings *listings = listings_new(fixture->epochs);
	struct file *file;
	char *text;

	assert_int_equal(listings_get(listings, &fixture->root.location, slice_of(name), form, 0, &file), 0);
	text = strndup(file->body.ptr, file->body.len);
	assert_int_equal(file->stamp.size, file->body.len);
	file_release(file);
	listings_free(listings);
	return text;
}

static void assert_lists(struct fixture *fixture, const char *name, enum listing_form form, const char *part)
{
	char *text = list(fixture, name, form);

	if (!strstr(text, part))
		fail_msg("no %s in:\n%s", part, text);
	free(text);
}

static void assert_lists_not(struct fixture *fixture, const char *name, enum listing_form form, const char *part)
{
	char *text = list(fixture, name, form);

	if (strstr(text, part))
		fail_msg("%s is in:\n%s", part, text);
	free(text);
}

static void directories_come_first_all_by_name(void **state)
{
	struct fixture *fixture = *state;

	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "d/z");
	root_directory(&fixture->root, "d/y");
	root_write(&fixture->root, "d/b", "22", LONG_AGO);
	root_write(&fixture->root, "d/a", "1", LONG_AGO);
	root_write_large(&fixture->root, "d/C", 1300, LONG_AGO);
	fixture->root.location.listing_css = NULL;
	assert_lists(fixture, "d/", LISTING_JSON,
		     "{\"path\": \"/d/\", \"complete\": true, \"entries\": [\n"
		     "{\"name\": \"y\", \"type\": \"directory\", \"modified\": \"");
	assert_lists(fixture, "d/", LISTING_JSON,
		     "{\"name\": \"C\", \"type\": \"file\", \"size\": 1300, \"modified\": "
		     "\"2001-09-09T01:46:40Z\", \"href\": \"./C\"},\n"
		     "{\"name\": \"a\", \"type\": \"file\", \"size\": 1, \"modified\": "
		     "\"2001-09-09T01:46:40Z\", \"href\": \"./a\"},\n"
		     "{\"name\": \"b\", \"type\": \"file\", \"size\": 2, \"modified\": "
		     "\"2001-09-09T01:46:40Z\", \"href\": \"./b\"}]}\n");
	assert_lists(fixture, "d/", LISTING_HTML, "<title>Index of /d/</title>");
	assert_lists(fixture, "d/", LISTING_HTML, "<a href=\"../\">../</a>");
	assert_lists(fixture, "d/", LISTING_HTML,
		     "<tr><td><a href=\"./z/\">z/</a><td class=\"size\"><td class=\"modified\">");
	assert_lists(fixture, "d/", LISTING_HTML,
		     "<tr><td><a href=\"./C\">C</a><td class=\"size\">1.2 KiB<td class=\"modified\">"
		     "<time datetime=\"2001-09-09T01:46:40Z\">2001-09-09 01:46</time>\n"
		     "<tr><td><a href=\"./a\">a</a><td class=\"size\">1 B<td");
	assert_lists_not(fixture, "", LISTING_HTML, "../");
	assert_lists_not(fixture, "d/", LISTING_HTML, "script");
}

static void nothing_is_listed_that_is_not_served(void **state)
{
	struct fixture *fixture = *state;
	static const char *const left_out[] = {".hidden", ".git", "fifo", "outside", "loop", "dangling", "..", "up"};

	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "d/.git");
	root_write(&fixture->root, "d/.hidden", "x", LONG_AGO);
	root_write(&fixture->root, "d/real", "123", LONG_AGO);
	root_link(&fixture->root, "d/inside", "../d/real");
	root_link(&fixture->root, "d/outside", "/etc/passwd");
	root_link(&fixture->root, "d/up", "../../../../../../../etc");
	root_link(&fixture->root, "d/loop", "loop");
	root_link(&fixture->root, "d/dangling", "none");
	assert_int_equal(mkfifoat(fixture->root.fd, "d/fifo", 0644), 0);
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "\"name\": \"%s\"", left_out[i]);
		assert_lists_not(fixture, "d/", LISTING_JSON, name);
	}
	assert_lists(fixture, "d/", LISTING_JSON, "\"name\": \"inside\", \"type\": \"file\", \"size\": 3");
	fixture->root.site.root.no_links = true;
	assert_lists_not(fixture, "d/", LISTING_JSON, "inside");
	assert_lists(fixture, "d/", LISTING_JSON, "real");
}

static void names_are_escaped_whatever_is_in_them(void **state)
{
	struct fixture *fixture = *state;

	root_directory(&fixture->root, "a<b&\"'");
	root_write(&fixture->root, "a<b&\"'/<script>alert(1)<", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/javascript:alert(1)", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/q\"\\\n\x01", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/\xff\xc3\xa4\xed\xa0\x80", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/100% ?#", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/q&lt;", "", LONG_AGO);
	root_write(&fixture->root, "a<b&\"'/it's", "", LONG_AGO);
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<title>Index of /a&lt;b&amp;&quot;&#39;/</title>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML,
		     "<a href=\"./%3Cscript%3Ealert(1)%3C\">&lt;script&gt;alert(1)&lt;</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<a href=\"./javascript:alert(1)\">javascript:alert(1)</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML,
		     "<a href=\"./q%22%5C%0A%01\">q&quot;\\\xef\xbf\xbd\xef\xbf\xbd</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML,
		     "<a href=\"./%FF%C3%A4%ED%A0%80\">\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd"
		     "\xef\xbf\xbd</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<a href=\"./100%25%20%3F%23\">100% ?#</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<a href=\"./q&amp;lt;\">q&amp;lt;</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<a href=\"./it&#39;s\">it&#39;s</a>");
	assert_lists(fixture, "a<b&\"'/", LISTING_JSON, "\"href\": \"./q&lt;\"");
	assert_lists(fixture, "a<b&\"'/", LISTING_JSON, "{\"path\": \"/a<b&\\\"'/\"");
	assert_lists(fixture, "a<b&\"'/", LISTING_JSON, "\"name\": \"q\\\"\\\\\\u000a\\u0001\"");
	assert_lists(fixture, "a<b&\"'/", LISTING_JSON, "\"name\": \"\\ufffd\xc3\xa4\\ufffd\\ufffd\\ufffd\"");
	fixture->root.location.listing_css = "/x.css?a=1&b";
	assert_lists(fixture, "a<b&\"'/", LISTING_HTML, "<link rel=\"stylesheet\" href=\"/x.css?a=1&amp;b\">");
	assert_lists_not(fixture, "a<b&\"'/", LISTING_HTML, "<style");
}

static void of_a_large_directory_so_many_are_shown(void **state)
{
	struct fixture *fixture = *state;
	char name[32], *text;
	size_t shown = 0;
	int fd;

	root_directory(&fixture->root, "d");
	for (unsigned i = 0; i < LISTING_ENTRIES_MAX + 1; i++) {
		snprintf(name, sizeof(name), "d/%05u", i);
		fd = openat(fixture->root.fd, name, O_WRONLY | O_CREAT, 0644);
		assert_true(fd >= 0);
		close(fd);
	}
	text = list(fixture, "d/", LISTING_JSON);
	for (const char *at = text; (at = strstr(at, "\"name\"")) != NULL; at++)
		shown++;
	assert_int_equal(shown, LISTING_ENTRIES_MAX);
	assert_non_null(strstr(text, "\"complete\": false"));
	free(text);
	assert_lists(fixture, "d/", LISTING_HTML, "Here are 4096 of the entries; there are more.");

	assert_int_equal(unlinkat(fixture->root.fd, "d/00000", 0), 0);
	assert_lists(fixture, "d/", LISTING_JSON, "\"complete\": true");
	assert_lists_not(fixture, "d/", LISTING_HTML, "there are more");
}

static void what_was_made_is_kept_for_a_second(void **state)
{
	struct fixture *fixture = *state;
	struct listings *listings = listings_new(fixture->epochs);
	struct http_location *location = &fixture->root.location;
	struct file *one, *two;

	root_directory(&fixture->root, "d");
	root_write(&fixture->root, "d/a", "", LONG_AGO);
	assert_int_equal(listings_get(listings, location, SLICE("d/"), LISTING_JSON, 5000, &one), 0);
	root_write(&fixture->root, "d/b", "", LONG_AGO);
	assert_int_equal(listings_get(listings, location, SLICE("d/"), LISTING_JSON, 5999, &two), 0);
	assert_ptr_equal(one, two);
	file_release(two);
	assert_int_equal(listings_get(listings, location, SLICE("d/"), LISTING_HTML, 5999, &two), 0);
	assert_ptr_not_equal(one, two);
	file_release(two);
	assert_int_equal(listings_get(listings, location, SLICE(""), LISTING_JSON, 5999, &two), 0);
	assert_ptr_not_equal(one, two);
	file_release(two);
	assert_int_equal(listings_get(listings, location, SLICE("d/"), LISTING_JSON, 6000, &two), 0);
	assert_ptr_not_equal(one, two);
	assert_false(slice_equal(one->etag, two->etag));
	file_release(two);
	listings_tick(listings, 7000);
	assert_int_equal(one->references, 1);
	file_release(one);
	assert_int_equal(listings_get(listings, location, SLICE("none/"), LISTING_JSON, 0, &one), -ENOENT);
	listings_free(listings);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(directories_come_first_all_by_name),    TEST(nothing_is_listed_that_is_not_served),
		TEST(names_are_escaped_whatever_is_in_them), TEST(of_a_large_directory_so_many_are_shown),
		TEST(what_was_made_is_kept_for_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
