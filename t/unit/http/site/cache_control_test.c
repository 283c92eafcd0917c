/* SPDX-License-Identifier: MIT
 *
 * Which names have a hash of the contents in them, and what caches are told then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/site/cache_control.h"
#include "http/site/site.h"

static bool is_hashed(const char *name)
{
	struct http_location location = {.cache_control_hashed = SLICE("hashed")};

	return location_cache_control(&location, slice_of(name)).len > 0;
}

static void names_of_build_tools_are_hashed(void **state)
{
	static const char *const hashed[] = {
		"app.3f9d2c1a.js",
		"assets/index-BxYz12_3.css",
		"main.5ZQHXKDN.js",
		"main.5ZQHXKDN.js.map",
		"a/b/chunk-1a2b3c4d5e6f7a8b.js",
		"logo.0123456789abcdef0123456789abcdef.svg",
		"x-0123456789ABCDEFabcd.woff2",
		"3f9d.3f9d2c1a.css",
		"my-page-4bX93kQ2.js",
	};
	static const char *const plain[] = {
		"app.js",
		"index.html",
		"report-20240131.pdf",
		"chapter-document1.pdf",
		"photo-123456789.jpg",
		"jquery-3.7.1.min.js",
		"3f9d2c1a.js",
		"3f9d2c1a",
		"app.3f9d2c1.js",
		"bootstrap.bundle.js",
		"a.deadbeef.js",
		"app-JavaScript.js",
		"",
		".",
		"a.",
		"3f9d2c1a-x/app.js",
		"readme-of-4bX93kQ2",
		"x.12345678.js",
		"v-0.1.0-abc.js",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hashed) / sizeof(hashed[0]); i++) {
		if (!is_hashed(hashed[i]))
			fail_msg("%s is not taken for hashed", hashed[i]);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (is_hashed(plain[i]))
			fail_msg("%s is taken for hashed", plain[i]);
	}
}

static void what_is_too_long_is_no_hash(void **state)
{
	char name[80] = "a-";

	(void)state;
	memset(name + 2, '1', 63);
	strcpy(name + 65, "a.js");
	assert_true(is_hashed(name));
	memset(name + 2, '1', 64);
	strcpy(name + 66, "a.js");
	assert_false(is_hashed(name));
}

static void hashed_names_may_have_a_line_of_their_own(void **state)
{
	struct http_location location = {.cache_control = SLICE("a"), .cache_control_hashed = SLICE("b")};

	(void)state;
	assert_true(slice_equal(location_cache_control(&location, SLICE("x.js")), SLICE("a")));
	assert_true(slice_equal(location_cache_control(&location, SLICE("x.3f9d2c1a.js")), SLICE("b")));
	location.cache_control_hashed.len = 0;
	assert_true(slice_equal(location_cache_control(&location, SLICE("x.3f9d2c1a.js")), SLICE("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_build_tools_are_hashed),
		cmocka_unit_test(what_is_too_long_is_no_hash),
		cmocka_unit_test(hashed_names_may_have_a_line_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
