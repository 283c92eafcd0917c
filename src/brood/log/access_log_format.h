/* SPDX-License-Identifier: MIT
 *
 * One line of the access log, from a entry of the HTTP server. No I/O. Worker only. */
#ifndef BROOD_BROOD_LOG_ACCESS_LOG_FORMAT_H
#define BROOD_BROOD_LOG_ACCESS_LOG_FORMAT_H

#include "base/output.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct http_log_entry;

/* So that a pipe, too, takes each line in one piece. */
enum { ACCESS_LINE_MAX = OUTPUT_WHOLE_MAX };

/* The text of the address that was formatted last. */
struct access_host_cache {
	struct sockaddr_in6 address; /* family 0: none yet; IPv4 in its first octets */
	char text[INET6_ADDRSTRLEN];
	size_t length;
};

/* What lines that follow each other share: the second, most often, and who has asked. All-zero is a
 * good start. One is for lines of one format. */
struct access_line_cache {
	bool has_second;
	time_t second;
	char time_text[32]; /* as the format has it */
	size_t time_length;
	struct access_host_cache client, peer;
};

/* Writes the line, newline included, to `out`, which has room for ACCESS_LINE_MAX octets. Returns
 * its length. */
typedef size_t access_line_format(struct access_line_cache *cache, char *out, const struct http_log_entry *entry);

access_line_format access_line_combined, access_line_json;

/* For these two: puts a text, a number, the host of an address at `at`; returns where to go on. */
char *access_line_add(char *at, const char *text, size_t length);
char *access_line_add_number(char *at, uint64_t value);
char *access_line_add_host(char *at, struct access_host_cache *cache, const struct sockaddr *address);

#endif
