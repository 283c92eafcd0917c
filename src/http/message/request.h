/* SPDX-License-Identifier: MIT
 *
 * One parsed request head. All slices point into the octets it was parsed from and live until its
 * response has been made. The parser fills it in; whoever makes the response reads it. */
#ifndef BROOD_HTTP_MESSAGE_REQUEST_H
#define BROOD_HTTP_MESSAGE_REQUEST_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { REQUEST_FIELDS_MAX = 256 }; /* the limit in http_options may be lower, not higher */

struct client;

enum request_method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_OPTIONS,
	METHOD_KNOWN,   /* in the IANA registry or llhttp's list, not for static resources: 405 */
	METHOD_UNKNOWN, /* 501 */
};

/* The fields that brood itself reads; all others are only in the list. */
enum field_id {
	FIELD_OTHER,
	FIELD_HOST,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_EXPECT,
	FIELD_RANGE,
	FIELD_IF_MATCH,
	FIELD_IF_NONE_MATCH,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE,
	FIELD_IF_RANGE,
	FIELD_REFERER,
	FIELD_USER_AGENT,
	FIELD_FORWARDED,
	FIELD_X_FORWARDED_FOR,
	FIELD_X_FORWARDED_PROTO,
	FIELD_X_REQUEST_ID,
	FIELD_ACCEPT_ENCODING,
	FIELD_COUNT
};

struct request_field {
	enum field_id id;
	struct slice name, value; /* value without surrounding white space */
};

struct request {
	struct slice line;                /* "GET /x HTTP/1.1" */
	struct slice method_name, target; /* as received */
	struct slice host;                /* from Host or an absolute-form target; empty when there is none */
	enum request_method method;
	unsigned minor_version; /* of HTTP/1.x as answered: 0 or 1 (1.2 and above are read as 1.1) */
	bool https;             /* an absolute-form target says so */
	bool keep_alive;        /* what version and Connection ask for */
	bool has_body;          /* Content-Length above 0, or Transfer-Encoding */
	bool expect_continue;
	struct client *client;   /* who has made it: client.h */
	uint64_t content_length; /* 0 with Transfer-Encoding */
	uint32_t present;        /* bit (1u << field_id) for each field that is there */
	unsigned field_count;
	struct request_field fields[REQUEST_FIELDS_MAX];
};

static inline bool request_has(const struct request *request, enum field_id id)
{
	return (request->present & (1u << id)) != 0;
}

/* Method names are case-sensitive, field names are not. */
enum request_method request_method_of(struct slice name);
enum field_id request_field_id(struct slice name);

/* The first field of that kind, NULL for none; `after` (or NULL) to go on to the next one. */
const struct request_field *request_field(const struct request *request, enum field_id id,
					  const struct request_field *after);

#endif
