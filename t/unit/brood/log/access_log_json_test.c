/* SPDX-License-Identifier: MIT
 *
 * Lines of the access log as JSON: what another reader of JSON finds in them, whatever octets the
 * fields of a request have. */
#include "brood/log/access_log_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/http.h"
#include "http/tls/tls.h"

#include <jansson.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static struct sockaddr_in client = {.sin_family = AF_INET}, peer = {.sin_family = AF_INET};
static char line[ACCESS_LINE_MAX + 1];

/* Those that tell what a client has sent. */
static const char *const texts[] = {"host", "request", "referer", "user_agent", "request_id"};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static struct slice *place_of(struct http_log_entry *entry, size_t text)
{
	struct slice *const places[TEXTS] = {&entry->host, &entry->request_line, &entry->referer, &entry->user_agent,
					     &entry->request_id};

	return places[text];
}

static struct http_log_entry entry_of(void)
{
	inet_pton(AF_INET, "192.0.2.1", &client.sin_addr);
	inet_pton(AF_INET, "10.0.0.1", &peer.sin_addr);
	return (struct http_log_entry){
		.client = (const struct sockaddr *)&client,
		.peer = (const struct sockaddr *)&peer,
		.time = 971211336, /* 10 October 2000, 20:55:36 UTC */
		.status = 200,
		.body_bytes = 1024,
		.first_us = 17,
		.duration_us = 4711,
	};
}

/* One line, of plain ASCII, that is one JSON object; to be given back. */
static json_t *parsed(const struct http_log_entry *entry)
{
	struct access_line_cache cache = {0};
	size_t size = access_line_json(&cache, line, entry);
	json_error_t error;
	json_t *object;

	assert_in_range(size, 2, ACCESS_LINE_MAX);
	assert_int_equal(line[size - 1], '\n');
	for (size_t i = 0; i + 1 < size; i++)
		assert_in_range(line[i], ' ', '~');
	object = json_loadb(line, size - 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!object)
		fail_msg("%s: %.*s", error.text, (int)size, line);
	return object;
}

static void a_line_has_all_there_is(void **state)
{
	struct http_log_entry entry = entry_of();

	(void)state;
	entry.https = true;
	entry.host = SLICE("example.org:8000");
	entry.request_line = SLICE("GET /a?b=c HTTP/1.1");
	entry.referer = SLICE("http://example.org/");
	entry.user_agent = SLICE("curl/7.88.1 (it's me)");
	entry.request_id = SLICE("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	entry.reason = "no Host";
	json_decref(parsed(&entry));
	assert_memory_equal(line,
			    "{\"time\":\"2000-10-10T20:55:36Z\",\"client\":\"192.0.2.1\","
			    "\"peer\":\"10.0.0.1\",\"scheme\":\"https\","
			    "\"host\":\"example.org:8000\",\"request\":\"GET /a?b=c HTTP/1.1\","
			    "\"status\":200,\"bytes\":1024,\"first_us\":17,\"duration_us\":4711,"
			    "\"referer\":\"http://example.org/\","
			    "\"user_agent\":\"curl/7.88.1 (it's me)\","
			    "\"request_id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
			    "\"reason\":\"no Host\"}\n",
			    strchr(line, '\n') - line);
}

static void a_line_tells_of_tls(void **state)
{
	struct tls_facts facts = {.version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256"};
	struct http_log_entry entry = entry_of();

	(void)state;
	entry.https = true;
	entry.tls = &facts;
	json_decref(parsed(&entry));
	assert_non_null(strstr(line, "\"scheme\":\"https\",\"tls_version\":\"TLSv1.3\","
				     "\"tls_cipher\":\"TLS_AES_128_GCM_SHA256\","
				     "\"tls_resumed\":false,\"status\":200"));
	facts.resumed = true;
	facts.client_subject = "CN=me\"\\,O=us";
	facts.client_fingerprint = "00ff";
	json_decref(parsed(&entry));
	assert_non_null(strstr(line, "\"tls_resumed\":true,\"client_subject\":\"CN=me\\\"\\\\,O=us\","
				     "\"client_fingerprint\":\"00ff\",\"status\":200"));
}

static void what_a_request_has_not_is_left_out(void **state)
{
	struct http_log_entry entry = entry_of();
	json_t *object = parsed(&entry);

	(void)state;
	assert_int_equal(json_object_size(object), 8);
	assert_string_equal(json_string_value(json_object_get(object, "scheme")), "http");
	for (size_t text = 0; text < TEXTS; text++)
		assert_null(json_object_get(object, texts[text]));
	json_decref(object);
}

/* As if it were Latin-1, so that each octet can be told from any other. */
static void assert_is_octet(const json_t *value, unsigned octet)
{
	const unsigned char *text = (const unsigned char *)json_string_value(value);

	assert_non_null(text);
	assert_int_equal(json_string_length(value), octet < 0x80 ? 3 : 4);
	assert_int_equal(text[0], 'a');
	if (octet < 0x80)
		assert_int_equal(text[1], octet);
	else
		assert_int_equal((text[1] & 0x1f) << 6 | (text[2] & 0x3f), octet);
	assert_int_equal(text[json_string_length(value) - 1], 'z');
}

static void every_octet_in_every_field_is_just_that(void **state)
{
	(void)state;
	for (size_t text = 0; text < TEXTS; text++) {
		for (unsigned octet = 0; octet < 256; octet++) {
			const char octets[] = {'a', (char)octet, 'z'};
			struct http_log_entry entry = entry_of();
			json_t *object;

			*place_of(&entry, text) = (struct slice){octets, sizeof(octets)};
			object = parsed(&entry);
			assert_int_equal(json_object_size(object), 9);
			assert_is_octet(json_object_get(object, texts[text]), octet);
			json_decref(object);
		}
	}
}

static void what_is_too_long_is_cut_and_marked(void **state)
{
	static char longest[40000];
	static const char octets[] = {'a', '"', '\x01', '\xff'};

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++) {
		struct http_log_entry entry = entry_of();
		json_t *object;

		memset(longest, octets[i], sizeof(longest) - 1);
		for (size_t text = 0; text < TEXTS; text++)
			*place_of(&entry, text) = (struct slice){longest, sizeof(longest) - 1};
		entry.reason = longest;
		entry.tls = &(struct tls_facts){longest, longest, false, longest, longest};
		/* Numbers beyond 63 bits are not for jansson. */
		entry.body_bytes = entry.first_us = entry.duration_us = INT64_MAX;
		object = parsed(&entry);
		for (size_t text = 0; text < TEXTS; text++) {
			const json_t *value = json_object_get(object, texts[text]);
			const char *string = json_string_value(value);

			assert_true(json_string_length(value) > 20);
			assert_string_equal(string + json_string_length(value) - 3, "...");
		}
		json_decref(object);
	}
}

static void an_id_of_the_longest_is_whole(void **state)
{
	struct http_log_entry entry = entry_of();
	char id[128];
	json_t *object;

	(void)state;
	memset(id, 'x', sizeof(id));
	entry.request_id = (struct slice){id, sizeof(id)};
	object = parsed(&entry);
	assert_int_equal(json_string_length(json_object_get(object, "request_id")), sizeof(id));
	json_decref(object);
}

static void peers_of_all_families_are_told(void **state)
{
	struct access_line_cache cache = {0};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct http_log_entry entry = entry_of();
	size_t size;

	(void)state;
	ipv6.sin6_addr = in6addr_loopback;
	entry.peer = (const struct sockaddr *)&ipv6;
	size = access_line_json(&cache, line, &entry);
	line[size] = '\0';
	assert_non_null(strstr(line, "\"client\":\"192.0.2.1\",\"peer\":\"::1\""));
	entry.client = &local;
	size = access_line_json(&cache, line, &entry);
	line[size] = '\0';
	assert_non_null(strstr(line, "\"client\":\"-\",\"peer\":\"::1\""));
	entry.client = entry.peer;
	size = access_line_json(&cache, line, &entry);
	line[size] = '\0';
	assert_non_null(strstr(line, "\"client\":\"::1\",\"peer\":\"::1\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_all_there_is),
		cmocka_unit_test(what_a_request_has_not_is_left_out),
		cmocka_unit_test(every_octet_in_every_field_is_just_that),
		cmocka_unit_test(what_is_too_long_is_cut_and_marked),
		cmocka_unit_test(a_line_tells_of_tls),
		cmocka_unit_test(an_id_of_the_longest_is_whole),
		cmocka_unit_test(peers_of_all_families_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
