/* SPDX-License-Identifier: MIT
 *
 * Rules on a parsed head that decide where the request ends, whom it is for and whether the
 * connection goes on (RFC 9112 sections 3.2, 6 and 9). In doubt about framing a request is refused:
 * guessing is what request smuggling lives on. */
#ifndef BROOD_HTTP_MESSAGE_FRAMING_H
#define BROOD_HTTP_MESSAGE_FRAMING_H

#include "http/message/refusal.h"
#include "http/message/request.h"

/* All of them, after target, method, minor_version and fields have been filled in. Why the request is refused, or
 * REFUSAL_NONE. */
enum refusal framing_apply(struct request *request);

#endif
