/* SPDX-License-Identifier: MIT
 *
 * Sites: which one answers for a host, which of its locations for a path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "base/fd.h"
#include "http/site/site.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "site.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- hosts --- */

static struct http_location whole[4];
static struct http_site list[4] = {{.locations = &whole[0], .location_count = 1},
				   {.locations = &whole[1], .location_count = 1},
				   {.locations = &whole[2], .location_count = 1},
				   {.locations = &whole[3], .location_count = 1}};

static int site_of(const struct http_sites *sites, const char *host)
{
	const struct http_site *site = http_sites_find(sites, slice_of(host));

	return site ? (int)(site - list) : -1;
}

static void an_exact_name_goes_before_the_longest_wildcard_before_the_default(void **state)
{
	struct site_name names[] = {
		{"Example.org", &list[1]},     {"*.example.org", &list[2]}, {"*.b.example.org", &list[3]},
		{"www.example.org", &list[1]}, {"[2001:db8::1]", &list[2]}, {"192.0.2.1", &list[3]},
	};
	struct http_sites sites = {list, 4, names, 6, false};
	static const struct {
		const char *host;
		int site;
	} wanted[] = {
		{"example.org", 1},
		{"EXAMPLE.ORG", 1},
		{"example.org:8080", 1},
		{"example.org.", 1},
		{"example.org.:80", 1},
		{"www.example.org", 1},
		{"WwW.eXample.org:1", 1},
		{"x.example.org", 2},
		{"a.x.example.org", 2},
		{"b.example.org", 2},
		{"a.b.example.org", 3},
		{"x.a.b.example.org", 3},
		{"xexample.org", 0},
		{"example.org.evil", 0},
		{".example.org", 0},
		{"org", 0},
		{"", 0},
		{":80", 0},
		{"[2001:db8::1]", 2},
		{"[2001:db8::1]:443", 2},
		{"[2001:DB8::1]", 2},
		{"[2001:db8::2]", 0},
		{"192.0.2.1:80", 3},
		{"192.0.2.2", 0},
		{".", 0},
		{"..", 0},
		{"*.example.org", 2},
	};
	char long_host[400];

	(void)state;
	http_sites_sort(&sites);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (site_of(&sites, wanted[i].host) != wanted[i].site)
			fail_msg("%s: site %d, wanted %d", wanted[i].host, site_of(&sites, wanted[i].host),
				 wanted[i].site);
	}
	memset(long_host, 'a', sizeof(long_host));
	strcpy(long_host + 300, ".example.org");
	assert_int_equal(site_of(&sites, long_host), 0);
}

static void an_unknown_host_may_have_nobody(void **state)
{
	struct site_name names[] = {{"example.org", &list[1]}};
	struct http_sites sites = {list, 2, names, 1, true};
	struct http_sites nameless = {list, 1, NULL, 0, true};

	(void)state;
	assert_int_equal(site_of(&sites, "example.org"), 1);
	assert_int_equal(site_of(&sites, "example.com"), -1);
	assert_int_equal(site_of(&sites, "192.0.2.1"), -1);
	assert_int_equal(site_of(&sites, ""), 0); /* no host is not an unknown one */
	assert_int_equal(site_of(&nameless, "example.org"), -1);
}

static void names_are_hosts_and_wildcards_in_front(void **state)
{
	static const char *const good[] = {"a",         "example.org",           "*.example.org", "*.a",
					   "a-b.c_d.1", "xn--bcher-kva.example", "127.0.0.1",     "[::1]"};
	static const char *const bad[] = {
		"",    "*",       "*.",    "a.",    ".a",   "a..b", "a b",     "a:80",
		"a/b", "*a.org",  "a.*.b", "*.*.a", "[::1", "[]",   "[::1]:8", "b\xc3\xbc.example",
		"a\n", "http://a"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(site_name_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (site_name_is_valid(bad[i]))
			fail_msg("'%s' is taken for a name", bad[i]);
	}
}

/* --- paths --- */

static void the_longest_prefix_that_ends_at_a_segment_is_the_location(void **state)
{
	struct http_location locations[] = {
		{.prefix = SLICE("")},           {.prefix = SLICE("a")},
		{.prefix = SLICE("a/b")},        {.prefix = SLICE("long/way/down")},
		{.prefix = SLICE("robots.txt")},
	};
	struct http_site site = {.locations = locations, .location_count = 5};
	struct http_sites sites = {.list = &site, .count = 1};
	static const char *const wanted[][2] = {
		{"", ""},
		{"x", ""},
		{"a", "a"},
		{"a/", "a"},
		{"a/x", "a"},
		{"ab", ""},
		{"a/b", "a/b"},
		{"a/b/", "a/b"},
		{"a/bc", "a"},
		{"a/b/c/d", "a/b"},
		{"A", ""},
		{"long/way", ""},
		{"long/way/down/x", "long/way/down"},
		{"robots.txt", "robots.txt"},
		{"robots.txt2", ""},
		{"x/a/b", ""},
	};

	(void)state;
	http_sites_sort(&sites);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct http_location *location = http_site_location(&site, slice_of(wanted[i][0]));

		assert_ptr_equal(location->site, &site);
		if (!slice_equal(location->prefix, slice_of(wanted[i][1])))
			fail_msg("%s is in '%.*s'", wanted[i][0], (int)location->prefix.len, location->prefix.ptr);
	}
}

/* --- answers --- */

/* Serves the fixture's root, and its folder "other" as the site of a name. */
struct two_sites {
	struct http_location location;
	struct http_site list[2];
	struct site_name name;
	struct http_sites sites;
	struct root other;
};

static void make_two(struct fixture *fixture, struct two_sites *two)
{
	root_make(&two->other);
	two->list[0] = fixture->root.site;
	two->list[1] = two->other.site;
	two->name = (struct site_name){"other.example", &two->list[1]};
	two->sites = (struct http_sites){two->list, 2, &two->name, 1, false};
	http_sites_sort(&two->sites);
	fixture->options.sites = &two->sites;
	static_site_free(fixture->site);
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	assert_non_null(fixture->site);
}

static unsigned ask_host(struct fixture *fixture, const char *host, const char *target)
{
	struct request request = asking(METHOD_GET, target);

	request.host = slice_of(host);
	return ask_with(fixture, &request);
}

static void each_site_has_its_own_root_and_its_own_cached_files(void **state)
{
	struct fixture *fixture = *state;
	struct two_sites two;

	make_two(fixture, &two);
	root_write(&fixture->root, "a", "one", LONG_AGO);
	root_write(&two.other, "a", "two", LONG_AGO);
	root_write(&fixture->root, "only", "x", LONG_AGO);
	for (int i = 0; i < 2; i++) { /* then from the cache */
		assert_int_equal(ask_host(fixture, "www.example", "/a"), 200);
		assert_body(fixture, "one");
		assert_int_equal(ask_host(fixture, "Other.Example:80", "/a"), 200);
		assert_body(fixture, "two");
		assert_int_equal(ask_host(fixture, "www.example", "/only"), 200);
		assert_int_equal(ask_host(fixture, "other.example", "/only"), 404);
	}
	root_remove(&two.other);
}

static void an_unknown_host_is_misdirected_where_it_has_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct two_sites two;

	make_two(fixture, &two);
	two.sites.refuse_unknown = true;
	root_write(&two.other, "a", "two", LONG_AGO);
	assert_int_equal(ask_host(fixture, "www.example", "/a"), 421);
	assert_int_equal(ask_host(fixture, "other.example", "/a"), 200);
	root_remove(&two.other);
}

static void links_may_be_followed_nowhere(void **state)
{
	struct fixture *fixture = *state;
	struct two_sites two;

	make_two(fixture, &two);
	two.list[1].root.no_links = true;
	root_directory(&two.other, "d");
	root_write(&two.other, "d/a", "a", LONG_AGO);
	root_link(&two.other, "link", "d/a");
	root_link(&two.other, "dlink", "d");
	assert_int_equal(ask_host(fixture, "other.example", "/d/a"), 200);
	assert_int_equal(ask_host(fixture, "other.example", "/link"), 404);
	assert_int_equal(ask_host(fixture, "other.example", "/dlink/a"), 404);
	assert_int_equal(ask_host(fixture, "other.example", "/dlink"), 404);
	two.list[1].root.no_links = false;
	assert_int_equal(ask_host(fixture, "other.example", "/link"), 200);
	assert_int_equal(ask_host(fixture, "other.example", "/dlink/a"), 200);
	assert_int_equal(ask_host(fixture, "other.example", "/dlink"), 301);
	root_remove(&two.other);
}

/* As who looks tells it. */
static void tell_root(struct fixture *fixture, const char *path)
{
	struct epoch epoch = root_epoch(fixture->epochs, path);
	uint64_t version;
	int fd = root_open(path, &version);

	if (fd >= 0)
		close(fd);
	epoch_tell(&epoch, version);
}

static void a_site_may_lose_its_root_and_get_it_back(void **state)
{
	struct fixture *fixture = *state;
	struct two_sites two;
	struct root *const roots[] = {&fixture->root, &two.other};
	char away[2][96];

	make_two(fixture, &two);
	root_write(&fixture->root, "a", "one", LONG_AGO);
	root_write(&two.other, "a", "two", LONG_AGO);
	for (size_t i = 0; i < 2; i++) {
		two.list[i].root = file_root_make(dup(roots[i]->fd), false);
		two.list[i].follow.path = roots[i]->path;
		two.list[i].follow.version = root_version(roots[i]->fd);
		snprintf(away[i], sizeof(away[i]), "%s-away", roots[i]->path);
	}
	static_site_free(fixture->site);
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	assert_int_equal(ask_host(fixture, "other.example", "/a"), 200);
	assert_int_equal(ask_host(fixture, "www.example", "/a"), 200);

	assert_int_equal(rename(two.other.path, away[1]), 0);
	tell_root(fixture, two.other.path);
	assert_int_equal(ask_host(fixture, "other.example", "/a"), 503);
	assert_field(fixture, "Retry-After", "1");
	assert_int_equal(ask_host(fixture, "other.example", "/none"), 503);
	assert_int_equal(ask_host(fixture, "www.example", "/a"), 200);
	assert_true(static_site_is_ready(fixture->site));
	assert_int_equal(rename(fixture->root.path, away[0]), 0);
	tell_root(fixture, fixture->root.path);
	assert_false(static_site_is_ready(fixture->site));
	assert_false(static_site_has_root(fixture->site));
	two.sites.refuse_unknown = true;
	assert_false(static_site_is_ready(fixture->site));

	assert_int_equal(rename(away[1], two.other.path), 0);
	tell_root(fixture, two.other.path);
	/* Whoever is the default, no host that is not named gets there. */
	assert_true(static_site_is_ready(fixture->site));
	assert_false(static_site_has_root(fixture->site));
	assert_int_equal(ask_host(fixture, "other.example", "/a"), 200);
	assert_body(fixture, "two");
	assert_int_equal(rename(away[0], fixture->root.path), 0);
	tell_root(fixture, fixture->root.path);
	assert_true(static_site_has_root(fixture->site));
	file_release(fixture->response.file);
	fixture->response.file = NULL;
	for (size_t i = 0; i < 2; i++)
		fd_close(&two.list[i].root.fd);
	root_remove(&two.other);
}

static void a_site_whose_root_cannot_be_entered_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct two_sites two;

	make_two(fixture, &two);
	two.list[1].root.fd = -1;
	assert_null(static_site_new(&fixture->options, fixture->builder));
	root_remove(&two.other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exact_name_goes_before_the_longest_wildcard_before_the_default),
		cmocka_unit_test(an_unknown_host_may_have_nobody),
		cmocka_unit_test(names_are_hosts_and_wildcards_in_front),
		cmocka_unit_test(the_longest_prefix_that_ends_at_a_segment_is_the_location),
		TEST(each_site_has_its_own_root_and_its_own_cached_files),
		TEST(an_unknown_host_is_misdirected_where_it_has_nobody),
		TEST(links_may_be_followed_nowhere),
		TEST(a_site_may_lose_its_root_and_get_it_back),
		TEST(a_site_whose_root_cannot_be_entered_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
