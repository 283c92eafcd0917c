/* SPDX-License-Identifier: MIT
 *
 * See refusal.h. */
#include "http/message/refusal.h"

#include <stddef.h>

struct row {
	unsigned status;
	const char *text;
};

/* Sections of RFC 9112 but where RFC 9110 is named. */
static const struct row rows[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = {0, "none"},

	[REFUSAL_EMPTY_LINES] = {400, "too many empty lines before the request line"},   /* 2.2 */
	[REFUSAL_LINE_END] = {400, "CR or LF that is not part of CR LF"},                /* 2.2 */
	[REFUSAL_METHOD] = {400, "the method is not a token"},                           /* 3.1 */
	[REFUSAL_METHOD_SIZE] = {501, "the method is too long"},                         /* 3 */
	[REFUSAL_REQUEST_LINE] = {400, "the request line is not METHOD TARGET VERSION"}, /* 3 */
	[REFUSAL_TARGET] = {400, "the target has an octet that it must not have"},       /* 3.2 */
	[REFUSAL_TARGET_SIZE] = {414, "the target is too long"},                         /* 3 */
	[REFUSAL_TARGET_FORM] = {400, "the target is of a wrong form"},                  /* 3.2 */
	[REFUSAL_VERSION] = {400, "the version is not HTTP/DIGIT.DIGIT"},                /* 2.3 */
	[REFUSAL_VERSION_MAJOR] = {505, "the version is not HTTP/1.x"},                  /* 2.3 */
	[REFUSAL_PATH] = {400, "the path cannot be decoded"},                            /* RFC 3986 section 2.1 */

	[REFUSAL_HEAD_SIZE] = {431, "the head is too large"},       /* 9110 5.4 */
	[REFUSAL_FIELD_COUNT] = {431, "too many fields"},           /* 9110 5.4 */
	[REFUSAL_FOLDED] = {400, "a line begins with white space"}, /* 2.2, 5.2 */
	[REFUSAL_FIELD_NAME] = {400, "a field without a name"},     /* 5 */
	[REFUSAL_FIELD] = {400, "a field line is not NAME: VALUE"}, /* 5, 5.1; 9110 5.5 */
	[REFUSAL_HOST_MISSING] = {400, "no Host"},                  /* 3.2 */
	[REFUSAL_HOST_TWICE] = {400, "more than one Host"},         /* 3.2 */
	[REFUSAL_HOST] = {400, "Host is not a host and port"},      /* 3.2 */
	[REFUSAL_HTTPS] = {421, "an https target without TLS"},     /* 9110 7.4 */

	[REFUSAL_LENGTH] = {400, "Content-Length is not a number"},                       /* 6.3 */
	[REFUSAL_LENGTH_TWICE] = {400, "more than one Content-Length"},                   /* 6.3 */
	[REFUSAL_LENGTH_AND_CODING] = {400, "both Content-Length and Transfer-Encoding"}, /* 6.1 */
	[REFUSAL_CODING_VERSION] = {400, "Transfer-Encoding in HTTP/1.0"},                /* 6.1 */
	[REFUSAL_CODING] = {400, "Transfer-Encoding does not end in one chunked"},        /* 6.3 */
	[REFUSAL_CODING_UNKNOWN] = {501, "Transfer-Encoding has more than chunked"},      /* 6.1 */

	[REFUSAL_BODY_SIZE] = {413, "the body is too large"},                            /* 9110 15.5.14 */
	[REFUSAL_CHUNK_SIZE] = {400, "a chunk size is not a hexadecimal number"},        /* 7.1 */
	[REFUSAL_CHUNK_EXTENSION] = {400, "chunk extensions are malformed or too long"}, /* 7.1.1 */
	[REFUSAL_CHUNK_END] = {400, "a chunk does not end where its size says"},         /* 7.1 */
	[REFUSAL_TRAILER] = {400, "a trailer line is not NAME: VALUE"},                  /* 7.1.2 */
	[REFUSAL_TRAILER_SIZE] = {431, "the trailer section is too large"},              /* 7.1.2 */

	[REFUSAL_PLAIN_HTTP] = {400, "plain HTTP where TLS is spoken"},
	[REFUSAL_SERVER_NAME] = {421, "Host is not the name that TLS was begun for"}, /* 9110 7.4 */

	[REFUSAL_HEAD_TIMEOUT] = {408, "the head was not whole in time"}, /* 9110 15.5.9 */
};

unsigned refusal_status(enum refusal refusal)
{
	return rows[refusal].status;
}

const char *refusal_text(enum refusal refusal)
{
	return rows[refusal].text;
}

const char *refusal_advice(enum refusal refusal)
{
	return refusal == REFUSAL_PLAIN_HTTP ? "TLS is spoken here: use https:// in place of http://." : NULL;
}
