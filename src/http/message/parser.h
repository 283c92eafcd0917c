/* SPDX-License-Identifier: MIT
 *
 * From the octets of one whole head, as the guard has found it, to a struct request. llhttp reads
 * the field lines and checks their syntax; what fields mean is decided by framing.h. One parser
 * serves all connections of a process: it keeps nothing from one head to the next. */
#ifndef BROOD_HTTP_MESSAGE_PARSER_H
#define BROOD_HTTP_MESSAGE_PARSER_H

#include "http/message/guard.h"
#include "http/message/request.h"

#include <llhttp.h>

struct parser {
	llhttp_t begin; /* as it is behind a request line */
	llhttp_t llhttp;
	llhttp_settings_t settings;
	struct request *request; /* being filled in */
	bool complete;
};

/* `parser` must not move afterwards. */
void parser_init(struct parser *parser);

/* `data` is what guard_scan has found complete. Fills in all that comes from the head itself, then
 * applies the rules of framing.h. Whatever it returns, the request's line, method and target are
 * valid. */
enum refusal parser_read(struct parser *parser, const struct guard *guard, const char *data, struct request *request);

/* The part of a request that is known when the guard has refused it: for the log, and for leaving
 * out the body of an answer to HEAD. */
void parser_read_refused(const struct guard *guard, const char *data, size_t size, struct request *request);

#endif
