/* SPDX-License-Identifier: MIT
 *
 * Why a request is refused before anybody asks what it is for: each reason with its status and a
 * text for the log. doc/http.md lists them for readers; t/http/rfc.t compares both. */
#ifndef BROOD_HTTP_MESSAGE_REFUSAL_H
#define BROOD_HTTP_MESSAGE_REFUSAL_H

enum refusal {
	REFUSAL_NONE, /* it is taken */

	/* The request line */
	REFUSAL_EMPTY_LINES,
	REFUSAL_LINE_END,
	REFUSAL_METHOD,
	REFUSAL_METHOD_SIZE,
	REFUSAL_REQUEST_LINE,
	REFUSAL_TARGET,
	REFUSAL_TARGET_SIZE,
	REFUSAL_TARGET_FORM,
	REFUSAL_VERSION,
	REFUSAL_VERSION_MAJOR,
	REFUSAL_PATH,

	/* Fields */
	REFUSAL_HEAD_SIZE,
	REFUSAL_FIELD_COUNT,
	REFUSAL_FOLDED,
	REFUSAL_FIELD_NAME,
	REFUSAL_FIELD,
	REFUSAL_HOST_MISSING,
	REFUSAL_HOST_TWICE,
	REFUSAL_HOST,
	REFUSAL_HTTPS,

	/* Framing */
	REFUSAL_LENGTH,
	REFUSAL_LENGTH_TWICE,
	REFUSAL_LENGTH_AND_CODING,
	REFUSAL_CODING_VERSION,
	REFUSAL_CODING,
	REFUSAL_CODING_UNKNOWN,

	/* Bodies, where somebody wants one */
	REFUSAL_BODY_SIZE,
	REFUSAL_CHUNK_SIZE,
	REFUSAL_CHUNK_EXTENSION,
	REFUSAL_CHUNK_END,
	REFUSAL_TRAILER,
	REFUSAL_TRAILER_SIZE,

	/* TLS */
	REFUSAL_PLAIN_HTTP,
	REFUSAL_SERVER_NAME,

	/* Time */
	REFUSAL_HEAD_TIMEOUT,

	REFUSAL_COUNT
};

unsigned refusal_status(enum refusal refusal);

/* "the request line ends in LF alone": no full stop, no line feed. Lasting. */
const char *refusal_text(enum refusal refusal);

/* A sentence for the client, where what the status means in general would leave him at a loss; else
 * NULL. */
const char *refusal_advice(enum refusal refusal);

#endif
