/* SPDX-License-Identifier: MIT
 *
 * The combined log format. Put together by hand: this runs for each request. Worker only. */
#include "brood/log/access_log_format.h"

#include "base/address.h"
#include "http/http.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Octets of the log's own (each octet of a client's may become four); with all that is fixed the
 * line is well within ACCESS_LINE_MAX. */
enum { REQUEST_LINE_MAX = 2048, REFERER_MAX = 1024, USER_AGENT_MAX = 512, FIXED_MAX = 256 };
_Static_assert(REQUEST_LINE_MAX + REFERER_MAX + USER_AGENT_MAX + FIXED_MAX <= ACCESS_LINE_MAX, "a line must fit");

char *access_line_add(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

char *access_line_add_number(char *at, uint64_t value)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return access_line_add(at, digits + first, sizeof(digits) - first);
}

static bool is_plain(unsigned char octet)
{
	return octet >= ' ' && octet < 0x7f && octet != '"' && octet != '\\';
}

/* In quotes, at most `room` octets between them; "-" for what is absent. */
static char *add_quoted(char *at, struct slice text, size_t room)
{
	static const char hex[] = "0123456789abcdef", mark[] = "...";
	const char *end = at + 1 + room - (sizeof(mark) - 1);

	*at++ = '"';
	if (text.len == 0)
		*at++ = '-';
	for (size_t i = 0; i < text.len; i++) {
		unsigned char octet = (unsigned char)text.ptr[i];

		if (at + (is_plain(octet) ? 1 : 4) > end) {
			at = access_line_add(at, mark, sizeof(mark) - 1);
			break;
		}
		if (is_plain(octet)) {
			*at++ = (char)octet;
			continue;
		}
		*at++ = '\\';
		*at++ = 'x';
		*at++ = hex[octet >> 4];
		*at++ = hex[octet & 15];
	}
	*at++ = '"';
	return at;
}

/* Local time, as administrators expect of this format; the month's name is never translated. */
static void format_second(struct access_line_cache *cache, time_t second)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm local;
	long offset;
	int length;

	if (!localtime_r(&second, &local))
		memset(&local, 0, sizeof(local));
	offset = labs(local.tm_gmtoff) / 60;
	length = snprintf(cache->time_text, sizeof(cache->time_text), "%02d/%.3s/%d:%02d:%02d:%02d %c%02ld%02ld",
			  local.tm_mday, months + 3 * local.tm_mon, local.tm_year + 1900, local.tm_hour, local.tm_min,
			  local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
	cache->time_length = (size_t)length < sizeof(cache->time_text) ? (size_t)length : sizeof(cache->time_text) - 1;
	cache->second = second;
	cache->has_second = true;
}

static bool is_cached(const struct access_host_cache *cache, const struct sockaddr *address)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in *cached4 = (const struct sockaddr_in *)&cache->address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family != cache->address.sin6_family)
		return false;
	if (address->sa_family == AF_INET)
		return ipv4->sin_addr.s_addr == cached4->sin_addr.s_addr;
	return address->sa_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&ipv6->sin6_addr, &cache->address.sin6_addr);
}

static void format_host(struct access_host_cache *cache, const struct sockaddr *address)
{
	address_host(address, cache->text, sizeof(cache->text));
	cache->length = strlen(cache->text);
	memset(&cache->address, 0, sizeof(cache->address));
	if (address->sa_family == AF_INET)
		memcpy(&cache->address, address, sizeof(struct sockaddr_in));
	else if (address->sa_family == AF_INET6)
		memcpy(&cache->address, address, sizeof(struct sockaddr_in6));
}

char *access_line_add_host(char *at, struct access_host_cache *cache, const struct sockaddr *address)
{
	if (!is_cached(cache, address))
		format_host(cache, address);
	return access_line_add(at, cache->text, cache->length);
}

size_t access_line_combined(struct access_line_cache *cache, char *out, const struct http_log_entry *entry)
{
	static const char identity[] = " - - [", time_end[] = "] ";
	char *at = out;

	if (!cache->has_second || entry->time != cache->second)
		format_second(cache, entry->time);
	at = access_line_add_host(at, &cache->client, entry->client);
	at = access_line_add(at, identity, sizeof(identity) - 1);
	at = access_line_add(at, cache->time_text, cache->time_length);
	at = access_line_add(at, time_end, sizeof(time_end) - 1);
	at = add_quoted(at, entry->request_line, REQUEST_LINE_MAX);
	*at++ = ' ';
	at = access_line_add_number(at, entry->status);
	*at++ = ' ';
	at = access_line_add_number(at, entry->body_bytes);
	*at++ = ' ';
	at = add_quoted(at, entry->referer, REFERER_MAX);
	*at++ = ' ';
	at = add_quoted(at, entry->user_agent, USER_AGENT_MAX);
	*at++ = '\n';
	return (size_t)(at - out);
}
