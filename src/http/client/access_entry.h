/* SPDX-License-Identifier: MIT
 *
 * What the access log will want to know of an answer, from the request being parsed to the last
 * octet being written. Made only when somebody listens. */
#ifndef BROOD_HTTP_CLIENT_ACCESS_ENTRY_H
#define BROOD_HTTP_CLIENT_ACCESS_ENTRY_H

#include "base/slice.h"
#include "http/client/peer.h"
#include "http/client/request_id.h"

#include <stdint.h>
#include <time.h>

struct http_site;
struct request;

struct access_entry {
	struct slice request_line, host, referer, user_agent;
	const char *reason;           /* as in struct response */
	const struct http_site *site; /* the same */
	time_t time;
	union peer_address client; /* the true one */
	bool https;                /* that client came by https, says a trusted peer */
	char request_id[REQUEST_ID_MAX];
	uint8_t request_id_size; /* 0: it has none */
	uint64_t start_us;       /* monotonic; first octet of the request seen */
	uint64_t first_us;       /* first octet of the answer written; 0: not yet */
	unsigned status;
};

/* All but what is known of the response. Slices of `out` point to where those of the request do. `name`: the
 * request's, of at most REQUEST_ID_MAX octets. */
void access_entry_fill(struct access_entry *out, const struct request *request, struct slice name, uint64_t start_us);

/* A copy with texts of its own in one piece of memory, to be freed by free(). NULL: no memory. */
struct access_entry *access_entry_copy(const struct access_entry *entry);

#endif
