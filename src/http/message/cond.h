/* SPDX-License-Identifier: MIT
 *
 * Conditional requests (RFC 9110 section 13): whether a GET or HEAD of a representation that exists
 * goes on, and whether its Range counts. */
#ifndef BROOD_HTTP_MESSAGE_COND_H
#define BROOD_HTTP_MESSAGE_COND_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

struct validators {
	struct slice etag;     /* the current strong tag, with quotes */
	int64_t last_modified; /* as sent, never later than now */
	int64_t now;           /* the second that Date says */
	bool of_another;       /* last_modified may be that of another coding, too */
};

enum cond_verdict {
	COND_GO_ON,
	COND_NOT_MODIFIED, /* 304 */
	COND_FAILED,       /* 412 */
};

/* If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, in the order of
 * section 13.2.2. */
enum cond_verdict cond_check(const struct request *request, const struct validators *current);

/* After it, for a request with Range: false if an If-Range says that the client's part is of
 * another representation, so that Range must be ignored. */
bool cond_range_applies(const struct request *request, const struct validators *current);

#endif
