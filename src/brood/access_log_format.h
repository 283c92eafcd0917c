/* SPDX-License-Identifier: MIT
 *
 * One line of the access log, from a record of the HTTP server. No I/O. Worker only. */
#ifndef BROOD_BROOD_ACCESS_LOG_FORMAT_H
#define BROOD_BROOD_ACCESS_LOG_FORMAT_H

#include "base/output.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct http_log_record;

/* So that a pipe, too, takes each line in one piece. */
enum { ACCESS_LINE_MAX = OUTPUT_WHOLE_MAX };

/* What lines that follow each other share: the second, most often, and the client. All-zero is a
 * good start. */
struct access_line_cache {
	bool has_second;
	time_t second;
	char time_text[32]; /* "10/Oct/2000:13:55:36 +0000" */
	size_t time_length;

	struct sockaddr_in6 peer; /* family 0: none yet; IPv4 in its first octets */
	char host_text[INET6_ADDRSTRLEN];
	size_t host_length;
};

/* Writes the line, newline included, to `out`, which has room for ACCESS_LINE_MAX octets. Returns
 * its length. */
size_t access_line_format(struct access_line_cache *cache, char *out,
			  const struct http_log_record *record);

#endif
