/* SPDX-License-Identifier: MIT
 *
 * Redirects: where a path leads, and that nobody else says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/head.h"
#include "http/message/path.h"
#include "http/site/redirect.h"

#include <stdio.h>

static const char *const rules[] = {
	"/old /new",
	"/old/ /new/ 302",
	"/b%6cog/* /news/* 308",
	"/blog/2019/* https://archive.example/y/*  307",
	"/blog/pinned  /pinned?a=b 303",
	"/all/* /one",
	"/x/* /*",
	"/away /elsewhere?x#part",
	"/w/* https://w.example/*",
	"/ /home 302",
	"/twice /first",
	"/twice /second",
	"/caf%c3%a9 /coffee",
};

static void assert_leads(const struct redirects *set, const char *target, const char *wanted)
{
	char room[512], text[512], got[600];
	struct head out = {text, text, text + sizeof(text), false};
	const struct redirect *redirect;
	struct path path;

	assert_int_equal(path_parse(slice_of(target), room, &path), 0);
	redirect = redirects_find(set, &path);
	if (!redirect) {
		assert_string_equal(wanted, "");
		return;
	}
	assert_true(redirect_write(redirect, &path, &out));
	snprintf(got, sizeof(got), "%u %.*s", redirect->status, (int)head_written(&out).len, text);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s leads to %s, not %s", target, got, wanted);
}

static void a_path_leads_where_its_rule_says(void **state)
{
	static const char *const wanted[][2] = {
		{"/old", "301 /new"},
		{"/old?q=1&r", "301 /new?q=1&r"},
		{"/./x/../%6fld", "301 /new"},
		{"//old", "301 /new"},
		{"/old/", "302 /new/"},
		{"/old/x", ""},
		{"/older", ""},
		{"/OLD", ""},
		{"/blog/", "308 /news/"},
		{"/blog/a/b?c", "308 /news/a/b?c"},
		{"/blog", ""},
		{"/blog/2019/x", "307 https://archive.example/y/x"},
		{"/blog/2019", "308 /news/2019"},
		{"/blog/pinned", "303 /pinned?a=b"},
		{"/blog/pinned?c=d", "303 /pinned?a=b&c=d"},
		{"/blog/pinned?", "303 /pinned?a=b"},
		{"/all/a/b", "301 /one"},
		{"/away?y", "301 /elsewhere?x&y#part"},
		{"/", "302 /home"},
		{"/twice", "301 /second"},
		{"/caf%C3%A9", "301 /coffee"},
		{"http://other/old", "301 /new"},
	};
	struct redirects set;

	(void)state;
	assert_int_equal(redirects_make(&set, rules, sizeof(rules) / sizeof(rules[0])), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_leads(&set, wanted[i][0], wanted[i][1]);
	redirects_free(&set);
}

/* Whatever is asked for: one slash and no more in front, or the rule's own host. */
static void no_request_names_the_host(void **state)
{
	static const char *const wanted[][2] = {
		{"/x//evil.example", "301 /evil.example"},
		{"/x///evil.example", "301 /evil.example"},
		{"//x//evil.example", "301 /evil.example"},
		{"/x/./%2e//evil.example", "301 /evil.example"},
		{"/x/\\evil.example", "301 /%5Cevil.example"},
		{"/x/%5c%5cevil.example", "301 /%5C%5Cevil.example"},
		{"/x/%0d%0aSet-Cookie:a", "301 /%0D%0ASet-Cookie:a"},
		{"/x/https://evil.example", "301 /https:/evil.example"},
		{"/w/@evil.example", "301 https://w.example/@evil.example"},
		{"/w//evil.example", "301 https://w.example/evil.example"},
		{"/x/?//evil.example", "301 /?//evil.example"},
		{"/old?\"><script>", "301 /new?%22%3E%3Cscript%3E"},
	};
	struct redirects set;

	(void)state;
	assert_int_equal(redirects_make(&set, rules, sizeof(rules) / sizeof(rules[0])), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_leads(&set, wanted[i][0], wanted[i][1]);
	redirects_free(&set);
}

static void rules_that_cannot_be_meant_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{"", "want \"FROM TO [STATUS]\", FROM being a path, as in \"/old /new 301\""},
		{"old /new", "want \"FROM TO [STATUS]\", FROM being a path, as in \"/old /new 301\""},
		{"/old", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old new", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old ftp://x/", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old http://", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old http://a@b/", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old /n\xc3\xa4", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old /a\\b", "want a path or an http or https URL as TO, encoded as in a URL"},
		{"/old //evil.example", "TO begins with two slashes: write https:// and the host"},
		{"/old /new 300", "want 301, 302, 303, 307 or 308 as STATUS"},
		{"/old /new 304", "want 301, 302, 303, 307 or 308 as STATUS"},
		{"/old /new 3010", "want 301, 302, 303, 307 or 308 as STATUS"},
		{"/old /new 301 x", "want \"FROM TO [STATUS]\" and no more"},
		{"/old?x /new", "a query in FROM is never looked at"},
		{"/.git /x", "no such path is ever asked for (it is hidden, or not encoded as in a URL)"},
		{"/\xc3\xa4 /x", "no such path is ever asked for (it is hidden, or not encoded as in a URL)"},
		{"/old* /x", "a \"*\" stands for whole segments: it comes behind a slash"},
		{"/old/* /x*", "a \"*\" stands for whole segments: it comes behind a slash"},
		{"/old/* https://x.example*", "a \"*\" stands for whole segments: it comes behind a slash"},
		{"/old/* https://*", "a \"*\" stands for whole segments: it comes behind a slash"},
		{"/old /x/*", "TO ends with \"*\", but FROM does not"},
		{"/old/* /x?y=/*", "a \"*\" cannot be in a query"},
		{"/old /old", "it leads back to itself"},
		{"/old //old", "TO begins with two slashes: write https:// and the host"},
		{"/old /%6fld?x", "it leads back to itself"},
		{"/a/* /a/b/*", "it leads back to itself"},
		{"/a/* /a/b", "it leads back to itself"},
		{"/* /x/*", "it leads back to itself"},
	};
	char reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (redirect_is_valid(wrong[i][0], reason, sizeof(reason)))
			fail_msg("'%s' is taken", wrong[i][0]);
		if (strcmp(reason, wrong[i][1]) != 0)
			fail_msg("'%s': %s", wrong[i][0], reason);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		assert_true(redirect_is_valid(rules[i], reason, sizeof(reason)));
}

static void a_location_needs_its_room(void **state)
{
	static const char *const one[] = {"/a/* /bb/*"};
	char room[64], text[64];
	struct head out = {text, text, text + 8, false};
	struct redirects set;
	struct path path;

	(void)state;
	assert_int_equal(redirects_make(&set, one, 1), 0);
	assert_int_equal(path_parse(SLICE("/a/cd?e"), room, &path), 0);
	assert_true(redirect_write(redirects_find(&set, &path), &path, &out));
	out = (struct head){text, text, text + 7, false};
	assert_false(redirect_write(redirects_find(&set, &path), &path, &out));
	redirects_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_leads_where_its_rule_says),
		cmocka_unit_test(no_request_names_the_host),
		cmocka_unit_test(rules_that_cannot_be_meant_are_refused),
		cmocka_unit_test(a_location_needs_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
