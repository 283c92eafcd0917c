/* SPDX-License-Identifier: MIT
 *
 * X-Forwarded-For and Forwarded (RFC 7239), element by element from the right. */
#include "http/client/forwarded.h"

#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* One element as a text: "192.0.2.1", "192.0.2.1:80", "none", "garbage", "end". */
static const char *take(enum forwarded_syntax syntax, struct slice *value, char *room, size_t size)
{
	struct forwarded_hop hop;
	size_t used;

	forwarded_take_last(syntax, value, &hop);
	switch (hop.node) {
	case FORWARDED_END:
		return "end";
	case FORWARDED_NO_ADDRESS:
		return "none";
	case FORWARDED_GARBAGE:
		return "garbage";
	case FORWARDED_ADDRESS:
		break;
	}
	address_host(&hop.address.any, room, size);
	used = strlen(room);
	if (hop.address.ipv4.sin_port != 0) /* at the same place for both families */
		snprintf(room + used, size - used, " %u", ntohs(hop.address.ipv4.sin_port));
	return room;
}

static void assert_is(enum forwarded_syntax syntax, const char *text, const char *wanted)
{
	struct slice value = slice_of(text);
	char room[80];
	const char *got = take(syntax, &value, room, sizeof(room));

	if (strcmp(got, wanted) != 0)
		fail_msg("'%s' is %s, not %s", text, got, wanted);
}

static void an_x_forwarded_for_element_is_an_address_perhaps_with_a_port(void **state)
{
	static const char *const cases[][2] = {
		{"192.0.2.43", "192.0.2.43"},
		{" 192.0.2.43\t", "192.0.2.43"},
		{"192.0.2.43:4711", "192.0.2.43 4711"},
		{"192.0.2.43:0", "192.0.2.43"},
		{"192.0.2.43:65535", "192.0.2.43 65535"},
		{"2001:db8::17", "2001:db8::17"},
		{"[2001:db8::17]", "2001:db8::17"},
		{"[2001:db8::17]:4711", "2001:db8::17 4711"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"unknown", "none"},
		{"UNKNOWN", "none"},
		{"_hidden", "garbage"},
		{"192.0.2.43:", "garbage"},
		{"192.0.2.43:65536", "garbage"},
		{"192.0.2.43:123456", "garbage"},
		{"192.0.2.43:x", "garbage"},
		{"192.0.2.43:_x", "garbage"},
		{"192.0.2.256", "garbage"},
		{"192.0.2.043", "garbage"},
		{"192.0.2", "garbage"},
		{"192.0.2.43 ", "192.0.2.43"},
		{"192.0.2.43 10.0.0.1", "garbage"},
		{"[192.0.2.43]", "garbage"},
		{"[2001:db8::17", "garbage"},
		{"[2001:db8::17]4711", "garbage"},
		{"[2001:db8::17]:", "garbage"},
		{"[]", "garbage"},
		{"[", "garbage"},
		{":", "garbage"},
		{"\"192.0.2.43\"", "garbage"},
		{"fe80::1%eth0", "garbage"},
		{"localhost", "garbage"},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999", "garbage"},
		{"", "end"},
		{" ", "end"},
		{",", "end"},
		{", ,\t,", "end"},
		{"192.0.2.43,", "192.0.2.43"},
		{"192.0.2.43, ,", "192.0.2.43"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_is(FORWARDED_X_FOR, cases[i][0], cases[i][1]);
}

static void a_forwarded_element_has_the_grammar_of_its_rfc(void **state)
{
	static const char *const cases[][2] = {
		/* The examples of RFC 7239, sections 4 and 7. */
		{"for=\"_gazonk\"", "none"},
		{"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17 4711"},
		{"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"},
		{"for=192.0.2.43, for=198.51.100.17", "198.51.100.17"},
		{"for=_hidden, for=_SEVKISEK", "none"},
		{"for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown", "none"},
		{"for=192.0.2.43, for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"},
		/* node-port: section 6. */
		{"for=\"192.0.2.43:47011\"", "192.0.2.43 47011"},
		{"for=\"192.0.2.43:_port\"", "192.0.2.43"},
		{"for=\"[2001:db8::1]:_port\"", "2001:db8::1"},
		{"for=\"unknown:80\"", "none"},
		{"for=\"_a.b-c_D9:_x\"", "none"},
		{"for=\"192.0.2.43:\"", "garbage"},
		{"for=\"192.0.2.43:_\"", "garbage"},
		{"for=\"192.0.2.43:65536\"", "garbage"},
		{"for=\"192.0.2.43:123456\"", "garbage"},
		{"for=_", "garbage"},
		{"for=\"_a b\"", "garbage"},
		{"for=\"_a:\"", "garbage"},
		{"for=name", "garbage"},
		{"for=2001:db8::1", "garbage"},
		{"for=\"2001:db8::1\"", "garbage"},
		{"for=[2001:db8::1]", "garbage"},
		{"for=192.0.2.43:80", "garbage"},
		/* pairs: section 4. */
		{"FOR=192.0.2.43", "192.0.2.43"},
		{"proto=https", "none"},
		{";for=192.0.2.43;;", "192.0.2.43"},
		{" for=192.0.2.43 ; proto=https ", "192.0.2.43"},
		{"secret=\"a,b;for=10.0.0.1\";for=192.0.2.43", "192.0.2.43"},
		{"for=192.0.2.43;ext=\"a\\\"b,\"", "192.0.2.43"},
		{"for=192.0.2.43;ext=\"a\\\\\"", "192.0.2.43"},
		{"for=\"192.0.2.\\4\\3\"", "192.0.2.43"},
		{"for=192.0.2.43;for=192.0.2.44", "garbage"},
		{"for=192.0.2.43;proto=http;proto=https", "garbage"},
		{"for=192.0.2.43;ext=1;ext=2", "192.0.2.43"},
		{"for =192.0.2.43", "garbage"},
		{"for= 192.0.2.43", "garbage"},
		{"for=", "garbage"},
		{"for", "garbage"},
		{"=192.0.2.43", "garbage"},
		{"for=\"192.0.2.43", "garbage"},
		{"for=192.0.2.43\"", "garbage"},
		{"for=\"\"", "garbage"},
		{"for=\"192.0.2.43\"x", "garbage"},
		{"for=\"192.0.2.43\\\"", "garbage"},
		{"for=192.0.2.43 proto=https", "garbage"},
		{"192.0.2.43", "garbage"},
		{"", "end"},
		{", ,", "end"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_is(FORWARDED_RFC7239, cases[i][0], cases[i][1]);
}

static void assert_walk(enum forwarded_syntax syntax, const char *text, const char *wanted)
{
	struct slice value = slice_of(text);
	char all[256] = "", room[80];
	const char *one;

	do {
		one = take(syntax, &value, room, sizeof(room));
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s|", one);
	} while (strcmp(one, "end") != 0);
	assert_string_equal(all, wanted);
}

static void elements_are_taken_from_the_right(void **state)
{
	(void)state;
	assert_walk(FORWARDED_X_FOR, "1.1.1.1, x, ,[::1]:5,2.2.2.2", "2.2.2.2|::1 5|garbage|1.1.1.1|end|");
	assert_walk(FORWARDED_RFC7239, "for=1.1.1.1;by=\"a,b\", for=\"[::1]:5\";x=\"\\\\\",, for=2.2.2.2",
		    "2.2.2.2|::1 5|1.1.1.1|end|");
}

/* What a client has put on the left does not hide what the proxy has added on the right. */
static void an_open_quote_on_the_left_hides_nothing(void **state)
{
	static const char *const lefts[] = {
		"for=\"", "\"", "for=\"10.0.0.1", "\\", "for=\"a\\\"", "\"\"\"", "for=\\\"",
	};
	char text[128], room[80];

	(void)state;
	for (size_t i = 0; i < sizeof(lefts) / sizeof(lefts[0]); i++) {
		struct slice value = {text, 0};

		snprintf(text, sizeof(text), "%s, for=192.0.2.43;by=\"_x\"", lefts[i]);
		value.len = strlen(text);
		assert_string_equal(take(FORWARDED_RFC7239, &value, room, sizeof(room)), "192.0.2.43");
		if (strcmp(take(FORWARDED_RFC7239, &value, room, sizeof(room)), "garbage") != 0)
			fail_msg("left over: %s", lefts[i]);
	}
}

static void the_scheme_is_told_beside_the_node(void **state)
{
	struct slice value = SLICE("for=10.0.0.1;proto=HTTP, for=_x;proto=\"https\"");
	struct forwarded_hop hop;

	(void)state;
	forwarded_take_last(FORWARDED_RFC7239, &value, &hop);
	assert_int_equal(hop.node, FORWARDED_NO_ADDRESS);
	assert_true(slice_equal(hop.proto, SLICE("https")));
	forwarded_take_last(FORWARDED_RFC7239, &value, &hop);
	assert_int_equal(hop.node, FORWARDED_ADDRESS);
	assert_true(slice_equal(hop.proto, SLICE("HTTP")));
}

/* Every octet, at each place of an element: no crash, nothing out of bounds (under a sanitizer),
 * and the walk ends. */
static void any_octet_at_any_place_is_survived(void **state)
{
	static const char model[] = "for=1.1.1.1, for=\"[::1]:_p\";proto=https";
	char text[sizeof(model)];

	(void)state;
	for (int syntax = FORWARDED_X_FOR; syntax <= FORWARDED_RFC7239; syntax++) {
		for (size_t at = 0; at < sizeof(model) - 1; at++) {
			for (int octet = 0; octet < 256; octet++) {
				struct slice value = {text, sizeof(model) - 1};
				struct forwarded_hop hop = {.node = FORWARDED_GARBAGE};
				unsigned steps = 0;

				memcpy(text, model, sizeof(model));
				text[at] = (char)octet;
				for (; hop.node != FORWARDED_END; steps++) {
					assert_true(steps < sizeof(model));
					forwarded_take_last((enum forwarded_syntax)syntax, &value, &hop);
				}
			}
		}
	}
}

static void words_are_taken_from_the_right(void **state)
{
	struct slice value = SLICE(" https ,, http, "), word;

	(void)state;
	word = forwarded_take_last_word(&value);
	assert_true(slice_equal(word, SLICE("http")));
	word = forwarded_take_last_word(&value);
	assert_true(slice_equal(word, SLICE("https")));
	assert_int_equal(forwarded_take_last_word(&value).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_x_forwarded_for_element_is_an_address_perhaps_with_a_port),
		cmocka_unit_test(a_forwarded_element_has_the_grammar_of_its_rfc),
		cmocka_unit_test(elements_are_taken_from_the_right),
		cmocka_unit_test(an_open_quote_on_the_left_hides_nothing),
		cmocka_unit_test(the_scheme_is_told_beside_the_node),
		cmocka_unit_test(any_octet_at_any_place_is_survived),
		cmocka_unit_test(words_are_taken_from_the_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
