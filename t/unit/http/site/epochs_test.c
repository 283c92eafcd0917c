/* SPDX-License-Identifier: MIT
 *
 * What workers tell each other of changed files: the words, and two caches side by side that share them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/site/epochs.h"
#include "http/files/file.h"
#include "http/files/listing.h"
#include "http/files/static.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- words --- */

static struct epoch begin(struct epochs *epochs, const char *name)
{
	return epoch_begin(epochs, 1, EPOCH_FILE, slice_of(name));
}

static void what_was_told_holds_until_something_else_is(void **state)
{
	struct fixture *fixture = *state;
	struct epoch one = begin(fixture->epochs, "a"), other;

	epoch_tell(&one, 1000);
	assert_true(epoch_holds(&one));
	/* The same seen by others is no news. */
	other = begin(fixture->epochs, "a");
	epoch_tell(&other, 1000);
	assert_true(epoch_holds(&one));
	assert_true(epoch_holds(&other));
	/* Another version is; and going back is once more. */
	other = epoch_again(&other);
	epoch_tell(&other, 2000);
	assert_false(epoch_holds(&one));
	assert_true(epoch_holds(&other));
	one = epoch_again(&one);
	epoch_tell(&one, 1000);
	assert_false(epoch_holds(&other));
	assert_true(epoch_holds(&one));
}

static void names_kinds_and_roots_have_words_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	uint64_t *word = begin(fixture->epochs, "a").word;

	assert_ptr_equal(begin(fixture->epochs, "./a").word, word);
	assert_ptr_not_equal(begin(fixture->epochs, "b").word, word);
	assert_ptr_not_equal(epoch_begin(fixture->epochs, 1, EPOCH_PATH, SLICE("a")).word, word);
	assert_ptr_not_equal(epoch_begin(fixture->epochs, 2, EPOCH_FILE, SLICE("a")).word, word);
}

/* Who looked before something was told has perhaps seen what was there before it. */
static void who_was_slow_has_nothing_that_holds(void **state)
{
	struct fixture *fixture = *state;
	struct epoch slow = begin(fixture->epochs, "a"), slower = slow, quick = slow;

	epoch_tell(&quick, 2000);
	epoch_tell(&slow, 1000);
	assert_false(epoch_holds(&slow));
	assert_false(epoch_holds(&quick));
	/* Nobody knows now; so the older one must not count as the last one. */
	epoch_tell(&slower, 1000);
	assert_false(epoch_holds(&slower));
	quick = epoch_again(&quick);
	epoch_tell(&quick, 2000);
	assert_true(epoch_holds(&quick));
	/* What is the same as the last one is as new, whenever it was seen. */
	slow = (struct epoch){slow.word, 0};
	epoch_tell(&slow, 2000);
	assert_true(epoch_holds(&slow));
	assert_true(epoch_holds(&quick));
}

/* Of all numbers, also those whose part in the word is 0. */
static void every_version_is_one(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t versions[] = {0, UINT64_C(1) << 40, UINT64_MAX, UINT64_C(1) << 63};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct epoch before = begin(fixture->epochs, "a"), epoch;

		epoch_tell(&before, 77);
		epoch = begin(fixture->epochs, "a");
		epoch_tell(&epoch, versions[i]);
		assert_true(epoch_holds(&epoch));
		assert_false(epoch_holds(&before));
	}
	/* Whatever somebody has written there. */
	for (uint64_t octets = 1; octets != 0; octets <<= 1) {
		struct epoch epoch = begin(fixture->epochs, "a");

		*epoch.word = ~octets;
		epoch = begin(fixture->epochs, "a");
		epoch_tell(&epoch, 5);
		assert_true(epoch_holds(&epoch));
	}
}

static void another_image_goes_on_with_the_table(void **state)
{
	struct fixture *fixture = *state;
	struct epoch old = begin(fixture->epochs, "a"), next;
	struct epochs *epochs = epochs_take(dup(epochs_fd(fixture->epochs)), epochs_seed(fixture->epochs));
	int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_non_null(epochs);
	epoch_tell(&old, 1);
	next = begin(epochs, "a");
	epoch_tell(&next, 2);
	assert_false(epoch_holds(&old));
	epochs_free(epochs);
	assert_null(epochs_take(other, 0));
	assert_int_equal(ftruncate(other, 4096), 0);
	assert_null(epochs_take(other, 0));
	assert_null(epochs_take(fixture->root.fd, 0));
	close(other);
	/* Who has it cannot take memory away from the others. */
	assert_int_equal(ftruncate(epochs_fd(fixture->epochs), 0), -1);
}

/* --- two workers --- */

struct both {
	struct fixture *fixture;
	struct static_site *one, *other;
	struct response_builder *builders[2];
};

static void use(struct both *both, struct static_site *site)
{
	both->fixture->site = site;
	both->fixture->builder = both->builders[site == both->other];
}

/* What both have in their caches from now on, or find. */
static void assert_both_have(struct both *both, const char *target, unsigned status, const char *body)
{
	for (unsigned i = 0; i < 2; i++) {
		use(both, i ? both->other : both->one);
		assert_int_equal(ask(both->fixture, target), status);
		if (body)
			assert_body(both->fixture, body);
	}
}

/* One of the two finds out by itself, after a second; the other one has looked not long ago. */
static void assert_seen_by_both(struct both *both, const char *target, unsigned status, const char *body)
{
	both->fixture->now_ms += 1000;
	static_site_tick(both->one, both->fixture->now_ms);
	assert_both_have(both, target, status, body);
	/* And there is nothing that one would tell the other for ever. */
	assert_both_have(both, target, status, body);
}

static void both_begin(struct both *both, struct fixture *fixture)
{
	static struct http_sites sites;

	both->fixture = fixture;
	sites = (struct http_sites){.list = &fixture->root.site, .count = 1};
	fixture->options.sites = &sites;
	fixture->root.location.precompressed = true;
	fixture->root.location.cache_control = fixture->root.location.cache_control_hashed = SLICE("");
	static_site_free(fixture->site);
	both->one = static_site_new(&fixture->options, fixture->builder);
	both->builders[0] = fixture->builder;
	both->builders[1] = response_builder_new(NULL);
	both->other = static_site_new(&fixture->options, both->builders[1]);
	fixture->now_ms = 5000;
	static_site_tick(both->one, 5000);
	static_site_tick(both->other, 5000);
}

static void both_end(struct both *both)
{
	struct fixture *fixture = both->fixture;

	file_release(fixture->response.file);
	fixture->response.file = NULL;
	static_site_free(both->other);
	response_builder_free(both->builders[1]);
	use(both, both->one);
}

static void a_change_of_a_file_is_seen_by_both(void **state)
{
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_both_have(&both, "/a", 200, "one");
	root_replace(&fixture->root, "a", "two", LONG_AGO);
	assert_seen_by_both(&both, "/a", 200, "two");
	root_write(&fixture->root, "a", "333", LONG_AGO + 1);
	assert_seen_by_both(&both, "/a", 200, "333");
	root_write_large(&fixture->root, "a", BODY_MAX + 1, LONG_AGO);
	assert_seen_by_both(&both, "/a", 200, NULL);
	assert_field(fixture, "Content-Length", "1001");
	root_write(&fixture->root, "a", "small", LONG_AGO);
	assert_seen_by_both(&both, "/a", 200, "small");
	root_delete(&fixture->root, "a");
	assert_seen_by_both(&both, "/a", 404, NULL);
	root_write(&fixture->root, "a", "again", LONG_AGO);
	assert_seen_by_both(&both, "/a", 200, "again");
	root_delete(&fixture->root, "a");
	root_directory(&fixture->root, "a");
	assert_seen_by_both(&both, "/a", 301, NULL);
	both_end(&both);
}

/* One that has it in no cache is the first to see it. */
static void who_comes_anew_tells_it_too(void **state)
{
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	for (unsigned removed = 0; removed < 2; removed++) {
		root_write(&fixture->root, "a", "one", LONG_AGO);
		use(&both, both.one);
		assert_int_equal(ask(fixture, "/a"), 200);
		if (removed)
			root_delete(&fixture->root, "a");
		else
			root_replace(&fixture->root, "a", "two", LONG_AGO);
		use(&both, both.other);
		assert_int_equal(ask(fixture, "/a"), removed ? 404 : 200);
		use(&both, both.one);
		assert_int_equal(ask(fixture, "/a"), removed ? 404 : 200);
		if (!removed)
			assert_body(fixture, "two");
		pass_ms(fixture, 1000);
		use(&both, both.other);
		pass_ms(fixture, 0);
	}
	both_end(&both);
}

/* A -> B -> A with equal stamps: by a link that goes back. */
static void going_back_is_a_change_too(void **state)
{
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	root_directory(&fixture->root, "1");
	root_directory(&fixture->root, "2");
	root_write(&fixture->root, "1/a", "one", LONG_AGO);
	root_write(&fixture->root, "2/a", "two", LONG_AGO);
	root_link(&fixture->root, "now", "1");
	use(&both, both.one);
	assert_int_equal(ask(fixture, "/now/a"), 200);
	root_delete(&fixture->root, "now");
	root_link(&fixture->root, "now", "2");
	use(&both, both.other);
	assert_int_equal(ask(fixture, "/now/a"), 200);
	assert_body(fixture, "two");
	root_delete(&fixture->root, "now");
	root_link(&fixture->root, "now", "1");
	assert_both_have(&both, "/now/a", 200, "one");
	assert_int_equal(ask(fixture, "/now/a"), 200);
	both_end(&both);
}

static void siblings_are_seen_by_both(void **state)
{
	struct fixture *fixture = *state;
	struct both both;
	const char *const bodies[] = {"SIBLING", "PLAIN", "ANOTHER"};

	both_begin(&both, fixture);
	root_write(&fixture->root, "a.css", "PLAIN", LONG_AGO);
	root_write(&fixture->root, "a.css.br", "SIBLING", LONG_AGO);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			root_delete(&fixture->root, "a.css.br");
		if (i == 2)
			root_write(&fixture->root, "a.css.br", "ANOTHER", LONG_AGO);
		fixture->now_ms += i > 0 ? 1000 : 0;
		static_site_tick(both.one, fixture->now_ms);
		for (unsigned k = 0; k < 4; k++) {
			use(&both, k % 2 ? both.other : both.one);
			assert_int_equal(ask_field(fixture, "/a.css", FIELD_ACCEPT_ENCODING, "br"), 200);
			assert_body(fixture, bodies[i]);
		}
	}
	both_end(&both);
}

static void another_file_for_a_path_is_seen_by_both(void **state)
{
	static const char *const index_names[] = {"index.html", "index.txt", NULL};
	static const char *const try_names[] = {"/down.html", "{path}", "{path}.html", "/app.html", NULL};
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	fixture->root.location.index_names = index_names;
	root_directory(&fixture->root, "d");
	root_write(&fixture->root, "d/index.txt", "second", LONG_AGO);
	assert_both_have(&both, "/d/", 200, "second");
	root_write(&fixture->root, "d/index.html", "first", LONG_AGO);
	assert_seen_by_both(&both, "/d/", 200, "first");
	root_delete(&fixture->root, "d/index.html");
	assert_seen_by_both(&both, "/d/", 200, "second");

	fixture->root.location.try_names = try_names;
	root_write(&fixture->root, "app.html", "app", LONG_AGO);
	assert_both_have(&both, "/p", 200, "app");
	root_write(&fixture->root, "p.html", "p.html", LONG_AGO);
	assert_both_have(&both, "/p", 200, "p.html");
	root_write(&fixture->root, "p", "p", LONG_AGO);
	assert_seen_by_both(&both, "/p", 200, "p");
	root_write(&fixture->root, "down.html", "down", LONG_AGO);
	assert_seen_by_both(&both, "/p", 200, "down");
	root_delete(&fixture->root, "down.html");
	assert_seen_by_both(&both, "/p", 200, "p");
	root_replace(&fixture->root, "app.html", "app 2", LONG_AGO);
	root_delete(&fixture->root, "p");
	root_delete(&fixture->root, "p.html");
	assert_seen_by_both(&both, "/p", 200, "app 2");
	both_end(&both);
}

static void clean_urls_are_seen_by_both(void **state)
{
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	fixture->root.location.clean_urls = fixture->root.location.guarded = true;
	root_write(&fixture->root, "about.html", "one", LONG_AGO);
	assert_both_have(&both, "/about", 200, "one");
	assert_both_have(&both, "/about.html", 301, NULL);
	root_replace(&fixture->root, "about.html", "two", LONG_AGO);
	assert_seen_by_both(&both, "/about", 200, "two");
	root_write(&fixture->root, "about", "itself", LONG_AGO);
	assert_seen_by_both(&both, "/about", 200, "itself");
	root_delete(&fixture->root, "about");
	assert_seen_by_both(&both, "/about", 200, "two");
	root_delete(&fixture->root, "about.html");
	assert_seen_by_both(&both, "/about.html", 404, NULL);
	assert_both_have(&both, "/about", 404, NULL);
	both_end(&both);
}

static void pages_in_place_of_others_are_seen_by_both(void **state)
{
	static const struct error_page pages[] = {{404, "404.html"}, {0, NULL}};
	struct fixture *fixture = *state;
	struct both both;

	both_begin(&both, fixture);
	fixture->root.location.error_pages = pages;
	root_write(&fixture->root, "404.html", "one", LONG_AGO);
	assert_both_have(&both, "/none", 404, "one");
	root_replace(&fixture->root, "404.html", "two", LONG_AGO);
	assert_seen_by_both(&both, "/none", 404, "two");
	/* Whatever it is found as. */
	assert_both_have(&both, "/404.html", 200, "two");
	root_write(&fixture->root, "404.html", "three", LONG_AGO);
	assert_seen_by_both(&both, "/404.html", 200, "three");
	assert_both_have(&both, "/none", 404, "three");
	both_end(&both);
}

static void assert_listed(struct fixture *fixture, struct listings *listings, enum listing_form form, bool wanted)
{
	struct file *file;
	char *text;

	assert_int_equal(listings_get(listings, &fixture->root.location, SLICE("d/"), form, fixture->now_ms, &file), 0);
	text = strndup(file->body.ptr, file->body.len);
	assert_true((strstr(text, "new") != NULL) == wanted);
	free(text);
	file_release(file);
}

/* In whatever form. */
static void listings_are_seen_by_both(void **state)
{
	struct fixture *fixture = *state;
	struct listings *one = listings_new(fixture->epochs), *other = listings_new(fixture->epochs);

	fixture->now_ms = 5000;
	root_directory(&fixture->root, "d");
	assert_listed(fixture, one, LISTING_HTML, false);
	fixture->now_ms += 999;
	assert_listed(fixture, other, LISTING_HTML, false);
	assert_listed(fixture, other, LISTING_JSON, false);
	root_write(&fixture->root, "d/new", "x", LONG_AGO);
	assert_listed(fixture, one, LISTING_HTML, false);
	assert_listed(fixture, other, LISTING_JSON, false);
	fixture->now_ms += 1;
	assert_listed(fixture, one, LISTING_HTML, true);
	assert_listed(fixture, other, LISTING_JSON, true);
	assert_listed(fixture, other, LISTING_HTML, true);
	listings_free(one);
	listings_free(other);
}

/* A tag that was good is none any more, and a range is of the new one. */
static void conditions_and_ranges_go_by_what_both_have_seen(void **state)
{
	struct fixture *fixture = *state;
	struct both both;
	char tag[64];

	both_begin(&both, fixture);
	root_write(&fixture->root, "a", "one", LONG_AGO);
	assert_both_have(&both, "/a", 200, "one");
	snprintf(tag, sizeof(tag), "%s", field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_NONE_MATCH, tag), 304);
	root_write(&fixture->root, "a", "second", LONG_AGO);
	fixture->now_ms += 1000;
	static_site_tick(both.one, fixture->now_ms);
	use(&both, both.one);
	assert_int_equal(ask(fixture, "/a"), 200);
	use(&both, both.other);
	assert_int_equal(ask_field(fixture, "/a", FIELD_IF_NONE_MATCH, tag), 200);
	assert_int_equal(ask_field(fixture, "/a", FIELD_RANGE, "bytes=4-"), 206);
	assert_body(fixture, "nd");
	both_end(&both);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_told_holds_until_something_else_is),
		TEST(names_kinds_and_roots_have_words_of_their_own),
		TEST(who_was_slow_has_nothing_that_holds),
		TEST(every_version_is_one),
		TEST(another_image_goes_on_with_the_table),
		TEST(a_change_of_a_file_is_seen_by_both),
		TEST(who_comes_anew_tells_it_too),
		TEST(going_back_is_a_change_too),
		TEST(siblings_are_seen_by_both),
		TEST(another_file_for_a_path_is_seen_by_both),
		TEST(clean_urls_are_seen_by_both),
		TEST(pages_in_place_of_others_are_seen_by_both),
		TEST(listings_are_seen_by_both),
		TEST(conditions_and_ranges_go_by_what_both_have_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
