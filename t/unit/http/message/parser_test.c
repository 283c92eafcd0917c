/* SPDX-License-Identifier: MIT
 *
 * From the octets of a head to a request: guard, llhttp and framing rules together, since only
 * together they are strict. */
#include "http/message/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const struct guard_limits limits = {.head_size_max = 32768, .target_size_max = 8192, .fields_max = 256};

static struct parser parser;
static struct request request;
static char head[65536]; /* what the request's slices point into */

/* 0, or the status to refuse with. The head must be whole. */
static unsigned read_head(const char *octets, size_t size)
{
	struct guard guard;

	assert_true(size <= sizeof(head));
	memcpy(head, octets, size);
	guard_reset(&guard);
	switch (guard_scan(&guard, &limits, head, size)) {
	case GUARD_REFUSED:
		return refusal_status(guard.refusal);
	case GUARD_COMPLETE:
		assert_int_equal(guard.line, size);
		return refusal_status(parser_read(&parser, &guard, head, &request));
	case GUARD_MORE:
		break;
	}
	return 1;
}

struct row {
	const char *octets;
	size_t size;
	unsigned status;
};

#define ROW(octets, status)                        \
	{                                          \
		octets, sizeof(octets) - 1, status \
	}
#define LINE                   "GET / HTTP/1.1\r\n"
#define FIELDS(fields, status) ROW(LINE "Host: a\r\n" fields "\r\n", status)
#define HOST(value, status)    ROW(LINE "Host:" value "\r\n\r\n", status)
#define START(line, status)    ROW(line "\r\nHost: a\r\n\r\n", status)

static const struct row rows[] = {
	/* Syntax of fields. */
	FIELDS("", 0),
	FIELDS("X: y\r\n", 0),
	FIELDS("X:y\r\n", 0),
	FIELDS("X:\r\n", 0),
	FIELDS("X: \t \r\n", 0),
	FIELDS("X: a b\tc\r\n", 0),
	FIELDS("X: \x80\xff\r\n", 0),
	FIELDS("!#$%&'*+-.^_`|~09azAZ: y\r\n", 0),
	FIELDS("X: \":;{}\r\n", 0),
	FIELDS("X : y\r\n", 400),
	FIELDS("X\t: y\r\n", 400),
	FIELDS("X y: z\r\n", 400),
	FIELDS("X\r\n", 400),
	FIELDS("X y\r\n", 400),
	FIELDS("X\0: y\r\n", 400),
	FIELDS("X: a\0b\r\n", 400),
	FIELDS("X: a\x01"
	       "b\r\n",
	       400),
	FIELDS("X: a\x7f"
	       "b\r\n",
	       400),
	FIELDS("X: a\x1f\r\n", 400),
	FIELDS("X: a\x0b"
	       "b\r\n",
	       400),
	FIELDS("X: a\x08\r\n", 400),
	FIELDS("X(: y\r\n", 400),
	FIELDS("X@: y\r\n", 400),
	FIELDS("X\xe4: y\r\n", 400),
	FIELDS("\"X\": y\r\n", 400),
	FIELDS("X{: y\r\n", 400),
	FIELDS("X/: y\r\n", 400),
	FIELDS("X: a\r\n b\r\n", 400),
	FIELDS(": b\r\n", 400),
	FIELDS("X: a\rb\r\n", 400),
	FIELDS("X: a\nb\r\n", 400),
	FIELDS("X:\rY: z\r\n", 400),
	FIELDS("X: a\r\n\rY: z\r\n", 400),
	FIELDS("Transfer-Encoding:\rchunked\r\n", 400),
	FIELDS("Content-Length : 1\r\n", 400),
	FIELDS("Content-Length\t: 1\r\n", 400),
	FIELDS("Content Length: 1\r\n", 400),
	FIELDS("Host : b\r\n", 400),
	FIELDS("Proxy-Connection: keep-alive\r\n", 0),
	FIELDS("Upgrade: h2c\r\n", 0),
	FIELDS("Connection: Upgrade\r\nUpgrade: websocket\r\n", 0),
	FIELDS("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n", 0),

	/* Request lines. */
	START("GET / HTTP/1.1", 0),
	START("GET / HTTP/1.0", 0),
	START("GET / HTTP/1.2", 0),
	START("GET / HTTP/1.9", 0),
	START("HEAD / HTTP/1.1", 0),
	START("POST / HTTP/1.1", 0),
	START("PUT /a HTTP/1.1", 0),
	START("DELETE /a HTTP/1.1", 0),
	START("PATCH /a HTTP/1.1", 0),
	START("TRACE /a HTTP/1.1", 0),
	START("OPTIONS / HTTP/1.1", 0),
	START("OPTIONS * HTTP/1.1", 0),
	START("OPTIONS * HTTP/1.0", 0),
	START("QUERY / HTTP/1.1", 0),
	START("M-SEARCH / HTTP/1.1", 0),
	START("SOURCE / HTTP/1.1", 0),
	START("PRI / HTTP/1.1", 0),
	START("DESCRIBE / HTTP/1.1", 0),
	START("BREW / HTTP/1.1", 0),
	START("get / HTTP/1.1", 0),
	START("G / HTTP/1.1", 0),
	START("GETT / HTTP/1.1", 0),
	START("BREW / HTTP/1.7", 0),
	START("GET * HTTP/1.1", 400),
	START("PRI * HTTP/1.1", 400),
	START("BREW * HTTP/1.1", 400),
	START("OPTIONS ** HTTP/1.1", 400),
	START("OPTIONS *a HTTP/1.1", 400),
	START("GET a HTTP/1.1", 400),
	START("GET index.html HTTP/1.1", 400),
	START("GET ?a HTTP/1.1", 400),
	START("GET a:80 HTTP/1.1", 400),
	START("GET // HTTP/1.1", 0),
	START("GET /?? HTTP/1.1", 0),
	START("GET /%zz HTTP/1.1", 0), /* the path's business */
	START("GET http://a HTTP/1.1", 0),
	START("GET http://a/ HTTP/1.1", 0),
	START("GET http://a/b?c HTTP/1.1", 0),
	START("GET http://a?c HTTP/1.1", 0),
	START("GET HTTP://A/ HTTP/1.1", 0),
	START("GET hTTpS://a:8443/ HTTP/1.1", 0),
	START("GET http://a:/ HTTP/1.1", 0),
	START("GET http://[::1]:80/ HTTP/1.1", 0),
	START("GET http://1.2.3.4/ HTTP/1.1", 0),
	START("GET http://a.b-c_d~e/ HTTP/1.1", 0),
	START("GET http://%41/ HTTP/1.1", 0),
	START("OPTIONS http://a HTTP/1.1", 0),
	START("BREW http://a/ HTTP/1.1", 0),
	START("GET http://a/ HTTP/1.0", 0),
	START("GET http:// HTTP/1.1", 400),
	START("GET http:/// HTTP/1.1", 400),
	START("GET http://?a HTTP/1.1", 400),
	START("GET http://:80/ HTTP/1.1", 400),
	START("GET http:/a HTTP/1.1", 400),
	START("GET http:a HTTP/1.1", 400),
	START("GET http HTTP/1.1", 400),
	START("GET ftp://a/ HTTP/1.1", 400),
	START("GET file:///etc/passwd HTTP/1.1", 400),
	START("GET httpx://a/ HTTP/1.1", 400),
	START("GET ://a/ HTTP/1.1", 400),
	START("GET http://u@a/ HTTP/1.1", 400),
	START("GET http://u:p@a/ HTTP/1.1", 400),
	START("GET http://a:8x/ HTTP/1.1", 400),
	START("GET http://a:80:80/ HTTP/1.1", 400),
	START("GET http://[::1/ HTTP/1.1", 400),
	START("GET http://[::g]/ HTTP/1.1", 400),
	START("GET http://[]/ HTTP/1.1", 400),
	START("GET http://a%/ HTTP/1.1", 400),
	START("GET http://a\\b/ HTTP/1.1", 400),
	START("GET http://a,b/ HTTP/1.1", 0),
	START("GET http://a|b/ HTTP/1.1", 400),
	START("CONNECT a:443 HTTP/1.1", 0),
	START("CONNECT [::1]:443 HTTP/1.1", 0),
	START("CONNECT a HTTP/1.1", 400),
	START("CONNECT a: HTTP/1.1", 400),
	START("CONNECT / HTTP/1.1", 400),
	START("CONNECT http://a/ HTTP/1.1", 400),
	START("CONNECT * HTTP/1.1", 400),
	START("CONNECT :443 HTTP/1.1", 400),
	START("CONNECT a:44x HTTP/1.1", 400),

	/* Host. */
	ROW("GET / HTTP/1.1\r\n\r\n", 400),
	ROW("GET / HTTP/1.2\r\n\r\n", 400),
	ROW("GET / HTTP/1.0\r\n\r\n", 0),
	ROW("GET http://a/ HTTP/1.1\r\n\r\n", 400),
	ROW("OPTIONS * HTTP/1.1\r\n\r\n", 400),
	ROW("OPTIONS / HTTP/1.0\r\n\r\n", 0),
	ROW("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
	ROW("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n", 400),
	ROW("GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n", 400),
	ROW("GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", 400),
	ROW("GET / HTTP/1.0\r\nHost: b c\r\n\r\n", 400),
	HOST("", 0),
	HOST(" \t", 0),
	HOST(" a", 0),
	HOST("a", 0),
	HOST("\ta\t", 0),
	HOST(" a ", 0),
	HOST(" a:80", 0),
	HOST(" a:", 0),
	HOST(" a:0", 0),
	HOST(" a:99999", 0),
	HOST(" a.b.", 0),
	HOST(" a_b", 0),
	HOST(" 127.0.0.1", 0),
	HOST(" 127.0.0.1:8000", 0),
	HOST(" 999.1.1.1", 0), /* a registered name by its syntax */
	HOST(" [::1]", 0),
	HOST(" [::1]:80", 0),
	HOST(" [2001:db8::a:b]", 0),
	HOST(" [::ffff:1.2.3.4]", 0),
	HOST(" [v1.a:b]", 0),
	HOST(" [vF.!$]", 0),
	HOST(" xn--a-0fa.example", 0),
	HOST(" a%20b", 0),
	HOST(" a!$&'()*+,;=b", 0),
	HOST(" -", 0),
	HOST(" a b", 400),
	HOST(" a\tb", 400),
	HOST(" a, b", 400),
	HOST(" a/", 400),
	HOST(" http://a", 400),
	HOST(" a/b", 400),
	HOST(" a?b", 400),
	HOST(" a#b", 400),
	HOST(" u@a", 400),
	HOST(" a@", 400),
	HOST(" a\\b", 400),
	HOST(" a\"", 400),
	HOST(" a<b>", 400),
	HOST(" a:b", 400),
	HOST(" a:80 80", 400),
	HOST(" a:-1", 400),
	HOST(" a:+1", 400),
	HOST(" a:8:8", 400),
	HOST(" a:80a", 400),
	HOST(" :80", 400),
	HOST(" :", 400),
	HOST(" a::80", 400),
	HOST(" ::1", 400),
	HOST(" a%", 400),
	HOST(" a%4", 400),
	HOST(" a%g1", 400),
	HOST(" [", 400),
	HOST(" []", 400),
	HOST(" [::1", 400),
	HOST(" ::1]", 400),
	HOST(" [::1]a", 400),
	HOST(" [::1]80", 400),
	HOST(" [::1]:a", 400),
	HOST(" [:::1]", 400),
	HOST(" [1:2:3:4:5:6:7:8:9]", 400),
	HOST(" [g::]", 400),
	HOST(" [1.2.3.4]", 400),
	HOST(" [::1%25eth0]", 400),
	HOST(" [::1%eth0]", 400),
	HOST(" [v1]", 400),
	HOST(" [v1.]", 400),
	HOST(" [v.a]", 400),
	HOST(" [x1.a]", 400),
	HOST(" [a]", 400),
	HOST(" a[::1]", 400),
	HOST(" \xc3\xa4", 400),
	HOST(" a\x80", 400),
	HOST(" {}", 400),
	HOST(" a|b", 400),
	HOST(" a^b", 400),
	HOST(" `a`", 400),

	/* Content-Length. */
	FIELDS("Content-Length: 0\r\n", 0),
	FIELDS("Content-Length: 5\r\n", 0),
	FIELDS("Content-Length:5\r\n", 0),
	FIELDS("Content-Length:  5  \r\n", 0),
	FIELDS("Content-Length:\t5\t\r\n", 0),
	FIELDS("Content-Length: \t 5\t \r\n", 0),
	FIELDS("content-length: 5\r\n", 0),
	FIELDS("Content-Length: 000005\r\n", 0),
	FIELDS("Content-Length: 18446744073709551615\r\n", 0),
	FIELDS("Content-Length: 18446744073709551616\r\n", 400),
	FIELDS("Content-Length: 99999999999999999999999\r\n", 400),
	FIELDS("Content-Length:\r\n", 400),
	FIELDS("Content-Length: \r\n", 400),
	FIELDS("Content-Length: a\r\n", 400),
	FIELDS("Content-Length: -1\r\n", 400),
	FIELDS("Content-Length: +1\r\n", 400),
	FIELDS("Content-Length: 1.0\r\n", 400),
	FIELDS("Content-Length: 0x1\r\n", 400),
	FIELDS("Content-Length: 1e1\r\n", 400),
	FIELDS("Content-Length: 1 1\r\n", 400),
	FIELDS("Content-Length: 1\t1\r\n", 400),
	FIELDS("Content-Length: 1,1\r\n", 400),
	FIELDS("Content-Length: 1, 1\r\n", 400),
	FIELDS("Content-Length: 1;\r\n", 400),
	FIELDS("Content-Length: \"1\"\r\n", 400),
	FIELDS("Content-Length: 1\r\nContent-Length: 1\r\n", 400),
	FIELDS("Content-Length: 1\r\nContent-Length: 2\r\n", 400),
	FIELDS("Content-Length: 0\r\nContent-Length: 0\r\n", 400),
	FIELDS("Content-Length: 1\r\nX: y\r\ncontent-length: 1\r\n", 400),
	FIELDS("Content-Length:\r\nContent-Length: 1\r\n", 400),
	FIELDS("Content-Length: 1_000\r\n", 400),
	FIELDS("Content-Length: \xb2\r\n", 400),
	FIELDS("Content-Length2: x\r\n", 0),
	FIELDS("X-Content-Length: x\r\n", 0),

	/* Transfer-Encoding. */
	FIELDS("Transfer-Encoding: chunked\r\n", 0),
	FIELDS("Transfer-Encoding:chunked\r\n", 0),
	FIELDS("Transfer-Encoding: Chunked\r\n", 0),
	FIELDS("Transfer-Encoding: CHUNKED \r\n", 0),
	FIELDS("Transfer-Encoding:\tchunked\t\r\n", 0),
	FIELDS("transfer-encoding: chunked\r\n", 0),
	FIELDS("Transfer-Encoding: ,chunked\r\n", 0),
	FIELDS("Transfer-Encoding: chunked,\r\n", 0),
	FIELDS("Transfer-Encoding: , ,\tchunked ,, \r\n", 0),
	FIELDS("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n", 0),
	FIELDS("Transfer-Encoding: gzip, chunked\r\n", 501),
	FIELDS("Transfer-Encoding: gzip,chunked\r\n", 501),
	FIELDS("Transfer-Encoding: deflate, gzip, chunked\r\n", 501),
	FIELDS("Transfer-Encoding: identity, chunked\r\n", 501),
	FIELDS("Transfer-Encoding: x;q=1, chunked\r\n", 501),
	FIELDS("Transfer-Encoding: x;q=\"1\", chunked\r\n", 501),
	FIELDS("Transfer-Encoding: x;q=\"1, chunked\r\n", 400),
	FIELDS("Transfer-Encoding: x;q=\"1,chunked\"\r\n", 400),
	FIELDS("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
	FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
	FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
	FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 0),
	FIELDS("Transfer-Encoding: chunked, chunked\r\n", 400),
	FIELDS("Transfer-Encoding: chunked, gzip\r\n", 400),
	FIELDS("Transfer-Encoding: identity\r\n", 400),
	FIELDS("Transfer-Encoding: gzip\r\n", 400),
	FIELDS("Transfer-Encoding:\r\n", 400),
	FIELDS("Transfer-Encoding: ,\r\n", 400),
	FIELDS("Transfer-Encoding: chunkedd\r\n", 400),
	FIELDS("Transfer-Encoding: xchunked\r\n", 400),
	FIELDS("Transfer-Encoding: chunke\r\n", 400),
	FIELDS("Transfer-Encoding: \"chunked\"\r\n", 400),
	FIELDS("Transfer-Encoding: chunked;a=b\r\n", 400),
	FIELDS("Transfer-Encoding: chunked a\r\n", 400),
	FIELDS("Transfer-Encoding: a chunked\r\n", 400),
	FIELDS("Transfer-Encoding: \vchunked\r\n", 400),
	FIELDS("Transfer-Encoding: chunked\xa0\r\n", 400),
	FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
	FIELDS("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
	FIELDS("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400),
	FIELDS("Content-Length: 5\r\nTransfer-Encoding:\r\n", 400),
	FIELDS("Transfer-Encoding:\r\nContent-Length: 5\r\n", 400),
	FIELDS("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", 400),
	FIELDS("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400),
	FIELDS("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", 0),
	ROW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	ROW("GET / HTTP/1.0\r\nTransfer-Encoding: identity\r\n\r\n", 400),
	ROW("GET / HTTP/1.0\r\nTransfer-Encoding:\r\n\r\n", 400),
	ROW("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", 0),
	ROW("POST / HTTP/1.2\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0),

	/* Whatever Connection says, its syntax stops nothing. */
	FIELDS("Connection: close\r\n", 0),
	FIELDS("Connection:\r\n", 0),
	FIELDS("Connection: ,,close,,\r\n", 0),
	FIELDS("Connection: a b c\r\n", 0),
	FIELDS("Connection: close\r\nConnection: keep-alive\r\n", 0),
	FIELDS("Connection: \"close\"\r\n", 0),
	FIELDS("Connection: keep-alive, Upgrade\r\n", 0),
};

static void every_row_has_its_status(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned status = read_head(rows[i].octets, rows[i].size);

		if (status != rows[i].status) {
			print_error("row %zu \"%s\": %u, not %u\n", i, rows[i].octets, status, rows[i].status);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void accept_head(const char *text)
{
	assert_int_equal(read_head(text, strlen(text)), 0);
}

static void assert_text(struct slice slice, const char *text)
{
	assert_int_equal(slice.len, strlen(text));
	assert_memory_equal(slice.ptr, text, slice.len);
}

/* RFC 9110 sections 5.1 and 5.5, for lines that have passed the guard. */
static bool is_field_line(const char *line, const char *end)
{
	const char *at = line;

	while (at < end && guard_is_token((unsigned char)*at))
		at++;
	if (at == line || at == end || *at != ':')
		return false;
	while (++at < end)
		if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return false;
	return true;
}

static bool are_field_lines(const char *at, const char *end)
{
	for (const char *feed; (feed = memchr(at, '\n', (size_t)(end - at))); at = feed + 1) {
		if (feed - at == 1)
			return true;
		if (!is_field_line(at, feed - 1))
			return false;
	}
	return false;
}

/* The verdict on syntax is that of the RFC and not of the version of llhttp: for fields that llhttp
 * reads in a way of its own, too. */
static void syntax_of_fields_is_that_of_the_rfc(void **state)
{
	static const char *const heads[] = {
		LINE "Host: a\r\nContent-Length: 5 \r\nX-Y:\r\n\r\n",
		LINE "Host: a\r\nTransfer-Encoding: gzip, chunked\r\nTE:trailers\r\n\r\n",
		LINE "Host: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
		LINE "Proxy-Connection: keep-alive\r\nConnection:\tkeep-alive\t\r\nHost:a\r\n\r\n",
	};
	static const char octets[] = "\0\x01\t\r\n \"(),:;=@[]{}\x7f\x80\xff"
				     "aZ09-,\vchunked";
	unsigned long random = 1;
	unsigned refused = 0, taken = 0;

	(void)state;
	for (unsigned round = 0; round < 400000; round++) {
		const char *text = heads[round % (sizeof(heads) / sizeof(heads[0]))];
		size_t size = strlen(text);
		char changed[256];
		struct guard guard;

		memcpy(changed, text, size);
		for (unsigned i = 0; i <= round % 3; i++) {
			random = random * 6364136223846793005ul + 1442695040888963407ul;
			changed[sizeof(LINE) - 1 + (random >> 33) % (size - sizeof(LINE) + 1)] =
				octets[(random >> 20) % (sizeof(octets) - 1)];
		}
		guard_reset(&guard);
		if (guard_scan(&guard, &limits, changed, size) != GUARD_COMPLETE)
			continue;

		bool valid = are_field_lines(changed + sizeof(LINE) - 1, changed + guard.line);
		enum refusal refusal = parser_read(&parser, &guard, changed, &request);

		if ((refusal != REFUSAL_FIELD) != valid)
			fail_msg("round %u: %s: %.*s", round, refusal_text(refusal), (int)size, changed);
		valid ? taken++ : refused++;
	}
	assert_true(taken > 10000 && refused > 10000);
}

static void the_parts_of_a_request_are_found(void **state)
{
	(void)state;
	accept_head("\r\nGET /a?b HTTP/1.1\r\nHost:\t example:80 \r\nX-Y:z\r\nEmpty:\r\n"
		    "rANGE: \t bytes=0-1\t \r\nReferer: r s\r\n\r\n");
	assert_text(request.line, "GET /a?b HTTP/1.1");
	assert_text(request.method_name, "GET");
	assert_text(request.target, "/a?b");
	assert_text(request.host, "example:80");
	assert_int_equal(request.method, METHOD_GET);
	assert_int_equal(request.minor_version, 1);
	assert_true(request.keep_alive);
	assert_false(request.has_body);
	assert_int_equal(request.field_count, 5);
	assert_text(request.fields[1].name, "X-Y");
	assert_text(request.fields[1].value, "z");
	assert_int_equal(request.fields[1].id, FIELD_OTHER);
	assert_text(request.fields[2].name, "Empty");
	assert_text(request.fields[2].value, "");
	assert_true(request_has(&request, FIELD_RANGE));
	assert_text(request_field(&request, FIELD_RANGE, NULL)->value, "bytes=0-1");
	assert_text(request_field(&request, FIELD_REFERER, NULL)->value, "r s");
	assert_null(request_field(&request, FIELD_IF_RANGE, NULL));
}

static void every_field_has_its_identity(void **state)
{
	static const char *const names[FIELD_COUNT] = {
		[FIELD_OTHER] = "Cookie",
		[FIELD_HOST] = "Host",
		[FIELD_CONNECTION] = "Connection",
		[FIELD_CONTENT_LENGTH] = "Content-Length",
		[FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
		[FIELD_EXPECT] = "Expect",
		[FIELD_RANGE] = "Range",
		[FIELD_IF_MATCH] = "If-Match",
		[FIELD_IF_NONE_MATCH] = "If-None-Match",
		[FIELD_IF_MODIFIED_SINCE] = "If-Modified-Since",
		[FIELD_IF_UNMODIFIED_SINCE] = "If-Unmodified-Since",
		[FIELD_IF_RANGE] = "If-Range",
		[FIELD_ACCEPT_ENCODING] = "Accept-Encoding",
		[FIELD_REFERER] = "Referer",
		[FIELD_USER_AGENT] = "User-Agent",
		[FIELD_FORWARDED] = "Forwarded",
		[FIELD_X_FORWARDED_FOR] = "X-Forwarded-For",
		[FIELD_X_FORWARDED_PROTO] = "X-Forwarded-Proto",
		[FIELD_X_REQUEST_ID] = "X-Request-ID",
	};

	(void)state;
	for (unsigned id = 0; id < FIELD_COUNT; id++) {
		char changed[64];

		assert_non_null(names[id]);
		assert_int_equal(request_field_id(slice_of(names[id])), id);
		snprintf(changed, sizeof(changed), "%s", names[id]);
		for (char *at = changed; *at; at++)
			*at = *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at;
		assert_int_equal(request_field_id(slice_of(changed)), id);
		changed[strlen(changed) - 1] = '_';
		assert_int_equal(request_field_id(slice_of(changed)), FIELD_OTHER);
	}
}

static void every_method_has_its_kind(void **state)
{
	(void)state;
	assert_int_equal(request_method_of(SLICE("GET")), METHOD_GET);
	assert_int_equal(request_method_of(SLICE("HEAD")), METHOD_HEAD);
	assert_int_equal(request_method_of(SLICE("OPTIONS")), METHOD_OPTIONS);
	assert_int_equal(request_method_of(SLICE("get")), METHOD_UNKNOWN);
	assert_int_equal(request_method_of(SLICE("GE")), METHOD_UNKNOWN);
	assert_int_equal(request_method_of(SLICE("GETS")), METHOD_UNKNOWN);
	for (unsigned number = 0; number <= HTTP_SOURCE; number++) {
		enum request_method method = request_method_of(slice_of(llhttp_method_name((llhttp_method_t)number)));

		assert_true(method != METHOD_UNKNOWN);
	}
}

static void the_host_of_an_absolute_target_counts(void **state)
{
	(void)state;
	accept_head("GET http://one:81/x HTTP/1.1\r\nHost: two\r\n\r\n");
	assert_text(request.host, "one:81");
	assert_text(request.target, "http://one:81/x");
	accept_head("GET /x HTTP/1.1\r\nHost:\r\n\r\n");
	assert_int_equal(request.host.len, 0);
	accept_head("GET /x HTTP/1.0\r\n\r\n");
	assert_int_equal(request.host.len, 0);
}

static void lengths_of_bodies_are_read(void **state)
{
	(void)state;
	accept_head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n");
	assert_true(request.has_body);
	assert_true(request.content_length == UINT64_MAX);
	accept_head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n\r\n");
	assert_false(request.has_body);
	accept_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_true(request.has_body);
	assert_true(request.content_length == 0);
	accept_head("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(request.has_body);
}

struct persistence {
	const char *version, *connection; /* lines */
	bool keep_alive;
};

static void connection_options_decide_on_persistence(void **state)
{
	static const struct persistence cases[] = {
		{"1.1", "", true},
		{"1.0", "", false},
		{"1.5", "", true},
		{"1.1", "Connection: close\r\n", false},
		{"1.1", "Connection: Close\r\n", false},
		{"1.1", "connection:close\r\n", false},
		{"1.1", "Connection: close\t\r\n", false},
		{"1.1", "Connection: \tclose\r\n", false},
		{"1.1", "Connection: close \t \r\n", false},
		{"1.1", "Connection: a,close\r\n", false},
		{"1.1", "Connection: a ,\tclose\t, b\r\n", false},
		{"1.1", "Connection: ,,close\r\n", false},
		{"1.1", "Connection: keep-alive, close\r\n", false},
		{"1.1", "Connection: close, keep-alive\r\n", false},
		{"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
		{"1.1", "Connection: a\r\nX: y\r\nConnection: close\r\n", false},
		{"1.1", "Connection: closed\r\n", true},
		{"1.1", "Connection: clos\r\n", true},
		{"1.1", "Connection: xclose\r\n", true},
		{"1.1", "Connection: \"close\"\r\n", true},
		{"1.1", "Connection: close;a\r\n", true},
		{"1.1", "Connection: keep-alive\r\n", true},
		{"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", true},
		{"1.1", "Connection:\r\n", true},
		{"1.1", "X-Connection: close\r\n", true},
		{"1.1", "Proxy-Connection: close\r\n", true},
		{"1.0", "Connection: keep-alive\r\n", true},
		{"1.0", "Connection: Keep-Alive\r\n", true},
		{"1.0", "Connection: a,\tkeep-alive\t\r\n", true},
		{"1.0", "Connection: keep-alive, close\r\n", false},
		{"1.0", "Connection: close\r\n", false},
		{"1.0", "Connection: keep-alives\r\n", false},
		{"1.0", "Proxy-Connection: keep-alive\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
			 cases[i].connection);
		accept_head(text);
		if (request.keep_alive != cases[i].keep_alive)
			fail_msg("case %zu: %s", i, text);
	}
	accept_head("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(request.keep_alive);
}

static void expectations_count_in_1_1_only(void **state)
{
	(void)state;
	accept_head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n");
	assert_true(request.expect_continue);
	accept_head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n");
	assert_false(request.expect_continue);
	accept_head("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
	assert_false(request.expect_continue);
	accept_head("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_false(request.expect_continue);
}

static void nothing_is_carried_from_one_head_to_the_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_head(rows[i].octets, rows[i].size);
		accept_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_int_equal(request.field_count, 1);
		assert_int_equal(request.present, 1u << FIELD_HOST);
		assert_true(request.keep_alive);
		assert_false(request.has_body);
	}
}

static void the_largest_number_of_fields_is_read(void **state)
{
	size_t size = (size_t)sprintf(head, "GET / HTTP/1.1\r\nHost: a\r\n");
	static char text[65536];

	(void)state;
	for (unsigned i = 1; i < REQUEST_FIELDS_MAX; i++)
		size += (size_t)sprintf(head + size, "X-%u: %u\r\n", i, i);
	size += (size_t)sprintf(head + size, "\r\n");
	memcpy(text, head, size);
	assert_int_equal(read_head(text, size), 0);
	assert_int_equal(request.field_count, REQUEST_FIELDS_MAX);
	assert_text(request.fields[REQUEST_FIELDS_MAX - 1].value, "255");
}

static void what_is_known_of_a_refused_request_is_kept(void **state)
{
	static const char late[] = "HEAD /x HTTP/2.0\r\n", early[] = "HEAD /#";
	struct guard guard;

	(void)state;
	guard_reset(&guard);
	assert_int_equal(guard_scan(&guard, &limits, late, sizeof(late) - 1), GUARD_REFUSED);
	parser_read_refused(&guard, late, sizeof(late) - 1, &request);
	assert_text(request.line, "HEAD /x HTTP/2.0");
	assert_int_equal(request.method, METHOD_HEAD);
	assert_int_equal(request.field_count, 0);
	guard_reset(&guard);
	assert_int_equal(guard_scan(&guard, &limits, early, sizeof(early) - 1), GUARD_MORE);
	parser_read_refused(&guard, early, sizeof(early) - 1, &request);
	assert_int_equal(request.line.len, 0);
	assert_int_equal(request.method, METHOD_HEAD);
	parser_read_refused(&guard, "GET /", 5, &request);
	assert_int_equal(request.method, METHOD_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_status),
		cmocka_unit_test(syntax_of_fields_is_that_of_the_rfc),
		cmocka_unit_test(the_parts_of_a_request_are_found),
		cmocka_unit_test(every_field_has_its_identity),
		cmocka_unit_test(every_method_has_its_kind),
		cmocka_unit_test(the_host_of_an_absolute_target_counts),
		cmocka_unit_test(lengths_of_bodies_are_read),
		cmocka_unit_test(connection_options_decide_on_persistence),
		cmocka_unit_test(expectations_count_in_1_1_only),
		cmocka_unit_test(nothing_is_carried_from_one_head_to_the_next),
		cmocka_unit_test(the_largest_number_of_fields_is_read),
		cmocka_unit_test(what_is_known_of_a_refused_request_is_kept),
	};

	parser_init(&parser);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
