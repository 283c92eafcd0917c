/* SPDX-License-Identifier: MIT
 *
 * Paths: targets to names, names to locations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/head.h"
#include "http/message/path.h"

#include <stdio.h>
#include <stdlib.h>

/* A target, and room for it, with not one octet more than promised, for sanitizers to see. */
struct parsed {
	char *target, *room;
	struct path path;
	unsigned status;
};

static struct parsed parse(const char *target)
{
	size_t length = strlen(target);
	struct parsed parsed = {.target = malloc(length), .room = malloc(length)};

	memcpy(parsed.target, target, length);
	parsed.status = path_parse((struct slice){parsed.target, length}, parsed.room, &parsed.path);
	return parsed;
}

static void forget(struct parsed *parsed)
{
	free(parsed->target);
	free(parsed->room);
}

static void assert_name(const char *target, const char *name, const char *query, bool directory)
{
	struct parsed parsed = parse(target);

	if (parsed.status != 0)
		fail_msg("%s: status %u", target, parsed.status);
	if (!slice_equal(parsed.path.name, slice_of(name)))
		fail_msg("%s: name '%.*s'", target, (int)parsed.path.name.len, parsed.path.name.ptr);
	if (!slice_equal(parsed.path.query, slice_of(query)))
		fail_msg("%s: query '%.*s'", target, (int)parsed.path.query.len, parsed.path.query.ptr);
	if (parsed.path.directory != directory)
		fail_msg("%s: directory", target);
	forget(&parsed);
}

static void assert_status(const char *target, unsigned status)
{
	struct parsed parsed = parse(target);

	if (parsed.status != status)
		fail_msg("%s: status %u, not %u", target, parsed.status, status);
	forget(&parsed);
}

static void plain_paths_are_not_copied(void **state)
{
	static const char *const targets[] = {
		"/", "/a", "/a/", "/a/b.html", "/a-b_c~d/e.f?x=/.y", "/a;b=c,d/@!$&'()*+:"};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct parsed parsed = parse(targets[i]);

		assert_int_equal(parsed.status, 0);
		assert_ptr_equal(parsed.path.name.ptr, parsed.target + 1);
		forget(&parsed);
	}
}

static void names_and_queries(void **state)
{
	(void)state;
	assert_name("/", "", "", true);
	assert_name("/a", "a", "", false);
	assert_name("/a/", "a/", "", true);
	assert_name("/a/b.html", "a/b.html", "", false);
	assert_name("/?", "", "?", true);
	assert_name("/a?b=c", "a", "?b=c", false);
	assert_name("/a/?b/../c%zz", "a/", "?b/../c%zz", true);
	assert_name("/a?b?c", "a", "?b?c", false);
	assert_name("/a.b.c/d.", "a.b.c/d.", "", false);
	assert_name("/...a/../b", "b", "", false); /* hidden, but removed */
	assert_name("/a\"b<c>d[e]f{g}h|i^j`k\\l", "a\"b<c>d[e]f{g}h|i^j`k\\l", "", false);
}

static void escapes_are_decoded_once(void **state)
{
	(void)state;
	assert_name("/%61", "a", "", false);
	assert_name("/%41%7a%7A", "Azz", "", false);
	assert_name("/a%20b", "a b", "", false);
	assert_name("/%2561", "%61", "", false);
	assert_name("/%252e%252e/a", "%2e%2e/a", "", false);
	assert_name("/%3Fa%23b", "?a#b", "", false);
	assert_name("/%C3%A4/%ff", "\xc3\xa4/\xff", "", false);
	assert_name("/a%0d%0ab", "a\r\nb", "", false);
	assert_name("/a+b", "a+b", "", false);
}

static void dot_segments_are_removed(void **state)
{
	(void)state;
	assert_name("/.", "", "", true);
	assert_name("/..", "", "", true);
	assert_name("/./", "", "", true);
	assert_name("/../..", "", "", true);
	assert_name("/../../a", "a", "", false);
	assert_name("/a/.", "a/", "", true);
	assert_name("/a/..", "", "", true);
	assert_name("/a/../", "", "", true);
	assert_name("/a/../b", "b", "", false);
	assert_name("/a/b/..", "a/", "", true);
	assert_name("/a/b/../c", "a/c", "", false);
	assert_name("/a/./b/./c", "a/b/c", "", false);
	assert_name("/a/b/c/../../../../../d", "d", "", false);
	assert_name("/a/%2e%2e/b", "b", "", false);
	assert_name("/a/.%2E/b", "b", "", false);
	assert_name("/a/%2e/b", "a/b", "", false);
	assert_name("/a/..?q", "", "?q", true);
	assert_name("/mid/content=5/../6", "mid/6", "", false); /* RFC 3986 section 5.2.4 */
	assert_name("/a/b/c/./../../g", "a/g", "", false);
}

static void repeated_slashes_are_one(void **state)
{
	(void)state;
	assert_name("//", "", "", true);
	assert_name("//a", "a", "", false);
	assert_name("///a////b//", "a/b/", "", true);
	assert_name("/a//../b", "b", "", false);
	assert_name("//example.com/%2e%2e", "", "", true);
}

static void hidden_names_are_not_there(void **state)
{
	static const char *const targets[] = {
		"/.git",
		"/.git/config",
		"/a/.htaccess",
		"/...",
		"/a/...",
		"/%2egit",
		"/.well-known/.git",
		"/a/.well-known/b",
		"/.well-knownx",
		"/.well-known.bak",
		"/..a",
		"//.git",
		"/.well-known/a/.b",
		"/.Well-Known/a",
		"/b/../.git",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_status(targets[i], 404);
}

static void well_known_is_there(void **state)
{
	(void)state;
	assert_name("/.well-known/security.txt", ".well-known/security.txt", "", false);
	assert_name("/.well-known/", ".well-known/", "", true);
	assert_name("/.well-known", ".well-known", "", false);
	assert_name("/x/../.well-known/a", ".well-known/a", "", false);
}

static void encoded_slashes_are_in_no_name(void **state)
{
	(void)state;
	assert_status("/a%2Fb", 404);
	assert_status("/a%2f", 404);
	assert_status("/%2f..%2f..%2fetc/passwd", 404);
	assert_status("/a%2fb/../c", 404);
	assert_name("/a%5Cb", "a\\b", "", false); /* a backslash is an octet like any other */
}

static void bad_targets_are_refused(void **state)
{
	static const char *const targets[] = {
		"",           "a",         "a/b",       "*",          "/%",       "/%4",      "/%4g",
		"/%g4",       "/%00",      "/a%00b",    "/%%41",      "/a b",     "/a#b",     "/a\x7f",
		"/a\xc3\xa4", "/a\tb",     "/%2f%",     "host:80",    "ftp://h/", "http:/h/", "http://",
		"https://",   "http:///a", "http://?a", "httpx://h/", "/%u0041",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_status(targets[i], 400);
}

static void absolute_form_is_read(void **state)
{
	(void)state;
	assert_name("http://h/a?b", "a", "?b", false);
	assert_name("HTTPS://h:80/a/", "a/", "", true);
	assert_name("http://h", "", "", true);
	assert_name("http://h?q", "", "?q", true);
	assert_name("http://h/", "", "", true);
	assert_name("http://h//x/../%61", "a", "", false);
	assert_status("http://h/.git", 404);
	assert_status("http://h/%", 400);
}

static void assert_location(const char *target, const char *wanted)
{
	struct parsed parsed = parse(target);
	char text[256];
	struct head out = {text, text, text + sizeof(text), false};

	assert_int_equal(parsed.status, 0);
	path_put_location(&out, &parsed.path, true);
	assert_false(out.full);
	if (!slice_equal(head_written(&out), slice_of(wanted)))
		fail_msg("%s: %.*s", target, (int)head_written(&out).len, text);
	forget(&parsed);
}

static void locations_are_encoded_again_and_of_this_host(void **state)
{
	(void)state;
	assert_location("/a", "/a/");
	assert_location("/a?b=c&d=%20", "/a/?b=c&d=%20");
	assert_location("//evil.example", "/evil.example/");
	assert_location("///evil.example/%2e%2e/evil.example", "/evil.example/");
	assert_location("/%5cevil.example", "/%5Cevil.example/");
	assert_location("/\\evil.example", "/%5Cevil.example/");
	assert_location("/%0d%0aSet-Cookie:x", "/%0D%0ASet-Cookie:x/");
	assert_location("/a%20b/%3f%23%25", "/a%20b/%3F%23%25/");
	assert_location("/%c3%a4", "/%C3%A4/");
	assert_location("/a?\"<\x01\xff", "/a/?%22%3C%01%FF");
	assert_location("http://elsewhere/a?q", "/a/?q");
	assert_location("/a/b;c=d", "/a/b;c=d/");
}

static void a_location_that_does_not_fit_is_none(void **state)
{
	struct parsed parsed = parse("/abc?d");
	char text[7];
	struct head exact = {text, text, text + 7, false}, small = {text, text, text + 6, false};

	(void)state;
	path_put_location(&exact, &parsed.path, true);
	assert_false(exact.full);
	assert_int_equal(head_written(&exact).len, 7);
	path_put_location(&small, &parsed.path, true);
	assert_true(small.full);
	forget(&parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths_are_not_copied),
		cmocka_unit_test(names_and_queries),
		cmocka_unit_test(escapes_are_decoded_once),
		cmocka_unit_test(dot_segments_are_removed),
		cmocka_unit_test(repeated_slashes_are_one),
		cmocka_unit_test(hidden_names_are_not_there),
		cmocka_unit_test(well_known_is_there),
		cmocka_unit_test(encoded_slashes_are_in_no_name),
		cmocka_unit_test(bad_targets_are_refused),
		cmocka_unit_test(absolute_form_is_read),
		cmocka_unit_test(locations_are_encoded_again_and_of_this_host),
		cmocka_unit_test(a_location_that_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
