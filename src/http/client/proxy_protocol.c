/* SPDX-License-Identifier: MIT
 *
 * See proxy_protocol.h. */
#include "http/client/proxy_protocol.h"

#include "base/slice.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static enum proxy_protocol_verdict refuse(struct proxy_header *out, const char *why)
{
	out->why = why;
	return PROXY_PROTOCOL_REFUSED;
}

/* --- version 1 --- */

static const char v1_start[] = "PROXY ";

enum { V1_START = sizeof(v1_start) - 1 };

/* The word up to the next space, which is taken too; without one, the rest. */
static struct slice take_word(struct slice *line, bool *last)
{
	const char *space = memchr(line->ptr, ' ', line->len);
	struct slice word = {line->ptr, space ? (size_t)(space - line->ptr) : line->len};
	size_t taken = word.len + (space != NULL);

	*last = !space;
	line->ptr += taken;
	line->len -= taken;
	return word;
}

static bool read_address(struct slice text, int family, void *octets)
{
	char host[INET6_ADDRSTRLEN];

	/* inet_pton would stop at a NUL. */
	if (text.len == 0 || text.len >= sizeof(host) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(host, text.ptr, text.len);
	host[text.len] = '\0';
	return inet_pton(family, host, octets) == 1;
}

/* No leading zero, no sign. */
static bool read_port(struct slice text, uint16_t *out)
{
	unsigned port = 0;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* "SOURCE DESTINATION PORT PORT", single spaces between them. */
static enum proxy_protocol_verdict read_v1_addresses(struct slice line, int family, struct proxy_header *out)
{
	unsigned char source[16], destination[16];
	struct slice words[4];
	uint16_t ports[2];
	bool last = false;

	for (size_t i = 0; i < 4; i++) {
		if (last)
			return refuse(out, "too few words in version 1");
		words[i] = take_word(&line, &last);
	}
	if (!last)
		return refuse(out, "too many words in version 1");
	if (!read_address(words[0], family, source) || !read_address(words[1], family, destination))
		return refuse(out, "no address of its family in version 1");
	if (!read_port(words[2], &ports[0]) || !read_port(words[3], &ports[1]))
		return refuse(out, "no port in version 1");
	out->told = true;
	if (family == AF_INET)
		peer_set_ipv4(&out->source, source, ports[0]);
	else
		peer_set_ipv6(&out->source, source, ports[0]);
	return PROXY_PROTOCOL_COMPLETE;
}

/* `line`: behind "PROXY ", without CR LF. */
static enum proxy_protocol_verdict read_v1_line(struct slice line, struct proxy_header *out)
{
	bool last;
	struct slice family = take_word(&line, &last);

	if (slice_equal(family, SLICE("UNKNOWN")))
		return PROXY_PROTOCOL_COMPLETE; /* whatever follows */
	if (last)
		return refuse(out, "too few words in version 1");
	if (slice_equal(family, SLICE("TCP4")))
		return read_v1_addresses(line, AF_INET, out);
	if (slice_equal(family, SLICE("TCP6")))
		return read_v1_addresses(line, AF_INET6, out);
	return refuse(out, "an unknown family in version 1");
}

static enum proxy_protocol_verdict read_v1(const char *data, size_t size, struct proxy_header *out)
{
	size_t most = size < PROXY_V1_MAX ? size : PROXY_V1_MAX;

	for (size_t i = V1_START; i < most; i++) {
		if (data[i] == '\n')
			return refuse(out, "an LF without CR in version 1");
		if (data[i] != '\r' || i + 1 == most)
			continue;
		if (data[i + 1] != '\n')
			return refuse(out, "a CR without LF in version 1");
		out->size = i + 2;
		return read_v1_line((struct slice){data + V1_START, i - V1_START}, out);
	}
	return size < PROXY_V1_MAX ? PROXY_PROTOCOL_MORE : refuse(out, "version 1 has no end");
}

/* --- version 2 --- */

static const char v2_signature[] = {'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

enum { VERSION_COMMAND = sizeof(v2_signature), FAMILY, LENGTH };

enum { COMMAND_LOCAL, COMMAND_PROXY };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX };
enum { TRANSPORT_UNSPEC, TRANSPORT_STREAM, TRANSPORT_DGRAM };

enum { TLV_HEAD = 3, TLV_CRC32C = 3, CRC_SIZE = 4 };

/* Octets of both addresses and ports, by family. */
static const size_t address_sizes[] = {
	[FAMILY_UNSPEC] = 0, [FAMILY_INET] = 12, [FAMILY_INET6] = 36, [FAMILY_UNIX] = 216};

static unsigned octet(const char *data, size_t at)
{
	return (unsigned char)data[at];
}

static unsigned number(const char *data, size_t at)
{
	return octet(data, at) << 8 | octet(data, at + 1);
}

/* Castagnoli's polynomial, reflected (RFC 9260 appendix A). The four octets at `zero` count as 0.
 * Bit by bit: this is once a connection, and short. */
static uint32_t crc32c(const char *data, size_t size, size_t zero)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= i >= zero && i < zero + CRC_SIZE ? 0 : octet(data, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* The checksum is sent with its most significant octet first. */
static bool crc_is_right(const char *data, size_t size, size_t at)
{
	uint32_t told = (uint32_t)number(data, at) << 16 | number(data, at + 2);

	return crc32c(data, size, at) == told;
}

/* From `at` on. Returns NULL, or what is wrong with them. */
static const char *check_tlvs(const char *data, size_t size, size_t at)
{
	size_t checksum = 0;

	while (at < size) {
		unsigned length;

		if (size - at < TLV_HEAD)
			return "a TLV that is cut off";
		length = number(data, at + 1);
		if (length > size - at - TLV_HEAD)
			return "a TLV longer than the header";
		if (octet(data, at) == TLV_CRC32C) {
			if (length != CRC_SIZE || checksum > 0)
				return "a checksum of a wrong length, or two";
			checksum = at + TLV_HEAD;
		}
		at += TLV_HEAD + length;
	}
	if (checksum > 0 && !crc_is_right(data, size, checksum))
		return "a wrong checksum";
	return NULL;
}

/* Which parts of the fixed head are there and wrong. */
static const char *check_v2_head(const char *data, size_t size)
{
	if (size > VERSION_COMMAND && octet(data, VERSION_COMMAND) >> 4 != 2)
		return "an unknown version";
	if (size > VERSION_COMMAND && (octet(data, VERSION_COMMAND) & 15) > COMMAND_PROXY)
		return "an unknown command";
	if (size > FAMILY && octet(data, VERSION_COMMAND) == (2 << 4 | COMMAND_PROXY) &&
	    (octet(data, FAMILY) >> 4 > FAMILY_UNIX || (octet(data, FAMILY) & 15) > TRANSPORT_DGRAM))
		return "an unknown family or transport";
	return NULL;
}

static void take_v2_source(const char *data, unsigned family, struct proxy_header *out)
{
	const char *source = data + PROXY_V2_HEAD;

	out->told = true;
	if (family == FAMILY_INET)
		peer_set_ipv4(&out->source, source, (uint16_t)number(source, 8));
	else if (family == FAMILY_INET6)
		peer_set_ipv6(&out->source, source, (uint16_t)number(source, 32));
	else
		out->source.any.sa_family = AF_UNIX;
}

static enum proxy_protocol_verdict read_v2(const char *data, size_t size, struct proxy_header *out)
{
	const char *wrong = check_v2_head(data, size);
	unsigned family, transport;

	if (wrong)
		return refuse(out, wrong);
	if (size < PROXY_V2_HEAD)
		return PROXY_PROTOCOL_MORE;
	family = octet(data, FAMILY) >> 4;
	transport = octet(data, FAMILY) & 15;
	out->size = PROXY_V2_HEAD + number(data, LENGTH);
	/* LOCAL: family and what follows are ignored, whatever they are. */
	if ((octet(data, VERSION_COMMAND) & 15) == COMMAND_LOCAL)
		return size < out->size ? PROXY_PROTOCOL_MORE : PROXY_PROTOCOL_COMPLETE;
	if (out->size - PROXY_V2_HEAD < address_sizes[family])
		return refuse(out, "addresses that are cut off");
	if (size < out->size)
		return PROXY_PROTOCOL_MORE;
	wrong = check_tlvs(data, out->size, PROXY_V2_HEAD + address_sizes[family]);
	if (wrong)
		return refuse(out, wrong);
	/* What is forwarded is no stream: nothing that could be a client of ours. */
	if (family != FAMILY_UNSPEC && transport == TRANSPORT_STREAM)
		take_v2_source(data, family, out);
	return PROXY_PROTOCOL_COMPLETE;
}

static bool begins_with(const char *data, size_t size, const char *start, size_t length)
{
	return memcmp(data, start, size < length ? size : length) == 0;
}

enum proxy_protocol_verdict proxy_protocol_read(const char *data, size_t size, struct proxy_header *out)
{
	*out = (struct proxy_header){0};
	if (size == 0)
		return PROXY_PROTOCOL_MORE;
	if (begins_with(data, size, v2_signature, sizeof(v2_signature)))
		return read_v2(data, size, out);
	if (begins_with(data, size, v1_start, V1_START))
		return size < V1_START ? PROXY_PROTOCOL_MORE : read_v1(data, size, out);
	return refuse(out, "no PROXY header");
}
