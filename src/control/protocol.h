/* SPDX-License-Identifier: MIT
 *
 * The control protocol, as spoken over the control socket by broodctl and the admin process: one JSON
 * text per line, both ways. A client sends a request,
 *
 *     {"protocol": 1, "command": "scale", "argument": 6}
 *
 * and gets any number of lines that tell how far it is, then one with the outcome:
 *
 *     {"progress": {"done": 1, "total": 4, "text": "slot 0: worker 4711 serves"}}
 *     {"ok": true, "result": ...}        "result" where there is one
 *     {"ok": false, "reason": "..."}
 *
 * Then it may send the next request, or hang up. "protocol" may be left out, so that a person can
 * type. What does not look exactly so is refused: no other members, none twice, nothing behind.
 *
 * Encoding and decoding only: nothing is read, sent or logged here. */
#ifndef BROOD_CONTROL_PROTOCOL_H
#define BROOD_CONTROL_PROTOCOL_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONTROL_PROTOCOL = 1,         /* the version of the above */
	CONTROL_COMMAND_MAX = 32,     /* octets of a command's name, with the NUL */
	CONTROL_REQUEST_MAX = 4096,   /* octets of a request's line, with the newline */
	CONTROL_ANSWER_MAX = 4 << 20, /* the same of an answer's: a status of 1024 slots is 0.5 MiB */
	CONTROL_REASON_MAX = 256,     /* why something cannot be decoded, with the NUL */
};

struct control_request {
	char command[CONTROL_COMMAND_MAX]; /* lower-case letters and "-"; who answers knows the words */
	bool has_argument;
	int32_t argument;
};

enum control_answer_kind { CONTROL_PROGRESS, CONTROL_OK, CONTROL_FAILED };

struct control_answer {
	enum control_answer_kind kind;
	unsigned done, total; /* PROGRESS */
	json_t *text;         /* owned: of PROGRESS or FAILED, a string */
	json_t *result;       /* owned: of OK, or NULL */
};

/* Each appends one line, ended by a newline. 0, -ENOMEM, or -EMSGSIZE for a result that is too long for
 * an answer; the buffer is as before then. Texts may hold any octets: what is no UTF-8 is sent as
 * U+FFFD. */
int control_encode_request(struct buffer *out, const struct control_request *request)
	__attribute__((warn_unused_result));
int control_encode_progress(struct buffer *out, unsigned done, unsigned total, const char *text)
	__attribute__((warn_unused_result));
/* result: borrowed; NULL: none. */
int control_encode_ok(struct buffer *out, const json_t *result) __attribute__((warn_unused_result));
int control_encode_failed(struct buffer *out, const char *reason) __attribute__((warn_unused_result));

/* From one line, with or without its newline. 0, or -EINVAL with a reason in words, or -ENOMEM. */
int control_decode_request(const char *line, size_t size, struct control_request *out, char reason[CONTROL_REASON_MAX])
	__attribute__((warn_unused_result));
int control_decode_answer(const char *line, size_t size, struct control_answer *out, char reason[CONTROL_REASON_MAX])
	__attribute__((warn_unused_result));

void control_answer_free(struct control_answer *answer);

/* A JSON string of any octets: what is no UTF-8, and NUL, becomes U+FFFD. NULL: no memory. */
json_t *control_text(const char *text, size_t size) __attribute__((warn_unused_result));

#endif
