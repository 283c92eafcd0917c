/* SPDX-License-Identifier: MIT
 *
 * Addresses: text to structure and back. */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct address parsed(const char *text)
{
	struct address address;
	char reason[128];

	assert_int_equal(address_parse(text, &address, reason, sizeof(reason)), 0);
	return address;
}

static void addresses_have_one_canonical_text(void **state)
{
	static const char *const cases[][2] = {
		{"*:8000", "*:8000"},
		{"8000", "*:8000"},
		{"0", "*:0"},
		{"127.0.0.1:80", "127.0.0.1:80"},
		{"0.0.0.0:080", "0.0.0.0:80"},
		{"[::1]:8000", "[::1]:8000"},
		{"[::]:65535", "[::]:65535"},
		{"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1"},
		{"unix:/run/a.sock", "unix:/run/a.sock"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(parsed(cases[i][0]).text, cases[i][1]);
	assert_true(parsed("8000").wildcard);
	assert_false(parsed("[::]:8000").wildcard);
	assert_false(parsed("0.0.0.0:8000").wildcard);
	assert_string_equal(parsed("[fe80::1%lo]:80").text, "[fe80::1%lo]:80");
}

static void a_wrong_address_is_refused_with_a_reason(void **state)
{
	static const char *const cases[][2] = {
		{"", "port"},
		{"*", "no port"},
		{"1.2.3.4", "no port"},
		{"[::1]", "no port"},
		{"70000", "port 70000 is not between 0 and 65535"},
		{"*:99999999999999999999999", "not between 0 and 65535"},
		{"*:", "not a port number"},
		{"*:-1", "not a port number"},
		{"*:80x", "not a port number"},
		{":80", "not a numeric address"},
		{"::1:80", "not a numeric address"},
		{"localhost:80", "not a numeric address"},
		{"1.2.3:80", "not a numeric address"},
		{"[1.2.3.4]:80", "not a numeric address"},
		{"[fe80::1%nosuchcard]:80", "not a numeric address"},
		{"unix:", "no path"},
	};
	char reason[128], longest[300] = "unix:/";
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(address_parse(cases[i][0], &address, reason, sizeof(reason)), -EINVAL);
		assert_non_null(strstr(reason, cases[i][1]));
	}
	memset(longest + 6, 'a', 106); /* with its slash 107 octets: the longest that fits */
	assert_int_equal(address_parse(longest, &address, reason, sizeof(reason)), 0);
	assert_string_equal(address_unix_path(&address), longest + 5);
	longest[112] = 'a';
	assert_int_equal(address_parse(longest, &address, reason, sizeof(reason)), -EINVAL);
	memset(longest, '9', sizeof(longest) - 1);
	assert_int_equal(address_parse(longest, &address, reason, sizeof(reason)), -EINVAL);
}

static void the_wildcard_equals_both_anys_of_its_port(void **state)
{
	struct address star = parsed("*:80"), any6 = parsed("[::]:80"), any4 = parsed("0.0.0.0:80");
	struct address other = parsed("*:81"), local = parsed("127.0.0.1:80");
	struct address a = parsed("unix:/a"), b = parsed("unix:/b");

	(void)state;
	assert_true(address_equal(&star, &star));
	assert_true(address_equal(&star, &any6));
	assert_true(address_equal(&any4, &star));
	assert_false(address_equal(&any4, &any6));
	assert_false(address_equal(&star, &other));
	assert_false(address_equal(&star, &local));
	assert_true(address_equal(&a, &a));
	assert_false(address_equal(&a, &b));
	assert_false(address_equal(&a, &star));
	assert_true(address_same(&star, &star));
	assert_false(address_same(&star, &any6));
	assert_false(address_same(&any4, &star));
}

static void those_overlap_that_have_a_client_in_common(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{"*:80", "*:80", true},
		{"*:80", "0.0.0.0:80", true},
		{"*:80", "[::]:80", true},
		{"*:80", "127.0.0.1:80", true},
		{"*:80", "[::1]:80", true},
		{"*:80", "*:81", false},
		{"*:0", "127.0.0.1:0", false},
		{"[::]:80", "0.0.0.0:80", false},
		{"[::]:80", "127.0.0.1:80", false},
		{"[::]:80", "[::1]:80", true},
		{"[::1]:80", "[::2]:80", false},
		{"[::1]:80", "0.0.0.0:80", false},
		{"0.0.0.0:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", true},
		{"[::ffff:127.0.0.1]:80", "0.0.0.0:80", true},
		{"[::ffff:127.0.0.1]:80", "[::]:80", false},
		{"[::ffff:0.0.0.0]:80", "127.0.0.1:80", true},
		{"unix:/a", "unix:/a", false},
		{"unix:/a", "*:80", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address a = parsed(cases[i].a), b = parsed(cases[i].b);

		if (address_overlaps(&a, &b) != cases[i].overlap || address_overlaps(&b, &a) != cases[i].overlap)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

static void the_port_can_be_asked_and_set(void **state)
{
	struct address ipv4 = parsed("127.0.0.1:0"), ipv6 = parsed("*:0"), path = parsed("unix:/a");

	(void)state;
	address_set_port(&ipv4, 4321);
	assert_int_equal(address_port(&ipv4), 4321);
	assert_string_equal(ipv4.text, "127.0.0.1:4321");
	address_set_port(&ipv6, 1);
	assert_string_equal(ipv6.text, "*:1");
	assert_int_equal(address_port(&path), 0);
	assert_true(address_is_unix(&path));
	assert_null(address_unix_path(&ipv4));
}

static void urls_can_be_opened_by_a_person(void **state)
{
	static const char *const cases[][2] = {
		{"*:8000", "http://localhost:8000"},
		{"0.0.0.0:80", "http://localhost:80"},
		{"[::]:80", "http://[::1]:80"},
		{"[::1]:80", "http://[::1]:80"},
		{"127.0.0.1:8000", "http://127.0.0.1:8000"},
		{"unix:/a", "unix:/a"},
	};
	char url[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address = parsed(cases[i][0]);

		address_url(&address, false, url, sizeof(url));
		assert_string_equal(url, cases[i][1]);
		if (strncmp(url, "http", 4) == 0) {
			address_url(&address, true, url, sizeof(url));
			assert_memory_equal(url, "https", 5);
			assert_string_equal(url + 5, cases[i][1] + 4);
		}
	}
}

static void hosts_of_clients_are_bare(void **state)
{
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct address ipv4 = parsed("192.0.2.1:5"), ipv6 = parsed("[2001:db8::1]:5");
	char host[64], tiny[4];

	(void)state;
	address_host((struct sockaddr *)&ipv4.storage, host, sizeof(host));
	assert_string_equal(host, "192.0.2.1");
	address_host((struct sockaddr *)&ipv6.storage, host, sizeof(host));
	assert_string_equal(host, "2001:db8::1");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr), 1);
	address_host((struct sockaddr *)&mapped, host, sizeof(host));
	assert_string_equal(host, "192.0.2.7");
	address_host((struct sockaddr *)&local, host, sizeof(host));
	assert_string_equal(host, "-");
	address_host((struct sockaddr *)&ipv4.storage, tiny, sizeof(tiny));
	assert_string_equal(tiny, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_canonical_text),
		cmocka_unit_test(a_wrong_address_is_refused_with_a_reason),
		cmocka_unit_test(the_wildcard_equals_both_anys_of_its_port),
		cmocka_unit_test(those_overlap_that_have_a_client_in_common),
		cmocka_unit_test(the_port_can_be_asked_and_set),
		cmocka_unit_test(urls_can_be_opened_by_a_person),
		cmocka_unit_test(hosts_of_clients_are_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
