/* SPDX-License-Identifier: MIT
 *
 * The guard: octets to verdicts, the same however they are cut. */
#include "http/message/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct guard_limits limits = {.head_size_max = 200, .target_size_max = 20, .fields_max = 5};

enum { MORE = 0, COMPLETE = 1 }; /* else the status */

struct row {
	const char *octets;
	size_t size;
	unsigned verdict;
};

#define ROW(octets, verdict)                        \
	{                                           \
		octets, sizeof(octets) - 1, verdict \
	}
#define H    "Host: a\r\n"
#define A16  "AAAAAAAAAAAAAAAA"
#define A128 A16 A16 A16 A16 A16 A16 A16 A16

static const struct row rows[] = {
	/* Whole heads. */
	ROW("GET / HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.0\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.2\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.9\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.1\r\n" H "\r\n", COMPLETE),
	ROW("GET / HTTP/1.1\r\n" H "X: \t\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.1\r\nX:\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.1\r\nX: a b\tc\r\n\r\n", COMPLETE),
	ROW("GET /12345678901234567890 HTTP/1.1\r\n\r\n", 414),
	ROW("GET /1234567890123456789 HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("OPTIONS * HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("GET http://a/ HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("get / HTTP/1.1\r\n\r\n", COMPLETE),               /* a method of its own, unknown */
	ROW("GET /a[|]?\\^`{|}[] HTTP/1.1\r\n\r\n", COMPLETE), /* what browsers send */
	ROW("GET /%41?b=c&d;e HTTP/1.1\r\n\r\n", COMPLETE),

	/* Not there yet. */
	ROW("", MORE),
	ROW("G", MORE),
	ROW("GET", MORE),
	ROW("GET ", MORE),
	ROW("GET /", MORE),
	ROW("GET / HTTP/1.1", MORE),
	ROW("GET / HTTP/1.1\r", MORE),
	ROW("GET / HTTP/1.1\r\n", MORE),
	ROW("GET / HTTP/1.1\r\n\r", MORE),
	ROW("GET / HTTP/1.1\r\nHost", MORE),
	ROW("GET / HTTP/1.1\r\nHost: a\r\n", MORE),
	ROW("\r", MORE),
	ROW("\r\n", MORE),
	ROW("\r\n\r\n\r\n\r\n", MORE),
	ROW("\r\n\r\n\r\n\r\nG", MORE),
	ROW("GET / HTTP/1.1\r\nX: \r", MORE),
	ROW("GET /1234567890123456789", MORE),

	/* Empty lines before. */
	ROW("\r\nGET / HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", COMPLETE),
	ROW("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400),
	ROW("\nGET / HTTP/1.1\r\n\r\n", 400),
	ROW("\r\n\nGET / HTTP/1.1\r\n\r\n", 400),
	ROW("\r\r\nGET / HTTP/1.1\r\n\r\n", 400),
	ROW("\rGET / HTTP/1.1\r\n\r\n", 400),
	ROW(" \r\nGET / HTTP/1.1\r\n\r\n", 400),

	/* Ends of lines. */
	ROW("GET / HTTP/1.1\n\n", 400),
	ROW("GET / HTTP/1.1\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n\n", 400),
	ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
	ROW("GET / HTTP/1.1\r\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n\r\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\r\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: \r\rY: b\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX:\rY: b\r\n\r\n", 400),
	ROW("GET /\r HTTP/1.1\r\n\r\n", 400),
	ROW("GET\r / HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\r\n HTTP/1.1\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\r\n\rx\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\r\n\r\n", COMPLETE),

	/* Folded lines, empty names, a space before the first field. */
	ROW("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n X: a\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n\tX: a\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n \r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\n: a\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nX: a\r\n: b\r\n\r\n", 400),

	/* Spaces in the request line. */
	ROW(" GET / HTTP/1.1\r\n\r\n", 400),
	ROW("GET  / HTTP/1.1\r\n\r\n", 400),
	ROW("GET /  HTTP/1.1\r\n\r\n", 400),
	ROW("GET / HTTP/1.1 \r\n\r\n", 400),
	ROW("GET /a b HTTP/1.1\r\n\r\n", 400),
	ROW("GET\t/ HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\tHTTP/1.1\r\n\r\n", 400),
	ROW("GET /\t HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\vHTTP/1.1\r\n\r\n", 400),
	ROW("\tGET / HTTP/1.1\r\n\r\n", 400),
	ROW("GET\r\n\r\n", 400),
	ROW("GET \r\n\r\n", 400),
	ROW("GET  \r\n\r\n", 400),
	ROW("GET /\r\n\r\n", 400),
	ROW("GET / \r\n\r\n", 400),
	ROW("GET / HTTP/1.1 extra\r\n\r\n", 400),

	/* Methods. */
	ROW("G@T / HTTP/1.1\r\n\r\n", 400),
	ROW("GET: / HTTP/1.1\r\n\r\n", 400),
	ROW("G\0T / HTTP/1.1\r\n\r\n", 400),
	ROW("G\x80T / HTTP/1.1\r\n\r\n", 400),
	ROW("GET/ / HTTP/1.1\r\n\r\n", 400),
	ROW("(GET) / HTTP/1.1\r\n\r\n", 400),
	ROW("\"GET\" / HTTP/1.1\r\n\r\n", 400),
	ROW("\x16\x03\x01\x02", 400),
	ROW("\0", 400),
	ROW("\x7fGET / HTTP/1.1\r\n\r\n", 400),
	ROW("<", 400),
	ROW("{\"a\":1}", 400),

	ROW("GE\0", 400),
	ROW("GE\r", 400),
	ROW("\rG", 400),
	ROW("GE\x80", 400),
	ROW(A128 " /", MORE),
	ROW(A128 "A", 501),
	ROW(A128 " / HTTP/1.1\r\n\r\n", COMPLETE),
	ROW(A128 "A / HTTP/1.1\r\n\r\n", 501),

	/* Octets of targets. */
	ROW("GET /#a HTTP/1.1\r\n\r\n", 400),
	ROW("GET /a#b HTTP/1.1\r\n\r\n", 400),
	ROW("GET # HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\0 HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\x01 HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\x1f HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\x7f HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\x80 HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\xff HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\f HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\" HTTP/1.1\r\n\r\n", 400),
	ROW("GET /< HTTP/1.1\r\n\r\n", 400),
	ROW("GET /> HTTP/1.1\r\n\r\n", 400),
	ROW("GET /\\ HTTP/1.1\r\n\r\n", 400),
	ROW("GET /^ HTTP/1.1\r\n\r\n", 400),
	ROW("GET /` HTTP/1.1\r\n\r\n", 400),
	ROW("GET /{ HTTP/1.1\r\n\r\n", 400),
	ROW("GET /} HTTP/1.1\r\n\r\n", 400),
	ROW("GET /?\" HTTP/1.1\r\n\r\n", 400),
	ROW("GET /?< HTTP/1.1\r\n\r\n", 400),
	ROW("GET /{?a HTTP/1.1\r\n\r\n", 400),
	ROW("GET /?{# HTTP/1.1\r\n\r\n", 400),

	/* Versions. */
	ROW("GET / HTTP/2.0\r\n\r\n", 505),
	ROW("GET / HTTP/3.0\r\n\r\n", 505),
	ROW("GET / HTTP/0.9\r\n\r\n", 505),
	ROW("GET / HTTP/0.0\r\n\r\n", 505),
	ROW("GET / HTTP/9.9\r\n\r\n", 505),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	ROW("GET / HTTP/2\r\n\r\n", 400),
	ROW("GET / HTTP/1\r\n\r\n", 400),
	ROW("GET / HTTP/1.\r\n\r\n", 400),
	ROW("GET / HTTP/.1\r\n\r\n", 400),
	ROW("GET / HTTP/11\r\n\r\n", 400),
	ROW("GET / HTTP/1.10\r\n\r\n", 400),
	ROW("GET / HTTP/01.1\r\n\r\n", 400),
	ROW("GET / HTTP/1.01\r\n\r\n", 400),
	ROW("GET / http/1.1\r\n\r\n", 400),
	ROW("GET / Http/1.1\r\n\r\n", 400),
	ROW("GET / HTTP 1.1\r\n\r\n", 400),
	ROW("GET / HTTP/1,1\r\n\r\n", 400),
	ROW("GET / HTTP/1.a\r\n\r\n", 400),
	ROW("GET / HTTP/a.1\r\n\r\n", 400),
	ROW("GET / HTTP\\1.1\r\n\r\n", 400),
	ROW("GET / RTSP/1.0\r\n\r\n", 400),
	ROW("GET / ICE/1.0\r\n\r\n", 400),
	ROW("GET / HTTPS/1.1\r\n\r\n", 400),
	ROW("GET / HTTP/-1.1\r\n\r\n", 400),
	ROW("GET / HTTP/1.1a\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\0\r\n\r\n", 400),
	ROW("GET / HTTP/\xb1.1\r\n\r\n", 400),

	/* Limits: 20 octets of target, 5 fields, 200 octets in all. */
	ROW("GET /12345678901234567890", 414),
	ROW("GET /12345678901234567890\r\n", 414),
	ROW("POST /12345678901234567890 ", 414),
	ROW("GET /1234567890123456789 ", MORE),
	ROW("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", COMPLETE),
	ROW("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\n\r\n", 431),
	ROW("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\n", 431),
};

/* In pieces of `step` octets (0: whole): the verdict and at how many octets it came. */
static unsigned scan(const char *octets, size_t size, size_t step, struct guard *guard, size_t *at)
{
	/* A copy, so that reading beyond the octets shows under valgrind and ASan. */
	char *copy = malloc(size + 1);
	enum guard_verdict verdict = GUARD_MORE;

	assert_non_null(copy);
	memcpy(copy, octets, size);
	guard_reset(guard);
	*at = 0;
	do {
		*at = step == 0 || size - *at < step ? size : *at + step;

		char *piece = malloc(*at + 1);

		assert_non_null(piece);
		memcpy(piece, copy, *at);
		verdict = guard_scan(guard, &limits, piece, *at);
		free(piece);
	} while (verdict == GUARD_MORE && *at < size);
	free(copy);
	return verdict == GUARD_REFUSED ? refusal_status(guard->refusal) : (unsigned)verdict;
}

static void every_row_has_its_verdict_in_any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 0; step <= 7; step++) {
			struct guard guard;
			size_t at;
			unsigned verdict = scan(rows[i].octets, rows[i].size, step, &guard, &at);

			if (verdict != rows[i].verdict)
				fail_msg("row %zu \"%s\" in steps of %zu: %u, not %u", i, rows[i].octets, step, verdict,
					 rows[i].verdict);
		}
	}
}

static void parts_are_where_they_are(void **state)
{
	static const char text[] = "\r\n\r\nHEAD /a?b HTTP/1.0\r\nX: y\r\nZ:\r\n\r\nGET / ";

	(void)state;
	for (size_t step = 0; step < 2; step++) {
		struct guard guard;
		size_t at;

		assert_int_equal(scan(text, sizeof(text) - 1, step, &guard, &at), COMPLETE);
		assert_int_equal(guard.start, 4);
		assert_int_equal(guard.line_size, strlen("HEAD /a?b HTTP/1.0"));
		assert_int_equal(guard.method_size, 4);
		assert_int_equal(guard.target_size, 4);
		assert_int_equal(guard.minor_version, 0);
		assert_int_equal(guard.field_count, 2);
		assert_int_equal(guard.line, strlen(text) - strlen("GET / "));
	}
}

static void higher_minor_versions_are_read_as_1(void **state)
{
	char text[] = "GET / HTTP/1.x\r\n\r\n";
	struct guard guard;
	size_t at;

	(void)state;
	for (char digit = '1'; digit <= '9'; digit++) {
		text[13] = digit;
		assert_int_equal(scan(text, sizeof(text) - 1, 0, &guard, &at), COMPLETE);
		assert_int_equal(guard.minor_version, 1);
	}
}

static void every_octet_has_its_place(void **state)
{
	static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct guard guard;
	size_t at;

	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		char method[] = "GxT / HTTP/1.1\r\n\r\n", target[] = "GET /xy HTTP/1.1\r\n\r\n";
		char query[] = "GET /?xy HTTP/1.1\r\n\r\n";
		bool is_token = octet != 0 && strchr(tokens, (int)octet) != NULL;
		bool in_query = octet > 0x20 && octet < 0x7f && !strchr("#\"<>", (int)octet);
		bool in_target = in_query && !strchr("\\^`{}", (int)octet);

		method[1] = (char)octet;
		target[5] = (char)octet;
		query[6] = (char)octet;
		assert_int_equal(guard_is_token((unsigned char)octet), is_token);
		/* A space makes "T" the target and "/ HTTP/1.1" no version. */
		assert_int_equal(scan(method, sizeof(method) - 1, 0, &guard, &at), is_token ? COMPLETE : 400);
		assert_int_equal(scan(target, sizeof(target) - 1, 0, &guard, &at), in_target ? COMPLETE : 400);
		assert_int_equal(scan(query, sizeof(query) - 1, 0, &guard, &at), in_query ? COMPLETE : 400);
	}
}

/* A head of exactly `size` octets, at its end the empty line. */
static char *head_of(size_t size)
{
	static const char line[] = "GET / HTTP/1.1\r\nX: ";
	char *head = malloc(size + 1);

	assert_non_null(head);
	memset(head, 'x', size);
	memcpy(head, line, sizeof(line) - 1);
	memcpy(head + size - 4, "\r\n\r\n", 5);
	return head;
}

static void the_limit_of_a_head_is_exact(void **state)
{
	(void)state;
	for (size_t size = 190; size < 210; size++) {
		char *head = head_of(size);

		for (size_t step = 0; step <= 3; step++) {
			struct guard guard;
			size_t at;

			assert_int_equal(scan(head, size, step, &guard, &at), size <= 200 ? COMPLETE : 431);
		}
		free(head);
	}
}

static void what_is_too_long_is_refused_before_its_end(void **state)
{
	char endless[300];
	struct guard guard;
	size_t at;

	(void)state;
	memset(endless, 'A', sizeof(endless));
	assert_int_equal(scan(endless, sizeof(endless), 1, &guard, &at), 501);
	assert_int_equal(at, GUARD_METHOD_SIZE_MAX + 1);
	assert_int_equal(scan(endless, sizeof(endless), 0, &guard, &at), 501);
	memcpy(endless, "GET /", 5);
	assert_int_equal(scan(endless, sizeof(endless), 1, &guard, &at), 414);
	assert_int_equal(at, 4 + 20 + 1);
	assert_int_equal(scan(endless, sizeof(endless), 0, &guard, &at), 414);
	memcpy(endless, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(scan(endless, sizeof(endless), 1, &guard, &at), 431);
	assert_int_equal(at, 201);
}

static void empty_lines_may_be_dropped_and_still_count(void **state)
{
	struct guard guard;

	(void)state;
	guard_reset(&guard);
	for (unsigned i = 0; i < GUARD_EMPTY_LINES_MAX; i++) {
		assert_int_equal(guard_scan(&guard, &limits, "\r\n", 2), GUARD_MORE);
		assert_int_equal(guard.start, 2);
		guard_rebase(&guard);
	}
	assert_int_equal(guard_scan(&guard, &limits, "GET / HTTP/1.1\r\n\r\n", 18), GUARD_COMPLETE);
	guard_reset(&guard);
	for (unsigned i = 0; i < GUARD_EMPTY_LINES_MAX; i++) {
		assert_int_equal(guard_scan(&guard, &limits, "\r\n", 2), GUARD_MORE);
		guard_rebase(&guard);
	}
	assert_int_equal(guard_scan(&guard, &limits, "\r\n", 2), GUARD_REFUSED);
}

/* Single octets put in, left out or changed anywhere: the verdict never depends on the cut. */
static void no_cut_changes_the_verdict(void **state)
{
	static const char text[] = "\r\nGET /abc HTTP/1.1\r\nHost: a\r\nX: \t\r\n\r\n";
	static const char octets[] = "\r\n\t :\0x";

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		for (size_t k = 0; k < sizeof(octets) - 1; k++) {
			char changed[sizeof(text) + 1];
			struct guard guard;
			size_t at;

			memcpy(changed, text, i);
			changed[i] = octets[k];
			memcpy(changed + i + 1, text + i, sizeof(text) - i);

			unsigned whole = scan(changed, sizeof(text), 0, &guard, &at);

			for (size_t step = 1; step < 4; step++)
				assert_int_equal(scan(changed, sizeof(text), step, &guard, &at), whole);
			memcpy(changed + i, text + i, sizeof(text) - i);
			changed[i] = octets[k];
			whole = scan(changed, sizeof(text) - 1, 0, &guard, &at);
			for (size_t step = 1; step < 4; step++)
				assert_int_equal(scan(changed, sizeof(text) - 1, step, &guard, &at), whole);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_verdict_in_any_cut),
		cmocka_unit_test(parts_are_where_they_are),
		cmocka_unit_test(higher_minor_versions_are_read_as_1),
		cmocka_unit_test(every_octet_has_its_place),
		cmocka_unit_test(the_limit_of_a_head_is_exact),
		cmocka_unit_test(what_is_too_long_is_refused_before_its_end),
		cmocka_unit_test(empty_lines_may_be_dropped_and_still_count),
		cmocka_unit_test(no_cut_changes_the_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
