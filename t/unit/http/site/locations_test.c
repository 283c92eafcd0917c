/* SPDX-License-Identifier: MIT
 *
 * What a location's settings make of a request: names to try, clean URLs, fallback, error pages,
 * fields, redirects, listings, who is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "base/network.h"
#include "http/client/client.h"
#include "http/files/file.h"
#include "http/site/redirect.h"
#include "http/site/site.h"
#include "http/files/static.h"
#include "site.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct http_sites sites;

/* The fixture's root as a site whose one location a test may change. */
static struct http_location *location_of(struct fixture *fixture)
{
	sites = (struct http_sites){.list = &fixture->root.site, .count = 1};
	static_site_free(fixture->site);
	fixture->options.sites = &sites;
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	assert_non_null(fixture->site);
	return &fixture->root.location;
}

static void write_file(struct fixture *fixture, const char *name)
{
	root_write(&fixture->root, name, name, LONG_AGO);
}

/* Answered with the file of that name. */
static void assert_gets(struct fixture *fixture, const char *target, const char *name)
{
	if (ask(fixture, target) != 200)
		fail_msg("%s: %u", target, fixture->response.status);
	assert_body(fixture, name);
}

static void assert_moved(struct fixture *fixture, const char *target, const char *location)
{
	if (ask(fixture, target) != 301)
		fail_msg("%s: %u", target, fixture->response.status);
	assert_field(fixture, "Location", location);
}

static void assert_status(struct fixture *fixture, const char *target, unsigned status)
{
	if (ask(fixture, target) != status)
		fail_msg("%s: %u", target, fixture->response.status);
}

/* --- names to try --- */

static void names_are_tried_in_their_order(void **state)
{
	static const char *const names[] = {"/up{path}", "{path}", "{path}.html", "/app.html", NULL};
	struct fixture *fixture = *state;

	location_of(fixture)->try_names = names;
	root_directory(&fixture->root, "up");
	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "e");
	write_file(fixture, "up/first");
	write_file(fixture, "first");
	write_file(fixture, "second");
	write_file(fixture, "third.html");
	write_file(fixture, "app.html");
	write_file(fixture, "d/index.html");
	write_file(fixture, "e.html");
	for (int i = 0; i < 2; i++) { /* then from the cache */
		assert_gets(fixture, "/first", "up/first");
		assert_gets(fixture, "/second", "second");
		assert_gets(fixture, "/third", "third.html");
		assert_gets(fixture, "/none", "app.html");
		assert_gets(fixture, "/none/at/all", "app.html");
		assert_gets(fixture, "/d/", "d/index.html");
		assert_gets(fixture, "/e/", "e.html"); /* no index in e */
		assert_moved(fixture, "/d", "/d/");
	}
	/* One that goes before is found within a second. */
	write_file(fixture, "up/second");
	pass_ms(fixture, 1000);
	assert_gets(fixture, "/second", "up/second");
}

static void names_of_folders_mean_their_index(void **state)
{
	static const char *const names[] = {"{path}/", "/sub{path}/", NULL};
	struct fixture *fixture = *state;

	location_of(fixture)->try_names = names;
	root_directory(&fixture->root, "a");
	root_directory(&fixture->root, "sub");
	root_directory(&fixture->root, "sub/b");
	write_file(fixture, "a/index.html");
	write_file(fixture, "sub/b/index.html");
	write_file(fixture, "file");
	assert_gets(fixture, "/a", "a/index.html");
	assert_gets(fixture, "/a/", "a/index.html");
	assert_gets(fixture, "/b", "sub/b/index.html");
	assert_status(fixture, "/file", 404);
	assert_status(fixture, "/sub", 403); /* it is there, without an index */
	assert_status(fixture, "/c", 404);
}

static void inventing_paths_fills_no_cache_with_what_is_tried_last(void **state)
{
	static const char *const names[] = {"{path}", "/app.html", NULL};
	struct fixture *fixture = *state;
	char target[32];
	struct file *first;

	location_of(fixture)->try_names = names;
	write_file(fixture, "app.html");
	assert_status(fixture, "/invented", 200);
	first = fixture->response.file;
	file_keep(first);
	for (int i = 0; i < 10; i++) {
		snprintf(target, sizeof(target), "/%d", i);
		assert_gets(fixture, target, "app.html");
		assert_ptr_equal(fixture->response.file, first);
	}
	file_release(first);
}

/* The cache knows 404.html as what /404 leads to. */
static void a_name_is_that_file_whatever_a_path_like_it_leads_to(void **state)
{
	static const char *const names[] = {"{path}.html", "/x", NULL};
	struct fixture *fixture = *state;

	location_of(fixture)->try_names = names;
	write_file(fixture, "x");
	write_file(fixture, "x.html");
	for (int i = 0; i < 2; i++) {
		assert_gets(fixture, "/x", "x.html");
		assert_gets(fixture, "/none", "x");
	}
}

static void every_location_looks_in_its_own_way(void **state)
{
	static const char *const other[] = {"other.html", NULL};
	struct fixture *fixture = *state;
	struct http_location locations[2] = {*location_of(fixture), {.prefix = SLICE("d")}};

	locations[1] = locations[0];
	locations[1].prefix = SLICE("d");
	locations[1].index_names = other;
	fixture->root.site.locations = locations;
	fixture->root.site.location_count = 2;
	http_sites_sort(&sites);
	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "e");
	write_file(fixture, "d/index.html");
	write_file(fixture, "d/other.html");
	write_file(fixture, "e/index.html");
	assert_gets(fixture, "/d/", "d/other.html");
	assert_gets(fixture, "/e/../d/", "d/other.html");
	assert_gets(fixture, "/%64/", "d/other.html");
	assert_gets(fixture, "/e/", "e/index.html");
	fixture->root.site.locations = &fixture->root.location;
	fixture->root.site.location_count = 1;
}

/* --- clean URLs --- */

static void make_pages(struct fixture *fixture)
{
	location_of(fixture)->clean_urls = true;
	http_sites_sort(&sites);
	root_directory(&fixture->root, "d");
	root_directory(&fixture->root, "both");
	root_directory(&fixture->root, "bare");
	write_file(fixture, "index.html");
	write_file(fixture, "about.html");
	write_file(fixture, "d/index.html");
	write_file(fixture, "d/page.html");
	write_file(fixture, "both.html");
	write_file(fixture, "both/index.html");
	write_file(fixture, "bare.html");
	write_file(fixture, "plain");
	write_file(fixture, "plain.html");
	write_file(fixture, "style.css");
}

static void pages_have_one_address_without_an_ending(void **state)
{
	struct fixture *fixture = *state;

	make_pages(fixture);
	for (int i = 0; i < 2; i++) { /* then from the cache */
		assert_gets(fixture, "/about", "about.html");
		assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
		assert_moved(fixture, "/about.html", "/about");
		assert_moved(fixture, "/about.html?a=b&c", "/about?a=b&c");
		assert_moved(fixture, "/about/", "/about");
		assert_gets(fixture, "/", "index.html");
		assert_moved(fixture, "/index.html", "/");
		assert_moved(fixture, "/index", "/");
		assert_gets(fixture, "/d/", "d/index.html");
		assert_moved(fixture, "/d", "/d/");
		assert_moved(fixture, "/d/index.html", "/d/");
		assert_moved(fixture, "/d/index?q", "/d/?q");
		assert_gets(fixture, "/d/page", "d/page.html");
		assert_moved(fixture, "/d/page.html", "/d/page");
		assert_gets(fixture, "/style.css", "style.css");
		assert_status(fixture, "/none", 404);
		assert_status(fixture, "/none/", 404);
		assert_status(fixture, "/none.html", 404);
	}
}

static void where_several_could_answer_each_keeps_an_address(void **state)
{
	struct fixture *fixture = *state;

	make_pages(fixture);
	for (int i = 0; i < 2; i++) {
		assert_gets(fixture, "/both", "both.html");
		assert_gets(fixture, "/both/", "both/index.html");
		assert_gets(fixture, "/bare", "bare.html");
		assert_moved(fixture, "/bare/", "/bare"); /* a folder without an index */
		assert_gets(fixture, "/plain", "plain");
		assert_gets(fixture, "/plain.html", "plain.html"); /* /plain is another one */
	}
}

/* Follows what is moved, as a browser does. */
static void no_address_leads_in_circles(void **state)
{
	static const char *const segments[] = {"",      "/index", "/index.html", "/about",     "/d",    "/both",
					       "/bare", "/plain", "/page",       "/page.html", ".html", "/"};
	enum { SEGMENTS = sizeof(segments) / sizeof(segments[0]) };
	struct fixture *fixture = *state;

	make_pages(fixture);
	for (size_t i = 0; i < SEGMENTS * SEGMENTS * SEGMENTS; i++) {
		char target[128];
		unsigned hops = 0;

		snprintf(target, sizeof(target), "/%s%s%s", segments[i / SEGMENTS / SEGMENTS],
			 segments[i / SEGMENTS % SEGMENTS], segments[i % SEGMENTS]);
		while (ask(fixture, target) == 301 && ++hops < 4)
			snprintf(target, sizeof(target), "%s", field_of(&fixture->response, "Location"));
		if (hops == 4)
			fail_msg("%s is never reached", target);
	}
}

/* --- fallback --- */

static unsigned ask_as(struct fixture *fixture, enum request_method method, const char *target, const char *accept,
		       const char *mode)
{
	struct request request = asking(method, target);

	if (accept)
		request.fields[request.field_count++] =
			(struct request_field){.name = SLICE("Accept"), .value = slice_of(accept)};
	if (mode)
		request.fields[request.field_count++] =
			(struct request_field){.name = SLICE("Sec-Fetch-Mode"), .value = slice_of(mode)};
	return ask_with(fixture, &request);
}

static void who_navigates_gets_the_page_and_who_loads_gets_none(void **state)
{
	static const char html[] = "text/html,application/xhtml+xml,*/*;q=0.8";
	struct fixture *fixture = *state;

	location_of(fixture)->fallback = "/app.html";
	write_file(fixture, "app.html");
	write_file(fixture, "there.js");
	root_directory(&fixture->root, "bare");
	assert_int_equal(ask_as(fixture, METHOD_GET, "/users/7", html, NULL), 200);
	assert_body(fixture, "app.html");
	assert_string_not_equal(field_of(&fixture->response, "ETag"), "");
	assert_int_equal(ask_as(fixture, METHOD_HEAD, "/users/7", html, "navigate"), 200);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/users/j.doe", html, NULL), 200);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/bare/", html, NULL), 200);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/users/7", "*/*", NULL), 404);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/users/7", html, "cors"), 404);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/app.js", html, NULL), 404);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/app.js", html, "navigate"), 404);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/x.PNG", html, "navigate"), 404);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/there.js", html, NULL), 200);
	assert_body(fixture, "there.js");
	assert_int_equal(ask_as(fixture, METHOD_KNOWN, "/users/7", html, NULL), 405);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/.git/x", html, NULL), 404);
	root_delete(&fixture->root, "app.html");
	pass_ms(fixture, 1000);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/users/7", html, NULL), 404);
}

/* --- errors --- */

static void an_error_has_the_page_of_its_status_and_keeps_its_status(void **state)
{
	static const struct error_page pages[] = {{404, "404.html"}, {403, "sorry.txt"}, {405, "405.html"},
						  {416, "416.html"}, {412, "missing"},   {0, NULL}};
	struct fixture *fixture = *state;
	struct request request = asking(METHOD_GET, "/none");

	location_of(fixture)->error_pages = pages;
	write_file(fixture, "404.html");
	root_write_large(&fixture->root, "sorry.txt", BODY_MAX + 1, LONG_AGO);
	write_file(fixture, "405.html");
	write_file(fixture, "416.html");
	write_file(fixture, "there");
	root_directory(&fixture->root, "d");
	for (int i = 0; i < 2; i++) {
		assert_status(fixture, "/none", 404);
		assert_body(fixture, "404.html");
		assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
		assert_field(fixture, "Content-Length", "8");
		assert_field(fixture, "ETag", "");
		assert_field(fixture, "Last-Modified", "");
		assert_field(fixture, "Accept-Ranges", "");
	}
	assert_status(fixture, "/d/", 403); /* from an open file */
	assert_field(fixture, "Content-Length", "1001");
	assert_int_equal(fixture->response.file_length, BODY_MAX + 1);
	assert_int_not_equal(fixture->response.file_fd, -1);

	/* The fields of the status stay; conditions and ranges are for what is there. */
	asking_field(&request, FIELD_RANGE, "bytes=0-0");
	asking_field(&request, FIELD_IF_NONE_MATCH, "*");
	assert_int_equal(ask_with(fixture, &request), 404);
	assert_body(fixture, "404.html");
	request = asking(METHOD_KNOWN, "/there");
	assert_int_equal(ask_with(fixture, &request), 405);
	assert_field(fixture, "Allow", "GET, HEAD, OPTIONS");
	assert_body(fixture, "405.html");
	assert_int_equal(ask_field(fixture, "/there", FIELD_RANGE, "bytes=99-"), 416);
	assert_field(fixture, "Content-Range", "bytes */5");
	assert_body(fixture, "416.html");
	assert_int_equal(ask_field(fixture, "/there", FIELD_IF_MATCH, "\"x\""), 412);
	assert_non_null(strstr(body_of(&fixture->response), "412 Precondition Failed"));
}

static void a_page_that_is_gone_leaves_the_built_in_one(void **state)
{
	static const struct error_page pages[] = {{404, "404.html"}, {0, NULL}};
	struct fixture *fixture = *state;

	location_of(fixture)->error_pages = pages;
	assert_status(fixture, "/none", 404);
	assert_non_null(strstr(body_of(&fixture->response), "404 Not Found"));
	assert_status(fixture, "/404.html", 404);
	root_directory(&fixture->root, "404.html");
	assert_status(fixture, "/none", 404);
	assert_non_null(strstr(body_of(&fixture->response), "404 Not Found"));
}

/* --- fields --- */

static void fields_are_on_every_response_of_the_location(void **state)
{
	struct fixture *fixture = *state;
	struct http_location *location = location_of(fixture);
	struct request request;

	location->fields = SLICE("X-A: 1\r\nX-B: 2\r\n");
	root_directory(&fixture->root, "d");
	write_file(fixture, "a");
	root_write_large(&fixture->root, "large", BODY_MAX + 1, LONG_AGO);
	static const struct {
		const char *target;
		enum field_id id;
		const char *value;
		unsigned status;
	} each[] = {
		{"/a", FIELD_REFERER, "x", 200},       {"/large", FIELD_REFERER, "x", 200},
		{"/a", FIELD_IF_NONE_MATCH, "*", 304}, {"/a", FIELD_RANGE, "bytes=0-0", 206},
		{"/a", FIELD_RANGE, "bytes=9-", 416},  {"/a", FIELD_IF_MATCH, "\"\"", 412},
		{"/d", FIELD_REFERER, "x", 301},       {"/d/", FIELD_REFERER, "x", 403},
		{"/none", FIELD_REFERER, "x", 404},    {"/%", FIELD_REFERER, "x", 400},
	};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		assert_int_equal(ask_field(fixture, each[i].target, each[i].id, each[i].value), each[i].status);
		assert_field(fixture, "X-A", "1");
		assert_field(fixture, "X-B", "2");
		assert_field(fixture, "Server", "");
	}
	request = asking(METHOD_OPTIONS, "*");
	assert_int_equal(ask_with(fixture, &request), 200);
	assert_field(fixture, "X-A", "1");
	request = asking(METHOD_UNKNOWN, "/a");
	assert_int_equal(ask_with(fixture, &request), 501);
	assert_field(fixture, "X-A", "1");
}

static void caches_are_told_about_files_and_not_about_errors(void **state)
{
	struct fixture *fixture = *state;
	struct http_location *location = location_of(fixture);

	location->cache_control = SLICE("Cache-Control: no-cache\r\n");
	location->cache_control_hashed = SLICE("Cache-Control: max-age=9\r\n");
	root_directory(&fixture->root, "d");
	write_file(fixture, "a");
	write_file(fixture, "a.3f9d2c1a.js");
	assert_status(fixture, "/a", 200);
	assert_field(fixture, "Cache-Control", "no-cache");
	assert_status(fixture, "/a.3f9d2c1a.js", 200);
	assert_field(fixture, "Cache-Control", "max-age=9");
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=0-0"), 206);
	assert_field(fixture, "Cache-Control", "no-cache");
	assert_int_equal(ask_field(fixture, "/a.3f9d2c1a.js", FIELD_IF_NONE_MATCH, "*"), 304);
	assert_field(fixture, "Cache-Control", "max-age=9");
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=9-"), 416);
	assert_field(fixture, "Cache-Control", "");
	assert_status(fixture, "/b.3f9d2c1a.js", 404);
	assert_field(fixture, "Cache-Control", "");
	assert_status(fixture, "/d", 301);
	assert_field(fixture, "Cache-Control", "");
}

/* --- redirects --- */

static void rules_go_before_files_and_for_all_methods_but_options(void **state)
{
	static const char *const rules[] = {"/a /b 308"};
	struct fixture *fixture = *state;
	struct redirects redirects;
	struct request request = asking(METHOD_KNOWN, "/a?x");

	assert_int_equal(redirects_make(&redirects, rules, 1), 0);
	location_of(fixture)->redirects = &redirects;
	http_sites_sort(&sites);
	write_file(fixture, "a");
	write_file(fixture, "b");
	assert_status(fixture, "/a", 308);
	assert_field(fixture, "Location", "/b");
	assert_gets(fixture, "/b", "b");
	assert_int_equal(ask_with(fixture, &request), 308);
	assert_field(fixture, "Location", "/b?x");
	request = asking(METHOD_OPTIONS, "/a");
	assert_int_equal(ask_with(fixture, &request), 200);
	redirects_free(&redirects);
}

/* --- listings --- */

static void a_listing_is_asked_for_by_accept(void **state)
{
	struct fixture *fixture = *state;
	struct http_location *location = location_of(fixture);
	char tag[64];

	root_directory(&fixture->root, "d");
	write_file(fixture, "d/a");
	assert_status(fixture, "/d/", 403);
	location->listing = true;
	assert_status(fixture, "/d/", 200);
	assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
	assert_field(fixture, "Vary", "Accept");
	assert_field(fixture, "Cache-Control", "no-cache");
	assert_field(fixture, "Last-Modified", "");
	assert_field(fixture, "Accept-Ranges", "");
	snprintf(tag, sizeof(tag), "%s", field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_as(fixture, METHOD_GET, "/d/", "application/json", NULL), 200);
	assert_field(fixture, "Content-Type", "application/json");
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
	assert_int_equal(ask_as(fixture, METHOD_GET, "/d/", "application/json;q=0.5, text/html", NULL), 200);
	assert_field(fixture, "Content-Type", "text/html; charset=utf-8");
	assert_moved(fixture, "/d", "/d/");
	write_file(fixture, "d/index.html");
	assert_gets(fixture, "/d/", "d/index.html");
}

static void a_listing_is_new_or_as_the_client_has_it(void **state)
{
	struct fixture *fixture = *state;
	char tag[64];

	location_of(fixture)->listing = true;
	root_directory(&fixture->root, "d");
	write_file(fixture, "d/a");
	assert_status(fixture, "/d/", 200);
	snprintf(tag, sizeof(tag), "%s", field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_field(fixture, "/d/", FIELD_IF_NONE_MATCH, tag), 304);
	assert_field(fixture, "ETag", tag);
	assert_field(fixture, "Vary", "Accept");
	assert_int_equal(ask_field(fixture, "/d/", FIELD_IF_MATCH, "\"x\""), 412);
	assert_int_equal(ask_field(fixture, "/d/", FIELD_IF_UNMODIFIED_SINCE, LONG_AGO_DATE), 200);
	assert_int_equal(ask_field(fixture, "/d/", FIELD_IF_MODIFIED_SINCE, "Fri, 01 Jan 2100 00:00:00 GMT"), 200);
	assert_int_equal(ask_field(fixture, "/d/", FIELD_RANGE, "bytes=0-0"), 200);
	write_file(fixture, "d/b");
	pass_ms(fixture, 1000);
	assert_int_equal(ask_field(fixture, "/d/", FIELD_IF_NONE_MATCH, tag), 200);
}

/* --- who is let in --- */

static unsigned ask_from(struct fixture *fixture, const char *address, const char *target)
{
	struct request request = asking(METHOD_GET, target);
	struct client client = {.known = true, .told = true, .request = &request};

	client.address.ipv4.sin_family = AF_INET;
	if (inet_pton(AF_INET, address, &client.address.ipv4.sin_addr) != 1) {
		client.address.ipv6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, address, &client.address.ipv6.sin6_addr), 1);
	}
	request.client = &client;
	return ask_with(fixture, &request);
}

static void deny_goes_before_allow_and_allow_keeps_all_others_out(void **state)
{
	struct fixture *fixture = *state;
	struct http_location *location = location_of(fixture);
	struct networks allow = {0}, deny = {0};
	char reason[256];

	assert_int_equal(networks_parse(&allow, "10.0.0.0/8, 2001:db8::/32", reason, 256), 0);
	assert_int_equal(networks_parse(&deny, "10.1.0.0/16, 192.0.2.1", reason, 256), 0);
	location->deny = &deny;
	http_sites_sort(&sites);
	write_file(fixture, "a");
	static const struct {
		const char *address;
		unsigned allow, deny, both;
	} each[] = {
		{"10.0.0.1", 200, 200, 200},        {"10.1.0.1", 200, 403, 403},    {"192.0.2.1", 403, 403, 403},
		{"192.0.2.2", 403, 200, 403},       {"2001:db8::1", 200, 200, 200}, {"2001:db9::1", 403, 200, 403},
		{"::ffff:10.0.0.1", 200, 200, 200},
	};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		location->allow = &allow;
		location->deny = NULL;
		assert_int_equal(ask_from(fixture, each[i].address, "/a"), each[i].allow);
		location->allow = NULL;
		location->deny = &deny;
		assert_int_equal(ask_from(fixture, each[i].address, "/a"), each[i].deny);
		location->allow = &allow;
		assert_int_equal(ask_from(fixture, each[i].address, "/a"), each[i].both);
		/* Who is kept out learns nothing of what is there. */
		assert_int_equal(ask_from(fixture, each[i].address, "/none"), each[i].both == 200 ? 404 : 403);
	}
	networks_free(&allow);
	networks_free(&deny);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_tried_in_their_order),
		TEST(names_of_folders_mean_their_index),
		TEST(inventing_paths_fills_no_cache_with_what_is_tried_last),
		TEST(a_name_is_that_file_whatever_a_path_like_it_leads_to),
		TEST(every_location_looks_in_its_own_way),
		TEST(pages_have_one_address_without_an_ending),
		TEST(where_several_could_answer_each_keeps_an_address),
		TEST(no_address_leads_in_circles),
		TEST(who_navigates_gets_the_page_and_who_loads_gets_none),
		TEST(an_error_has_the_page_of_its_status_and_keeps_its_status),
		TEST(a_page_that_is_gone_leaves_the_built_in_one),
		TEST(fields_are_on_every_response_of_the_location),
		TEST(caches_are_told_about_files_and_not_about_errors),
		TEST(rules_go_before_files_and_for_all_methods_but_options),
		TEST(a_listing_is_asked_for_by_accept),
		TEST(a_listing_is_new_or_as_the_client_has_it),
		TEST(deny_goes_before_allow_and_allow_keeps_all_others_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
