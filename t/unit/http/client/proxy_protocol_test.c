/* SPDX-License-Identifier: MIT
 *
 * The PROXY protocol's header: what is told, how long it is, what is refused; however it is cut. */
#include "http/client/proxy_protocol.h"

#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 96 };

/* At the very end of a piece of memory, so that reading beyond it is seen by the tools for that. */
static enum proxy_protocol_verdict read_copy(const char *octets, size_t size, struct proxy_header *out)
{
	char *copy = malloc(size > 0 ? size : 1);
	enum proxy_protocol_verdict verdict;

	assert_non_null(copy);
	memcpy(copy, octets, size);
	verdict = proxy_protocol_read(copy, size, out);
	free(copy);
	return verdict;
}

/* "refused", "more", "peer" (the connection's own), "unix" or "HOST PORT". */
static void describe(enum proxy_protocol_verdict verdict, const struct proxy_header *header, char *out)
{
	char host[INET6_ADDRSTRLEN];

	if (verdict != PROXY_PROTOCOL_COMPLETE || !header->told) {
		strcpy(out, verdict == PROXY_PROTOCOL_REFUSED ? "refused"
			    : verdict == PROXY_PROTOCOL_MORE  ? "more"
							      : "peer");
		return;
	}
	address_host(&header->source.any, host, sizeof(host));
	if (header->source.any.sa_family == AF_UNIX)
		strcpy(out, "unix");
	else
		snprintf(out, TEXT_MAX, "%s %u", host, ntohs(header->source.ipv4.sin_port));
}

/* The verdict over the whole and a request behind it; and every shorter piece must either want
 * more, until the end of the header, or be refused as the whole is. */
static void assert_reads(const char *octets, size_t size, const char *wanted)
{
	static const char request[] = "GET / HTTP/1.1\r\n";
	struct proxy_header header, part;
	enum proxy_protocol_verdict verdict, early;
	char *all = malloc(size + sizeof(request)), text[TEXT_MAX];
	bool refused = false;

	assert_non_null(all);
	memcpy(all, octets, size);
	memcpy(all + size, request, sizeof(request));
	verdict = read_copy(all, size + sizeof(request), &header);
	describe(verdict, &header, text);
	if (strcmp(text, wanted) != 0)
		fail_msg("'%.60s': %s, not %s", octets, text, wanted);
	if (verdict == PROXY_PROTOCOL_COMPLETE)
		assert_int_equal(header.size, size);
	if (verdict == PROXY_PROTOCOL_REFUSED)
		assert_true(strlen(header.why) > 0);
	for (size_t cut = 0; cut < size; cut++) {
		early = read_copy(all, cut, &part);
		if (early == PROXY_PROTOCOL_COMPLETE)
			fail_msg("'%.60s': complete with %zu of %zu octets", octets, cut, size);
		if (early == PROXY_PROTOCOL_REFUSED && verdict != PROXY_PROTOCOL_REFUSED)
			fail_msg("'%.60s': refused with %zu of %zu octets", octets, cut, size);
		assert_false(refused && early != PROXY_PROTOCOL_REFUSED);
		refused = early == PROXY_PROTOCOL_REFUSED;
	}
	free(all);
}

#define READS(octets, wanted) assert_reads(octets, sizeof(octets) - 1, wanted)

static void version_1_is_one_exact_line(void **state)
{
	(void)state;
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "192.0.2.1 4711");
	READS("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535");
	READS("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0");
	READS("PROXY TCP6 2001:db8::1 ::1 4711 80\r\n", "2001:db8::1 4711");
	READS("PROXY TCP6 2001:DB8::A 2001:db8::1 4711 80\r\n", "2001:db8::a 4711");
	READS("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535");
	READS("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1 1");
	READS("PROXY UNKNOWN\r\n", "peer");
	READS("PROXY UNKNOWN \r\n", "peer");
	READS("PROXY UNKNOWN anything at all, \t\x01\xff\r\n", "peer");
	READS("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	      "peer"); /* 107 octets: the longest line there is */
}

static void a_line_that_differs_in_anything_is_refused(void **state)
{
	(void)state;
	READS("PROXY\r\n", "refused");
	READS("PROXY \r\n", "refused");
	READS("PROXY  TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4  192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1  192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80 \r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80 x\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711\t80\r\n", "refused");
	READS(" PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("proxy TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY tcp4 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY unknown\r\n", "refused");
	READS("PROXY UNKNOWNS\r\n", "refused");
	READS("PROXY TCP 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP5 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY UDP4 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 2001:db8::1 ::1 4711 80\r\n", "refused");
	READS("PROXY TCP6 192.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 ::1 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.01 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.256 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 0xc0.0.2.1 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP6 [2001:db8::1] ::1 4711 80\r\n", "refused");
	READS("PROXY TCP6 2001:db8::1%lo ::1 4711 80\r\n", "refused");
	READS("PROXY TCP6 2001::db8::1 ::1 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 04711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 00 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 080\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 99999\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 -1 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 +80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 \r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1\r\n", "refused");
	READS("PROXY TCP4\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1\0 192.0.2.2 4711 80\r\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\n", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\rG", "refused");
	READS("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\r\n", "refused");
	READS("PROXY UNKNOWN a\nb\r\n", "refused");
	READS("PROXY UNKNOWN a\rb\r\n", "refused");
	/* 108 octets. */
	READS("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n",
	      "refused");
}

static void what_is_no_header_is_refused_with_its_first_wrong_octet(void **state)
{
	static const char *const texts[] = {"G", "PU", "PROX\r", "PROXYX", "\n", "\r\r", "\r\nG", "\r\n\r\nG"};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t size = strlen(texts[i]);

		assert_int_equal(read_copy(texts[i], size, &header), PROXY_PROTOCOL_REFUSED);
		assert_int_equal(read_copy(texts[i], size - 1, &header), PROXY_PROTOCOL_MORE);
	}
	READS("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "refused");
	READS("\r\n\r\n\0\r\nQUIT\r", "refused");
	READS("\x16\x03\x01\x02", "refused"); /* TLS */
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4      "\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x67\x00\x50"
#define IPV6                                         \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x00\x50"
#define SIX  "\0\0\0\0\0\0"
#define PATH SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX SIX

static void version_2_tells_by_family(void **state)
{
	(void)state;
	READS(SIGNATURE "\x21\x11\x00\x0c" IPV4, "192.0.2.1 4711");
	READS(SIGNATURE "\x21\x21\x00\x24" IPV6, "2001:db8::1 4711");
	READS(SIGNATURE "\x21\x31\x00\xd8" PATH PATH, "unix");
	READS(SIGNATURE "\x21\x00\x00\x00", "peer");
	READS(SIGNATURE "\x21\x00\x00\x05junk!", "refused"); /* read as a TLV: cut off */
	READS(SIGNATURE "\x21\x01\x00\x00", "peer");
	/* No stream: as if nothing was told. */
	READS(SIGNATURE "\x21\x12\x00\x0c" IPV4, "peer");
	READS(SIGNATURE "\x21\x10\x00\x0c" IPV4, "peer");
	READS(SIGNATURE "\x21\x22\x00\x24" IPV6, "peer");
	READS(SIGNATURE "\x21\x32\x00\xd8" PATH PATH, "peer");
}

static void local_is_the_peers_own_whatever_follows(void **state)
{
	(void)state;
	READS(SIGNATURE "\x20\x00\x00\x00", "peer");
	READS(SIGNATURE "\x20\x11\x00\x0c" IPV4, "peer");
	READS(SIGNATURE "\x20\x11\x00\x00", "peer");
	READS(SIGNATURE "\x20\xff\x00\x05junk!", "peer");
}

static void version_2_with_anything_unknown_is_refused(void **state)
{
	char octets[] = SIGNATURE "\x21\x11\x00\x0c" IPV4;
	struct proxy_header header;

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		octets[12] = (char)value;
		assert_int_equal(read_copy(octets, sizeof(octets) - 1, &header),
				 value == 0x20 || value == 0x21 ? PROXY_PROTOCOL_COMPLETE : PROXY_PROTOCOL_REFUSED);
		/* As soon as it is seen. */
		assert_int_equal(read_copy(octets, 13, &header),
				 value == 0x20 || value == 0x21 ? PROXY_PROTOCOL_MORE : PROXY_PROTOCOL_REFUSED);
	}
	octets[12] = 0x21;
	for (unsigned value = 0; value < 256; value++) {
		bool known = value >> 4 <= 3 && (value & 15) <= 2;

		octets[13] = (char)value;
		assert_int_equal(read_copy(octets, 14, &header), known ? PROXY_PROTOCOL_MORE : PROXY_PROTOCOL_REFUSED);
	}
}

static void addresses_must_be_there_in_full(void **state)
{
	(void)state;
	READS(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x67\x00", "refused");
	READS(SIGNATURE "\x21\x11\x00\x00", "refused");
	READS(SIGNATURE "\x21\x21\x00\x0c" IPV4, "refused");
	READS(SIGNATURE "\x21\x31\x00\x24" IPV6, "refused");
}

static void tlvs_are_skipped_within_bounds(void **state)
{
	(void)state;
	READS(SIGNATURE "\x21\x11\x00\x0f" IPV4 "\x04\x00\x00", "192.0.2.1 4711");
	READS(SIGNATURE "\x21\x11\x00\x1a" IPV4 "\x01\x00\x02h2\xea\x00\x03xyz\x04\x00\x00", "192.0.2.1 4711");
	READS(SIGNATURE "\x21\x00\x00\x05\x01\x00\x02h2", "peer");
	READS(SIGNATURE "\x21\x11\x00\x0d" IPV4 "\x04", "refused");
	READS(SIGNATURE "\x21\x11\x00\x0e" IPV4 "\x04\x00", "refused");
	READS(SIGNATURE "\x21\x11\x00\x10" IPV4 "\x04\x00\x02x", "refused");
	READS(SIGNATURE "\x21\x11\x00\x0f" IPV4 "\x04\xff\xff", "refused");
	READS(SIGNATURE "\x21\x11\x00\x12" IPV4 "\x04\x00\x01x\x04\x00", "refused");
}

static void a_checksum_must_be_right(void **state)
{
	static const char with_crc[] = SIGNATURE "\x21\x11\x00\x13" IPV4 "\x03\x00\x04\0\0\0\0";
	enum { SIZE = sizeof(with_crc) - 1, AT = SIZE - 4 };
	char octets[SIZE];
	struct proxy_header header;
	uint32_t crc = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < SIZE; i++) {
		crc ^= (unsigned char)with_crc[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	memcpy(octets, with_crc, SIZE);
	for (int i = 0; i < 4; i++)
		octets[AT + i] = (char)(crc >> (24 - 8 * i));
	assert_reads(octets, SIZE, "192.0.2.1 4711");
	/* Any bit of the header changed: the signature's are another matter. */
	for (size_t bit = 16 * 8; bit < SIZE * 8; bit++) {
		octets[bit / 8] ^= (char)(1 << bit % 8);
		if (read_copy(octets, SIZE, &header) == PROXY_PROTOCOL_COMPLETE &&
		    !(bit / 8 >= AT - 3 && bit / 8 < AT)) /* then it is another TLV */
			fail_msg("bit %zu does not count", bit);
		octets[bit / 8] ^= (char)(1 << bit % 8);
	}
	READS(SIGNATURE "\x21\x11\x00\x13" IPV4 "\x03\x00\x04\0\0\0\0", "refused");
	READS(SIGNATURE "\x21\x11\x00\x12" IPV4 "\x03\x00\x03\0\0\0", "refused");
	READS(SIGNATURE "\x21\x11\x00\x0f" IPV4 "\x03\x00\x00", "refused");
	READS(SIGNATURE "\x21\x00\x00\x07\x03\x00\x04\0\0\0\0", "refused");
}

/* Made by haproxy 2.6 (send-proxy-v2 proxy-v2-options crc32c). */
static void a_checksum_made_elsewhere_is_right(void **state)
{
	(void)state;
	READS(SIGNATURE "\x21\x11\x00\x13\x7f\x00\x00\x01\x7f\x00\x00\x01\xc3\x9c\xcd\x7f"
			"\x03\x00\x04\xc4\x94\x58\x5b",
	      "127.0.0.1 50076");
}

static void the_longest_header_is_read(void **state)
{
	enum { VALUE = 65535 - 12 - 3 };
	char *octets = calloc(1, PROXY_PROTOCOL_MAX + 1);
	struct proxy_header header;

	(void)state;
	assert_non_null(octets);
	memcpy(octets, SIGNATURE "\x21\x11\xff\xff" IPV4 "\x04", 29);
	octets[29] = (char)(VALUE >> 8);
	octets[30] = (char)(VALUE & 255);
	assert_int_equal(proxy_protocol_read(octets, PROXY_PROTOCOL_MAX - 1, &header), PROXY_PROTOCOL_MORE);
	assert_int_equal(proxy_protocol_read(octets, PROXY_PROTOCOL_MAX, &header), PROXY_PROTOCOL_COMPLETE);
	assert_int_equal(header.size, PROXY_PROTOCOL_MAX);
	free(octets);
}

static void any_octet_may_be_any_other(void **state)
{
	static const char *const models[] = {
		"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n",
		SIGNATURE "\x21\x11\x00\x17" IPV4 "\x01\x00\x02h2\x04\x00\x03xyz",
	};
	static const size_t sizes[] = {36, 16 + 23};
	char octets[64];
	struct proxy_header header;

	(void)state;
	for (size_t model = 0; model < 2; model++) {
		for (size_t at = 0; at < sizes[model]; at++) {
			for (unsigned value = 0; value < 256; value++) {
				memcpy(octets, models[model], sizes[model]);
				octets[at] = (char)value;
				if (read_copy(octets, sizes[model], &header) == PROXY_PROTOCOL_COMPLETE)
					assert_in_range(header.size, 1, sizes[model]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_one_exact_line),
		cmocka_unit_test(a_line_that_differs_in_anything_is_refused),
		cmocka_unit_test(what_is_no_header_is_refused_with_its_first_wrong_octet),
		cmocka_unit_test(version_2_tells_by_family),
		cmocka_unit_test(local_is_the_peers_own_whatever_follows),
		cmocka_unit_test(version_2_with_anything_unknown_is_refused),
		cmocka_unit_test(addresses_must_be_there_in_full),
		cmocka_unit_test(tlvs_are_skipped_within_bounds),
		cmocka_unit_test(a_checksum_must_be_right),
		cmocka_unit_test(a_checksum_made_elsewhere_is_right),
		cmocka_unit_test(the_longest_header_is_read),
		cmocka_unit_test(any_octet_may_be_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
