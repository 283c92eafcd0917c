/* SPDX-License-Identifier: MIT
 *
 * A line of the access log as a JSON object (RFC 8259). Put together by hand: this runs for each
 * request. Octets that are no plain ASCII are told by their numbers, as if they were Latin-1: what
 * clients send need not be UTF-8, and so each octet can be found again. Members that a request does
 * not have are left out. Worker only. */
#include "brood/log/access_log_format.h"

#include "http/http.h"
#include "http/tls/tls.h"

#include <stdio.h>
#include <string.h>

/* Octets of the log's own between the quotes (each octet of a client's may become six); with all
 * that is fixed the line is well within ACCESS_LINE_MAX. */
enum {
	HOST_MAX = 256,
	REQUEST_MAX = 1152,
	REFERER_MAX = 768,
	USER_AGENT_MAX = 512,
	REQUEST_ID_MAX = 136, /* none is cut */
	REASON_MAX = 128,
	SUBJECT_MAX = 256,
	TLS_TEXT_MAX = 68, /* none is cut; three of them */
	FIXED_MAX = 600,   /* names, numbers, the time, two addresses */
};
_Static_assert(HOST_MAX + REQUEST_MAX + REFERER_MAX + USER_AGENT_MAX + REQUEST_ID_MAX + REASON_MAX + SUBJECT_MAX +
			       3 * TLS_TEXT_MAX + FIXED_MAX <=
		       ACCESS_LINE_MAX,
	       "a line must fit");

#define ADD(at, literal) access_line_add(at, literal, sizeof(literal) - 1)

/* The text of one octet, of up to six; returns its length. */
static size_t escape(unsigned char octet, char out[6])
{
	static const char hex[] = "0123456789abcdef";

	if (octet >= ' ' && octet < 0x7f && octet != '"' && octet != '\\') {
		out[0] = (char)octet;
		return 1;
	}
	if (octet == '"' || octet == '\\') {
		out[0] = '\\';
		out[1] = (char)octet;
		return 2;
	}
	memcpy(out, "\\u00", 4);
	out[4] = hex[octet >> 4];
	out[5] = hex[octet & 15];
	return 6;
}

/* Without quotes around it, at most `room` octets. */
static char *add_escaped(char *at, struct slice text, size_t room)
{
	const char *end = at + room - 3;
	char escaped[6];

	for (size_t i = 0; i < text.len; i++) {
		size_t length = escape((unsigned char)text.ptr[i], escaped);

		if (at + length > end)
			return ADD(at, "...");
		at = access_line_add(at, escaped, length);
	}
	return at;
}

/* `start`: all from the comma to the opening quote. Nothing for what is absent. */
static char *add_text(char *at, struct slice start, struct slice text, size_t room)
{
	if (text.len == 0)
		return at;
	at = access_line_add(at, start.ptr, start.len);
	at = add_escaped(at, text, room);
	*at++ = '"';
	return at;
}

static void format_second(struct access_line_cache *cache, time_t second)
{
	struct tm utc;

	if (!gmtime_r(&second, &utc))
		memset(&utc, 0, sizeof(utc));
	cache->time_length = strftime(cache->time_text, sizeof(cache->time_text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	cache->second = second;
	cache->has_second = true;
}

static char *add_tls(char *at, const struct tls_facts *tls)
{
	at = add_text(at, SLICE(",\"tls_version\":\""), slice_of(tls->version), TLS_TEXT_MAX);
	at = add_text(at, SLICE(",\"tls_cipher\":\""), slice_of(tls->cipher), TLS_TEXT_MAX);
	at = tls->resumed ? ADD(at, ",\"tls_resumed\":true") : ADD(at, ",\"tls_resumed\":false");
	if (!tls->client_subject)
		return at;
	at = add_text(at, SLICE(",\"client_subject\":\""), slice_of(tls->client_subject), SUBJECT_MAX);
	return add_text(at, SLICE(",\"client_fingerprint\":\""), slice_of(tls->client_fingerprint), TLS_TEXT_MAX);
}

size_t access_line_json(struct access_line_cache *cache, char *out, const struct http_log_entry *entry)
{
	char *at = out;

	if (!cache->has_second || entry->time != cache->second)
		format_second(cache, entry->time);
	at = ADD(at, "{\"time\":\"");
	at = access_line_add(at, cache->time_text, cache->time_length);
	at = ADD(at, "\",\"client\":\"");
	at = access_line_add_host(at, &cache->client, entry->client);
	at = ADD(at, "\",\"peer\":\"");
	at = access_line_add_host(at, &cache->peer, entry->peer);
	at = entry->https ? ADD(at, "\",\"scheme\":\"https\"") : ADD(at, "\",\"scheme\":\"http\"");
	if (entry->tls)
		at = add_tls(at, entry->tls);
	at = add_text(at, SLICE(",\"host\":\""), entry->host, HOST_MAX);
	at = add_text(at, SLICE(",\"request\":\""), entry->request_line, REQUEST_MAX);
	at = ADD(at, ",\"status\":");
	at = access_line_add_number(at, entry->status);
	at = ADD(at, ",\"bytes\":");
	at = access_line_add_number(at, entry->body_bytes);
	at = ADD(at, ",\"first_us\":");
	at = access_line_add_number(at, entry->first_us);
	at = ADD(at, ",\"duration_us\":");
	at = access_line_add_number(at, entry->duration_us);
	at = add_text(at, SLICE(",\"referer\":\""), entry->referer, REFERER_MAX);
	at = add_text(at, SLICE(",\"user_agent\":\""), entry->user_agent, USER_AGENT_MAX);
	at = add_text(at, SLICE(",\"request_id\":\""), entry->request_id, REQUEST_ID_MAX);
	if (entry->reason)
		at = add_text(at, SLICE(",\"reason\":\""), slice_of(entry->reason), REASON_MAX);
	at = ADD(at, "}\n");
	return (size_t)(at - out);
}
