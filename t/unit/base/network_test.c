/* SPDX-License-Identifier: MIT
 *
 * Networks: read, written, and who is in them. */
#include "base/network.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum { REASON_MAX = 256 };

/* A peer from its text; "unix" and "" (of no known family) among them. */
static struct sockaddr_storage peer_of(const char *text)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&peer;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&peer;

	if (strcmp(text, "unix") == 0)
		peer.ss_family = AF_UNIX;
	else if (strchr(text, ':') && inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1)
		peer.ss_family = AF_INET6;
	else if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1)
		peer.ss_family = AF_INET;
	else
		assert_string_equal(text, "");
	return peer;
}

static bool contains(const char *text, const char *peer)
{
	struct sockaddr_storage storage = peer_of(peer);
	struct network network;
	char reason[REASON_MAX];

	if (network_parse(text, &network, reason, sizeof(reason)) < 0)
		fail_msg("%s: %s", text, reason);
	return networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&storage);
}

static void a_network_has_one_shortest_text(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{" 10.0.0.0/8\t", "10.0.0.0/8"},
		{"192.0.2.7", "192.0.2.7"},
		{"192.0.2.7/32", "192.0.2.7"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"0.0.0.0", "0.0.0.0"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"192.0.2.6/31", "192.0.2.6/31"},
		{"2001:DB8::/32", "2001:db8::/32"},
		{"::1", "::1"},
		{"::1/128", "::1"},
		{"::/0", "::/0"},
		{"fe80::/10", "fe80::/10"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::fffe:0:0/95", "::fffe:0:0/95"},
		{"unix", "unix"},
		{"all", "all"},
	};
	struct network network, again;
	char reason[REASON_MAX], text[NETWORK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(network_parse(cases[i][0], &network, reason, sizeof(reason)), 0);
		network_format(&network, text);
		assert_string_equal(text, cases[i][1]);
		assert_int_equal(network_parse(text, &again, reason, sizeof(reason)), 0);
		assert_true(network_equal(&network, &again));
	}
}

static void what_is_no_network_is_refused_with_a_reason(void **state)
{
	static const char *const cases[][2] = {
		{"", "empty"},
		{" ", "empty"},
		{"localhost", "\"localhost\" is not a network"},
		{"10.0.0", "is not a network"},
		{"10.0.0.0.0", "is not a network"},
		{"010.0.0.1", "is not a network"},
		{"256.0.0.1", "is not a network"},
		{"10.0.0.0 /8", "is not a network"},
		{"[::1]", "is not a network"},
		{"::1%lo", "is not a network"},
		{"1.2.3.4:80", "is not a network"},
		{":::", "is not a network"},
		{"/8", "is not a network"},
		{"Unix", "is not a network"},
		{"unix/8", "is not a network"},
		{"all/0", "is not a network"},
		{"unix:/run/a", "is not a network"},
		{"10.0.0.0/", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/33", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/08", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/-1", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/ 8", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/8/8", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/255.0.0.0", "needs a number from 0 to 32 behind its slash"},
		{"10.0.0.0/18446744073709551624", "needs a number from 0 to 32"},
		{"::/129", "needs a number from 0 to 128 behind its slash"},
		{"10.0.0.1/8", "\"10.0.0.1/8\" has bits set behind its prefix; 10.0.0.0/8 has none"},
		{"192.0.2.7/31", "192.0.2.6/31 has none"},
		{"1.0.0.0/0", "0.0.0.0/0 has none"},
		{"2001:db8::1/64", "2001:db8::/64 has none"},
		{"::ffff:10.0.0.1/104", "10.0.0.0/8 has none"},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", "too long"},
	};
	char reason[REASON_MAX];
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(network_parse(cases[i][0], &network, reason, sizeof(reason)), -EINVAL);
		if (!strstr(reason, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], reason);
	}
}

/* Each prefix length: the network's first and last address are in, those beside it are not. */
static void the_edges_of_every_ipv4_prefix_are_where_they_should_be(void **state)
{
	const uint32_t address = 0xb5a4c3d2; /* both values of a bit at both ends */

	(void)state;
	for (unsigned bits = 0; bits <= 32; bits++) {
		uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
		uint32_t first = address & mask, last = first | ~mask;
		struct sockaddr_in peer = {.sin_family = AF_INET};
		struct network network;
		char text[64], reason[REASON_MAX];

		snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", first >> 24, first >> 16 & 255, first >> 8 & 255,
			 first & 255, bits);
		assert_int_equal(network_parse(text, &network, reason, sizeof(reason)), 0);
		peer.sin_addr.s_addr = htonl(first);
		assert_true(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&peer));
		peer.sin_addr.s_addr = htonl(last);
		assert_true(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&peer));
		peer.sin_addr.s_addr = htonl(first - 1);
		assert_int_equal(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&peer),
				 bits == 0);
		peer.sin_addr.s_addr = htonl(last + 1);
		assert_int_equal(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&peer),
				 bits == 0);
	}
}

/* Each prefix length: every single bit changed in turn; those of the prefix count, no others. */
static void every_bit_of_every_ipv6_prefix_counts(void **state)
{
	struct sockaddr_in6 base = {.sin6_family = AF_INET6}, peer;

	(void)state;
	for (size_t i = 0; i < 16; i++)
		base.sin6_addr.s6_addr[i] = (uint8_t)(0x5a + 37 * i);
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct sockaddr_in6 start = base;
		char host[INET6_ADDRSTRLEN], text[64], reason[REASON_MAX];
		struct network network;

		for (unsigned bit = bits; bit < 128; bit++)
			start.sin6_addr.s6_addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		inet_ntop(AF_INET6, &start.sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s/%u", host, bits);
		assert_int_equal(network_parse(text, &network, reason, sizeof(reason)), 0);
		assert_true(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&base));
		for (unsigned bit = 0; bit < 128; bit++) {
			peer = base;
			peer.sin6_addr.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(networks_contain(&(struct networks){&network, 1}, (struct sockaddr *)&peer),
					 bit >= bits);
		}
	}
}

static void families_are_kept_apart(void **state)
{
	(void)state;
	assert_false(contains("0.0.0.0/0", "::1"));
	assert_false(contains("0.0.0.0/0", "::"));
	assert_false(contains("::/0", "10.0.0.1"));
	assert_false(contains("::/0", "unix"));
	assert_false(contains("0.0.0.0/0", "unix"));
	assert_true(contains("unix", "unix"));
	assert_false(contains("unix", "127.0.0.1"));
	assert_false(contains("unix", "::1"));
	assert_false(contains("unix", ""));
	assert_false(contains("::/0", ""));
	assert_false(contains("0.0.0.0/0", ""));
}

static void all_is_everybody(void **state)
{
	static const char *const peers[] = {"10.0.0.1", "::1", "::ffff:10.0.0.1", "unix", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		assert_true(contains("all", peers[i]));
}

static void an_ipv4_peer_of_a_dual_stack_socket_is_an_ipv4_peer(void **state)
{
	(void)state;
	assert_true(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_false(contains("10.0.0.0/8", "::ffff:11.1.2.3"));
	assert_true(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_true(contains("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
	assert_true(contains("::ffff:0:0/96", "192.0.2.1"));
	assert_false(contains("::/0", "::ffff:10.1.2.3"));
	assert_false(contains("::/95", "::fffe:10.1.2.3"));
	assert_true(contains("::/0", "::fffe:10.1.2.3"));
	assert_true(contains("::/0", "::10.1.2.3"));
	assert_false(contains("10.0.0.0/8", "::10.1.2.3"));
}

static bool set_has(const struct networks *set, const char *peer)
{
	struct sockaddr_storage storage = peer_of(peer);

	return networks_contain(set, (struct sockaddr *)&storage);
}

static void a_set_holds_whom_one_of_its_networks_holds(void **state)
{
	struct networks set = {0};
	char reason[REASON_MAX];

	(void)state;
	assert_false(set_has(&set, "127.0.0.1"));
	assert_int_equal(networks_parse(&set, "127.0.0.0/8, ::1,unix ,10.0.0.0/8", reason, sizeof(reason)), 0);
	assert_int_equal(set.count, 4);
	assert_true(set_has(&set, "127.0.0.1"));
	assert_true(set_has(&set, "::1"));
	assert_true(set_has(&set, "unix"));
	assert_true(set_has(&set, "::ffff:10.255.255.255"));
	assert_false(set_has(&set, "11.0.0.0"));
	assert_false(set_has(&set, "::2"));
	assert_false(set_has(&set, ""));
	assert_int_equal(networks_parse(&set, " ", reason, sizeof(reason)), 0);
	assert_int_equal(set.count, 0);
	assert_null(set.list);
	assert_false(set_has(&set, "127.0.0.1"));
}

static void a_set_with_something_wrong_in_it_changes_nothing(void **state)
{
	static const char *const wrong[] = {"::1,", ",", "::1,,unix", "::1,10.0.0.1/8", "::1 unix"};
	struct networks set = {0};
	char reason[REASON_MAX];

	(void)state;
	assert_int_equal(networks_parse(&set, "unix", reason, sizeof(reason)), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(networks_parse(&set, wrong[i], reason, sizeof(reason)), -EINVAL);
		assert_true(strlen(reason) > 0);
		assert_int_equal(set.count, 1);
		assert_true(set_has(&set, "unix"));
	}
	networks_free(&set);
	assert_int_equal(set.count, 0);
}

static void a_set_has_nothing_twice_and_no_order(void **state)
{
	struct networks a = {0}, b = {0};
	char reason[REASON_MAX];

	(void)state;
	assert_int_equal(networks_parse(&a, "unix,::1,::ffff:10.0.0.0/104,10.0.0.0/8,::1/128", reason, sizeof(reason)),
			 0);
	assert_int_equal(a.count, 3);
	assert_int_equal(networks_parse(&b, "10.0.0.0/8,unix,::1", reason, sizeof(reason)), 0);
	assert_true(networks_equal(&a, &b));
	assert_int_equal(networks_parse(&b, "10.0.0.0/9,unix,::1", reason, sizeof(reason)), 0);
	assert_false(networks_equal(&a, &b));
	assert_int_equal(networks_parse(&b, "10.0.0.0/8,unix", reason, sizeof(reason)), 0);
	assert_false(networks_equal(&a, &b));
	assert_int_equal(networks_parse(&b, "10.0.0.0/8,unix,10.0.0.0", reason, sizeof(reason)), 0);
	assert_false(networks_equal(&a, &b));
	networks_free(&a);
	networks_free(&b);
}

static void a_set_has_a_limit(void **state)
{
	struct networks set = {0};
	char text[32], reason[REASON_MAX];

	(void)state;
	for (unsigned i = 0; i < NETWORKS_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		assert_int_equal(networks_add(&set, text, reason, sizeof(reason)), 0);
	}
	assert_int_equal(networks_add(&set, "10.0.0.0", reason, sizeof(reason)), 0);
	assert_int_equal(networks_add(&set, "11.0.0.0", reason, sizeof(reason)), -EINVAL);
	assert_string_equal(reason, "1024 networks at most");
	assert_int_equal(set.count, NETWORKS_MAX);
	networks_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_one_shortest_text),
		cmocka_unit_test(what_is_no_network_is_refused_with_a_reason),
		cmocka_unit_test(the_edges_of_every_ipv4_prefix_are_where_they_should_be),
		cmocka_unit_test(every_bit_of_every_ipv6_prefix_counts),
		cmocka_unit_test(families_are_kept_apart),
		cmocka_unit_test(all_is_everybody),
		cmocka_unit_test(an_ipv4_peer_of_a_dual_stack_socket_is_an_ipv4_peer),
		cmocka_unit_test(a_set_holds_whom_one_of_its_networks_holds),
		cmocka_unit_test(a_set_with_something_wrong_in_it_changes_nothing),
		cmocka_unit_test(a_set_has_nothing_twice_and_no_order),
		cmocka_unit_test(a_set_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
