/* SPDX-License-Identifier: MIT
 *
 * gzip made of files in memory: when it is, once, within bounds, and never for ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/files/gzip.h"
#include "http/site/site.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "http/files/variants.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SMALL = 300, TEXT = 900, CACHE = 20000 };

static const char *const types[] = {"text/css", "Text/Plain", NULL};
static const char *const index_names[] = {"index.html", NULL};
static struct http_location location = {
	.index_names = index_names,
	.precompressed = true,
	.gzip_types = types,
	.gzip_min_size = SMALL,
};
static struct http_site only_site = {.locations = &location, .location_count = 1};
static const struct http_sites sites = {.list = &only_site, .count = 1};

static int setup_with(void **state, size_t cache_bytes, size_t body_max)
{
	struct fixture *fixture;

	if (site_setup(state) != 0)
		return -1;
	fixture = *state;
	static_site_free(fixture->site);
	location.site = &only_site;
	only_site.root = file_root_make(fixture->root.fd, false);
	fixture->options.sites = &sites;
	fixture->options.cache_bytes = cache_bytes;
	fixture->options.cache_body_max = body_max;
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	return fixture->site ? 0 : -1;
}

static int setup(void **state)
{
	return setup_with(state, CACHE, BODY_MAX);
}

static int setup_large(void **state)
{
	return setup_with(state, 64 << 20, 256 << 10);
}

/* Text that gzip makes smaller, of its own for each number. */
static void write_text(struct fixture *fixture, const char *name, size_t size, unsigned number)
{
	char *text = malloc(size + 32);

	for (size_t at = 0; at < size;)
		at += (size_t)snprintf(text + at, 32, "line %u\n", number);
	text[size] = '\0';
	root_write(&fixture->root, name, text, LONG_AGO);
	free(text);
}

static unsigned ask_gzip(struct fixture *fixture, const char *target)
{
	return ask_field(fixture, target, FIELD_ACCEPT_ENCODING, "gzip");
}

static bool is_gzip(struct fixture *fixture)
{
	return strcmp(field_of(&fixture->response, "Content-Encoding"), "gzip") == 0;
}

static bool varies(struct fixture *fixture)
{
	return strcmp(field_of(&fixture->response, "Vary"), "Accept-Encoding") == 0;
}

static size_t inflated(struct slice octets, char *out, size_t room)
{
	z_stream stream = {.next_in = (Bytef *)octets.ptr,
			   .avail_in = (uInt)octets.len,
			   .next_out = (Bytef *)out,
			   .avail_out = (uInt)room};

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	return stream.total_out;
}

static void octets_come_back_from_it(void **state)
{
	char text[5000], packed[5000], back[5000];
	size_t size, least;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i * i % 7);
	size = gzip_compress((struct slice){text, sizeof(text)}, packed, sizeof(packed));
	assert_in_range(size, 20, sizeof(text) / 2);
	assert_int_equal(inflated((struct slice){packed, size}, back, sizeof(back)), sizeof(text));
	assert_memory_equal(back, text, sizeof(text));
	least = size;
	assert_int_equal(gzip_compress((struct slice){text, sizeof(text)}, packed, least), least);
	assert_int_equal(gzip_compress((struct slice){text, sizeof(text)}, packed, least - 1), 0);
	assert_int_equal(gzip_compress((struct slice){text, sizeof(text)}, packed, 0), 0);
}

static void a_listed_type_is_compressed_once(void **state)
{
	struct fixture *fixture = *state;
	char plain_tag[64], tag[64], back[TEXT + 100];
	const char *first;

	write_text(fixture, "a.css", TEXT, 1);
	assert_int_equal(ask(fixture, "/a.css"), 200);
	assert_false(is_gzip(fixture));
	assert_true(varies(fixture));
	strcpy(plain_tag, field_of(&fixture->response, "ETag"));

	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	assert_true(is_gzip(fixture));
	assert_true(varies(fixture));
	assert_true(fixture->response.contiguous);
	assert_field(fixture, "Content-Type", "text/css; charset=utf-8");
	assert_field(fixture, "Last-Modified", LONG_AGO_DATE);
	assert_true(fixture->response.body.len < TEXT / 2);
	assert_int_equal(atoi(field_of(&fixture->response, "Content-Length")), fixture->response.body.len);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	assert_string_not_equal(tag, plain_tag);
	assert_int_equal(tag[0], '"');
	inflated(fixture->response.body, back, sizeof(back));
	assert_memory_equal(back, "line 1\nline 1\n", 14);

	first = fixture->response.body.ptr;
	for (int i = 0; i < 3; i++, pass_ms(fixture, 1000)) {
		assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
		assert_ptr_equal(fixture->response.body.ptr, first);
	}

	/* Another version, another outcome; the same again, the same tag. */
	write_text(fixture, "a.css", TEXT, 2);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	assert_true(is_gzip(fixture));
	assert_string_not_equal(field_of(&fixture->response, "ETag"), tag);
	write_text(fixture, "a.css", TEXT, 1);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	assert_field(fixture, "ETag", tag);
}

static void what_is_not_worth_it_is_not(void **state)
{
	struct fixture *fixture = *state;
	char noise[TEXT + 1];

	write_text(fixture, "a.png", TEXT, 1);
	write_text(fixture, "small.css", SMALL - 1, 1);
	write_text(fixture, "least.css", SMALL, 1);
	write_text(fixture, "large.css", BODY_MAX + 1, 1);
	assert_int_equal(ask_gzip(fixture, "/a.png"), 200);
	assert_false(is_gzip(fixture) || varies(fixture));
	assert_int_equal(ask_gzip(fixture, "/small.css"), 200);
	assert_false(is_gzip(fixture) || varies(fixture));
	assert_int_equal(ask_gzip(fixture, "/large.css"), 200);
	assert_false(is_gzip(fixture) || varies(fixture));
	assert_int_equal(ask_gzip(fixture, "/least.css"), 200);
	assert_true(is_gzip(fixture) && varies(fixture));

	/* It would not get smaller, which each worker finds out for itself: so it varies. */
	srand(1);
	for (size_t i = 0; i < TEXT; i++)
		noise[i] = (char)(1 + rand() % 255);
	noise[TEXT] = '\0';
	root_write(&fixture->root, "noise.txt", noise, LONG_AGO);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask_gzip(fixture, "/noise.txt"), 200);
		assert_false(is_gzip(fixture));
		assert_true(varies(fixture));
	}
}

static void a_sibling_goes_before_it(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "a.css", TEXT, 1);
	root_write(&fixture->root, "a.css.gz", "SIBLING", LONG_AGO);
	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	assert_body(fixture, "SIBLING");
	root_delete(&fixture->root, "a.css.gz");
	root_write(&fixture->root, "a.css.br", "BROTLI", LONG_AGO);
	pass_ms(fixture, 1000);
	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	assert_true(is_gzip(fixture));
	assert_int_equal(ask_field(fixture, "/a.css", FIELD_ACCEPT_ENCODING, "gzip, br"), 200);
	assert_body(fixture, "BROTLI");
}

static void ranges_are_of_the_file_itself(void **state)
{
	struct fixture *fixture = *state;
	char plain_tag[64], tag[64];
	static const struct {
		const char *condition; /* P: the file's tag, G: that of gzip */
		unsigned status;
	} table[] = {{NULL, 206}, {"P", 206}, {"G", 200}, {LONG_AGO_DATE, 200}};

	write_text(fixture, "a.css", TEXT, 1);
	assert_int_equal(ask(fixture, "/a.css"), 200);
	strcpy(plain_tag, field_of(&fixture->response, "ETag"));
	assert_int_equal(ask_gzip(fixture, "/a.css"), 200);
	strcpy(tag, field_of(&fixture->response, "ETag"));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct request request = asking(METHOD_GET, "/a.css");
		const char *value = table[i].condition;

		asking_field(&request, FIELD_ACCEPT_ENCODING, "gzip");
		asking_field(&request, FIELD_RANGE, "bytes=0-5");
		if (value)
			asking_field(&request, FIELD_IF_RANGE, *value == 'P' ? plain_tag : *value == 'G' ? tag : value);
		assert_int_equal(ask_with(fixture, &request), table[i].status);
		assert_false(is_gzip(fixture));
		assert_true(varies(fixture));
		assert_field(fixture, "ETag", plain_tag);
		if (table[i].status == 206)
			assert_body(fixture, "line 1");
	}

	struct request head = asking(METHOD_HEAD, "/a.css"), dated = asking(METHOD_GET, "/a.css");

	/* A HEAD has no ranges. */
	asking_field(&head, FIELD_ACCEPT_ENCODING, "gzip");
	asking_field(&head, FIELD_RANGE, "bytes=0-5");
	assert_int_equal(ask_with(fixture, &head), 200);
	assert_true(is_gzip(fixture));
	/* Who does not accept it has not got it before. */
	asking_field(&dated, FIELD_RANGE, "bytes=0-5");
	asking_field(&dated, FIELD_IF_RANGE, LONG_AGO_DATE);
	assert_int_equal(ask_with(fixture, &dated), 206);
}

static void conditions_are_about_what_would_be_sent(void **state)
{
	struct fixture *fixture = *state;
	char tags[2][64];

	write_text(fixture, "a.css", TEXT, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask_field(fixture, "/a.css", FIELD_ACCEPT_ENCODING, i ? "gzip" : "identity"), 200);
		strcpy(tags[i], field_of(&fixture->response, "ETag"));
	}
	for (int i = 0; i < 4; i++) {
		struct request request = asking(METHOD_GET, "/a.css");

		asking_field(&request, FIELD_ACCEPT_ENCODING, i & 1 ? "gzip" : "identity");
		asking_field(&request, FIELD_IF_NONE_MATCH, tags[i / 2]);
		assert_int_equal(ask_with(fixture, &request), (i & 1) == i / 2 ? 304 : 200);
		assert_field(fixture, "ETag", tags[i & 1]);
		assert_true(varies(fixture));
	}
}

static void it_is_bounded_by_what_the_cache_may_hold(void **state)
{
	struct fixture *fixture = *state;
	struct response held;
	char name[32], target[40], back[TEXT + 100];

	/* Of many more than fit, each has its own. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 60; i++) {
			snprintf(name, sizeof(name), "%u.css", i);
			snprintf(target, sizeof(target), "/%s", name);
			if (round == 0)
				write_text(fixture, name, TEXT, i);
			assert_int_equal(ask_gzip(fixture, target), 200);
			assert_true(is_gzip(fixture));
			inflated(fixture->response.body, back, sizeof(back));
			assert_int_equal(atoi(back + 5), i);
			pass_ms(fixture, 100);
		}
	}
	/* What is being sent outlives file and cache. */
	held = fixture->response;
	fixture->response.file = NULL;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(target, sizeof(target), "/%u.css", i);
		assert_int_equal(ask_gzip(fixture, target), 200);
	}
	inflated(held.body, back, sizeof(back));
	assert_int_equal(atoi(back + 5), 59);
	file_release(held.file);
}

static void no_more_than_a_bit_is_compressed_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	unsigned made = 0, later = 0;
	char name[32], target[40];

	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "%u.css", i);
		write_text(fixture, name, 100 << 10, i);
	}
	for (unsigned i = 0; i < 8; i++) {
		snprintf(target, sizeof(target), "/%u.css", i);
		assert_int_equal(ask_gzip(fixture, target), 200);
		made += is_gzip(fixture);
		assert_true(varies(fixture));
	}
	assert_int_equal(made, 2);
	for (unsigned tick = 0; tick < 3; tick++) {
		pass_ms(fixture, 250);
		for (unsigned i = 0; i < 8; i++) {
			snprintf(target, sizeof(target), "/%u.css", i);
			assert_int_equal(ask_gzip(fixture, target), 200);
			later += tick == 2 && is_gzip(fixture);
		}
	}
	assert_int_equal(later, 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, site_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_come_back_from_it),
		TEST(a_listed_type_is_compressed_once),
		TEST(what_is_not_worth_it_is_not),
		TEST(a_sibling_goes_before_it),
		TEST(ranges_are_of_the_file_itself),
		TEST(conditions_are_about_what_would_be_sent),
		TEST(it_is_bounded_by_what_the_cache_may_hold),
		cmocka_unit_test_setup_teardown(no_more_than_a_bit_is_compressed_at_a_time, setup_large, site_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
