/* SPDX-License-Identifier: MIT
 *
 * Content codings: which one is chosen for what Accept-Encoding says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/message/coding.h"

enum {
	BR = 1u << CODING_BROTLI,
	ZSTD = 1u << CODING_ZSTD,
	GZIP = 1u << CODING_GZIP,
	ALL = BR | ZSTD | GZIP,
};

struct choice {
	const char *value;
	unsigned available;
	enum coding chosen;
};

static void assert_choices(const struct choice *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct request request = asking(METHOD_GET, "/");

		asking_field(&request, FIELD_ACCEPT_ENCODING, table[i].value);
		if (coding_choose(&(struct coding_memory){0}, &request, table[i].available) != table[i].chosen)
			fail_msg("\"%s\" of %x", table[i].value, table[i].available);
	}
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void what_is_named_is_chosen(void **state)
{
	static const struct choice table[] = {
		{"gzip", ALL, CODING_GZIP},
		{"br", ALL, CODING_BROTLI},
		{"zstd", ALL, CODING_ZSTD},
		{"gzip, deflate, br", ALL, CODING_BROTLI},
		{"gzip, deflate, br", ZSTD | GZIP, CODING_GZIP},
		{"gzip, deflate, br, zstd", ZSTD | GZIP, CODING_ZSTD},
		{"gzip, deflate, br", 0, CODING_IDENTITY},
		{"gzip, deflate, br", ZSTD, CODING_IDENTITY},
		{"deflate", ALL, CODING_IDENTITY},
		{"compress, lzma", ALL, CODING_IDENTITY},
		{"identity", ALL, CODING_IDENTITY},
		{"", ALL, CODING_IDENTITY},
		{"GZIP", ALL, CODING_GZIP},
		{"Br", ALL, CODING_BROTLI},
		{"x-gzip", ALL, CODING_GZIP},
		{"gzipx", ALL, CODING_IDENTITY},
		{"gzi", ALL, CODING_IDENTITY},
		{"b", ALL, CODING_IDENTITY},
		{",,gzip,,", ALL, CODING_GZIP},
		{"deflate\t, \t gzip", ALL, CODING_GZIP},
		{"gzip,br", GZIP, CODING_GZIP},
	};

	(void)state;
	assert_choices(table, COUNT(table));
}

static void weights_decide(void **state)
{
	static const struct choice table[] = {
		{"gzip;q=1.0, br;q=0.9", ALL, CODING_GZIP},
		{"gzip;q=0.5, br;q=0.501", ALL, CODING_BROTLI},
		{"gzip;q=0.002, br;q=0.001", ALL, CODING_GZIP},
		{"gzip;q=0.5", ALL, CODING_GZIP},
		{"gzip;q=0", ALL, CODING_IDENTITY},
		{"gzip;q=0.0", ALL, CODING_IDENTITY},
		{"gzip;q=0.000", ALL, CODING_IDENTITY},
		{"gzip;q=0., br;q=1.", ALL, CODING_BROTLI},
		{"gzip;q=0, br", GZIP, CODING_IDENTITY},
		{"gzip;Q=0.3, br;Q=0.2", ALL, CODING_GZIP},
		{"gzip ; q=0.3 , br ;\tq=0.2", ALL, CODING_GZIP},
		{"gzip;q=0.2, identity;q=0.8", ALL, CODING_IDENTITY},
		{"gzip;q=0.8, identity;q=0.2", ALL, CODING_GZIP},
		{"gzip;q=0.8, identity;q=0.8", ALL, CODING_GZIP},
		{"gzip, identity", ALL, CODING_GZIP},
		{"identity, br", ALL, CODING_BROTLI},
		{"gzip;q=0.4, gzip;q=0, br;q=0.3", ALL, CODING_GZIP}, /* the first counts */
		{"gzip;q=1.000, br;q=1", ALL, CODING_BROTLI},
	};

	(void)state;
	assert_choices(table, COUNT(table));
}

static void a_star_stands_for_all_that_are_not_named(void **state)
{
	static const struct choice table[] = {
		{"*", ALL, CODING_BROTLI},
		{"*", GZIP, CODING_GZIP},
		{"*", 0, CODING_IDENTITY},
		{"*;q=0", ALL, CODING_IDENTITY},
		{"*;q=0, gzip", ALL, CODING_GZIP},
		{"br;q=0, *", ALL, CODING_ZSTD},
		{"*, br;q=0, zstd;q=0", ALL, CODING_GZIP},
		{"gzip;q=0.5, *;q=0.1", ALL, CODING_GZIP},
		{"gzip;q=0.1, *;q=0.5", ALL, CODING_BROTLI},
		{"gzip;q=0.1, *;q=0.5", GZIP, CODING_IDENTITY}, /* which the star stands for, too */
		{"identity, *;q=0", ALL, CODING_IDENTITY},
		{"identity;q=0.1, *;q=0.5", ALL, CODING_BROTLI},
		{"identity;q=0.5, *;q=0.1", ALL, CODING_IDENTITY},
	};

	(void)state;
	assert_choices(table, COUNT(table));
}

static void identity_can_be_refused_for_another_only(void **state)
{
	static const struct choice table[] = {
		{"identity;q=0", 0, CODING_IDENTITY},        {"identity;q=0", ALL, CODING_IDENTITY},
		{"identity;q=0, gzip", ALL, CODING_GZIP},    {"identity;q=0, gzip;q=0.001", ALL, CODING_GZIP},
		{"identity;q=0, gzip", BR, CODING_IDENTITY}, {"identity;q=0, *;q=0.3", ALL, CODING_BROTLI},
	};

	(void)state;
	assert_choices(table, COUNT(table));
}

static void malformed_fields_are_ignored(void **state)
{
	static const char *const table[] = {
		"gzip;q=2",    "gzip;q=1.1",   "gzip;q=1.001", "gzip;q=-1",    "gzip;q=0.1234", "gzip;q=1.0000",
		"gzip;q=",     "gzip;q",       "gzip;",        "gzip;q=.5",    "gzip;q=a",      "gzip;q =0.5",
		"gzip;q= 0.5", "gzip;level=9", "gzip;q=1;x=1", "gzip br",      "gzip/br",       "gzip=1",
		";q=1",        "\"gzip\"",     "gzip, br;q=x", "br;q=x, gzip", "gzip, (br)",    "gzip\x80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct choice choice = {table[i], ALL, CODING_IDENTITY};

		assert_choices(&choice, 1);
	}
}

static void a_choice_that_is_remembered_is_the_same(void **state)
{
	static const char *const values[] = {
		"gzip",
		"br",
		"gzip",
		"gzip",
		"",
		"gzi",
		"gzip, br",
		"gzip",
		"*;q=0",
		"x",
		"gzip,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", /* 64 and more */
		"gzip,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,",
		"gzip,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,br",
		"br",
	};
	static const unsigned available[] = {ALL, ALL, GZIP, 0, BR};
	struct coding_memory memory = {0};

	(void)state;
	for (size_t round = 0; round < COUNT(values) * COUNT(available) * 3; round++) {
		struct request request = asking(METHOD_GET, "/");
		unsigned codings = available[round / 2 % COUNT(available)];

		asking_field(&request, FIELD_ACCEPT_ENCODING, values[round % COUNT(values)]);
		if (round % 7 == 0)
			asking_field(&request, FIELD_ACCEPT_ENCODING, "zstd");
		assert_int_equal(coding_choose(&memory, &request, codings),
				 coding_choose(&(struct coding_memory){0}, &request, codings));
		assert_int_equal(coding_choose(&memory, &request, codings),
				 coding_choose(&(struct coding_memory){0}, &request, codings));
	}
	struct request none = asking(METHOD_GET, "/");

	assert_int_equal(coding_choose(&memory, &none, ALL), CODING_IDENTITY);
}

static void several_lines_are_one_list(void **state)
{
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	assert_int_equal(coding_choose(&(struct coding_memory){0}, &request, ALL), CODING_IDENTITY);
	asking_field(&request, FIELD_ACCEPT_ENCODING, "gzip;q=0.5");
	asking_field(&request, FIELD_REFERER, "br");
	asking_field(&request, FIELD_ACCEPT_ENCODING, "zstd;q=0.7, identity;q=0.6");
	assert_int_equal(coding_choose(&(struct coding_memory){0}, &request, ALL), CODING_ZSTD);
	assert_int_equal(coding_choose(&(struct coding_memory){0}, &request, GZIP), CODING_IDENTITY);
	asking_field(&request, FIELD_ACCEPT_ENCODING, "br;q=7");
	assert_int_equal(coding_choose(&(struct coding_memory){0}, &request, ALL), CODING_IDENTITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_named_is_chosen),
		cmocka_unit_test(weights_decide),
		cmocka_unit_test(a_star_stands_for_all_that_are_not_named),
		cmocka_unit_test(identity_can_be_refused_for_another_only),
		cmocka_unit_test(malformed_fields_are_ignored),
		cmocka_unit_test(a_choice_that_is_remembered_is_the_same),
		cmocka_unit_test(several_lines_are_one_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
