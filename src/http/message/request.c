/* SPDX-License-Identifier: MIT
 *
 * Names of methods and fields, and the fields of a request. */
#include "http/message/request.h"

enum request_method request_method_of(struct slice name)
{
	/* The IANA registry of 2026 and what llhttp's list has beyond it. */
	static const struct slice known[] = {
		{"POST", 4},
		{"PUT", 3},
		{"DELETE", 6},
		{"PATCH", 5},
		{"TRACE", 5},
		{"CONNECT", 7},
		{"ACL", 3},
		{"ANNOUNCE", 8},
		{"BASELINE-CONTROL", 16},
		{"BIND", 4},
		{"CHECKIN", 7},
		{"CHECKOUT", 8},
		{"COPY", 4},
		{"LABEL", 5},
		{"LINK", 4},
		{"LOCK", 4},
		{"M-SEARCH", 8},
		{"MERGE", 5},
		{"MKACTIVITY", 10},
		{"MKCALENDAR", 10},
		{"MKCOL", 5},
		{"MKREDIRECTREF", 13},
		{"MKWORKSPACE", 11},
		{"MOVE", 4},
		{"NOTIFY", 6},
		{"ORDERPATCH", 10},
		{"PRI", 3},
		{"PROPFIND", 8},
		{"PROPPATCH", 9},
		{"PURGE", 5},
		{"QUERY", 5},
		{"REBIND", 6},
		{"REPORT", 6},
		{"SEARCH", 6},
		{"SOURCE", 6},
		{"SUBSCRIBE", 9},
		{"UNBIND", 6},
		{"UNCHECKOUT", 10},
		{"UNLINK", 6},
		{"UNLOCK", 6},
		{"UNSUBSCRIBE", 11},
		{"UPDATE", 6},
		{"UPDATEREDIRECTREF", 17},
		{"VERSION-CONTROL", 15},
	};

	if (slice_equal(name, SLICE("GET")))
		return METHOD_GET;
	if (slice_equal(name, SLICE("HEAD")))
		return METHOD_HEAD;
	if (slice_equal(name, SLICE("OPTIONS")))
		return METHOD_OPTIONS;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_equal(name, known[i]))
			return METHOD_KNOWN;
	return METHOD_UNKNOWN;
}

static enum field_id either(struct slice name, const char *text, enum field_id id, enum field_id otherwise)
{
	return strncasecmp(name.ptr, text, name.len) == 0 ? id : otherwise;
}

enum field_id request_field_id(struct slice name)
{
	switch (name.len) {
	case 4:
		return either(name, "host", FIELD_HOST, FIELD_OTHER);
	case 5:
		return either(name, "range", FIELD_RANGE, FIELD_OTHER);
	case 6:
		return either(name, "expect", FIELD_EXPECT, FIELD_OTHER);
	case 7:
		return either(name, "referer", FIELD_REFERER, FIELD_OTHER);
	case 8:
		return either(name, "if-match", FIELD_IF_MATCH, either(name, "if-range", FIELD_IF_RANGE, FIELD_OTHER));
	case 9:
		return either(name, "forwarded", FIELD_FORWARDED, FIELD_OTHER);
	case 10:
		return either(name, "user-agent", FIELD_USER_AGENT,
			      either(name, "connection", FIELD_CONNECTION, FIELD_OTHER));
	case 12:
		return either(name, "x-request-id", FIELD_X_REQUEST_ID, FIELD_OTHER);
	case 13:
		return either(name, "if-none-match", FIELD_IF_NONE_MATCH, FIELD_OTHER);
	case 14:
		return either(name, "content-length", FIELD_CONTENT_LENGTH, FIELD_OTHER);
	case 15:
		return either(name, "x-forwarded-for", FIELD_X_FORWARDED_FOR,
			      either(name, "accept-encoding", FIELD_ACCEPT_ENCODING, FIELD_OTHER));
	case 17:
		return either(name, "if-modified-since", FIELD_IF_MODIFIED_SINCE,
			      either(name, "transfer-encoding", FIELD_TRANSFER_ENCODING,
				     either(name, "x-forwarded-proto", FIELD_X_FORWARDED_PROTO, FIELD_OTHER)));
	case 19:
		return either(name, "if-unmodified-since", FIELD_IF_UNMODIFIED_SINCE, FIELD_OTHER);
	default:
		return FIELD_OTHER;
	}
}

const struct request_field *request_field(const struct request *request, enum field_id id,
					  const struct request_field *after)
{
	const struct request_field *end = request->fields + request->field_count;

	if (!request_has(request, id))
		return NULL;
	for (const struct request_field *at = after ? after + 1 : request->fields; at < end; at++)
		if (at->id == id)
			return at;
	return NULL;
}
