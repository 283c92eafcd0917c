/* SPDX-License-Identifier: MIT
 *
 * Which addresses are one client. */
#include "http/client/client_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

static const struct client_secret secret = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static uint64_t key_of(const char *text, uint8_t ipv4, uint8_t ipv6)
{
	struct client_prefixes prefixes = {ipv4, ipv6};
	struct sockaddr_in one = {.sin_family = AF_INET};
	struct sockaddr_in6 other = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &one.sin_addr) == 1)
		return client_key(&secret, &prefixes, (const struct sockaddr *)&one);
	assert_int_equal(inet_pton(AF_INET6, text, &other.sin6_addr), 1);
	return client_key(&secret, &prefixes, (const struct sockaddr *)&other);
}

static void the_port_does_not_count(void **state)
{
	struct client_prefixes prefixes = {32, 64};
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
	uint64_t key = client_key(&secret, &prefixes, (const struct sockaddr *)&name);

	(void)state;
	name.sin_port = htons(4711);
	assert_int_equal(client_key(&secret, &prefixes, (const struct sockaddr *)&name), key);
	assert_int_equal(key_of("192.0.2.1", 32, 64), key);
}

static void addresses_of_one_prefix_are_one_client(void **state)
{
	static const struct {
		const char *one, *other;
		uint8_t ipv4, ipv6;
		int same;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", 32, 64, 1},
		{"192.0.2.1", "192.0.2.0", 32, 64, 0},
		{"192.0.2.1", "192.0.2.0", 31, 64, 1},
		{"192.0.2.1", "192.0.2.2", 31, 64, 0},
		{"192.0.2.1", "192.0.2.254", 24, 64, 1},
		{"192.0.2.1", "192.0.3.1", 24, 64, 0},
		{"192.0.2.1", "192.0.3.1", 23, 64, 1},
		{"10.0.0.1", "11.0.0.1", 8, 64, 0},
		{"10.0.0.1", "11.0.0.1", 1, 64, 1},
		{"10.0.0.1", "200.0.0.1", 1, 64, 0},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 32, 64, 1},
		{"2001:db8::1", "2001:db8:0:1::1", 32, 64, 0},
		{"2001:db8::1", "2001:db8:0:1::1", 32, 63, 1},
		{"2001:db8::1", "2001:db8::2", 32, 128, 0},
		{"2001:db8::2", "2001:db8::3", 32, 127, 1},
		{"2001:db8::2", "2001:db8::8000:0:0:3", 32, 65, 0},
		{"2001:db8::1", "2001:db9::1", 32, 31, 1},
		{"2001:db8::1", "2001:db9::1", 32, 32, 0},
		{"::1", "8000::1", 32, 1, 0},
		{"::1", "4000::1", 32, 1, 1},
		/* The same address in both ways of writing it. */
		{"192.0.2.1", "::ffff:192.0.2.1", 32, 64, 1},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", 32, 64, 0},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", 24, 64, 1},
		/* Others that only look alike. */
		{"0.0.0.1", "::1", 32, 128, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int same = key_of(cases[i].one, cases[i].ipv4, cases[i].ipv6) ==
			   key_of(cases[i].other, cases[i].ipv4, cases[i].ipv6);

		if (same != cases[i].same)
			fail_msg("%s and %s by %u and %u bits", cases[i].one, cases[i].other, cases[i].ipv4,
				 cases[i].ipv6);
	}
}

static void a_unix_socket_is_no_client(void **state)
{
	struct client_prefixes prefixes = {32, 64};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	(void)state;
	assert_int_equal(client_key(&secret, &prefixes, (const struct sockaddr *)&path), 0);
	assert_int_equal(client_key(&secret, &prefixes, &nobody), 0);
}

static void another_secret_makes_other_keys(void **state)
{
	struct client_prefixes prefixes = {32, 64};
	struct client_secret other = {{1, 2}};
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};

	(void)state;
	assert_int_not_equal(client_key(&other, &prefixes, (const struct sockaddr *)&name),
			     client_key(&secret, &prefixes, (const struct sockaddr *)&name));
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

static void keys_of_many_are_all_different_and_spread_evenly(void **state)
{
	enum { COUNT = 100000, SETS = 1024 };
	struct client_prefixes prefixes = {32, 64};
	uint64_t *keys = calloc(COUNT, sizeof(*keys));
	unsigned low[SETS] = {0}, high[SETS] = {0};

	(void)state;
	assert_non_null(keys);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + i)};

		keys[i] = client_key(&secret, &prefixes, (const struct sockaddr *)&name);
		low[keys[i] % SETS]++;
		high[keys[i] >> 54]++;
	}
	qsort(keys, COUNT, sizeof(*keys), compare);
	for (unsigned i = 1; i < COUNT; i++)
		assert_int_not_equal(keys[i - 1], keys[i]);
	/* 98 of each are expected; ten deviations are not met by chance. */
	for (unsigned i = 0; i < SETS; i++) {
		assert_in_range(low[i], 1, 197);
		assert_in_range(high[i], 1, 197);
	}
	free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_port_does_not_count),
		cmocka_unit_test(addresses_of_one_prefix_are_one_client),
		cmocka_unit_test(a_unix_socket_is_no_client),
		cmocka_unit_test(another_secret_makes_other_keys),
		cmocka_unit_test(keys_of_many_are_all_different_and_spread_evenly),
	};

	return cmocka_run_group_tests_name("client_key", tests, NULL, NULL);
}
