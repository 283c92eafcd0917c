/* SPDX-License-Identifier: MIT
 *
 * Rules on a parsed head that decide where the request ends, whom it is for and whether the
 * connection goes on (RFC 9112 sections 3.2, 6 and 9). In doubt about framing a request is refused:
 * guessing is what request smuggling lives on. Each rule returns why the request is refused,
 * or REFUSAL_NONE. */
#ifndef BROOD_HTTP_MESSAGE_FRAMING_H
#define BROOD_HTTP_MESSAGE_FRAMING_H

#include "http/message/refusal.h"
#include "http/message/request.h"

/* Section 3.2: origin-form; absolute-form of http and https; "*" for OPTIONS; authority-form for
 * CONNECT. Sets request->host and request->https from an absolute target. */
enum refusal framing_target(struct request *request);

/* Section 3.2: one Host in 1.1, valid in any version. Sets request->host unless the target had one.
 * */
enum refusal framing_host(struct request *request);

/* Section 6: has_body and content_length from Transfer-Encoding and Content-Length. */
enum refusal framing_body(struct request *request);

/* RFC 9110 section 10.1.1. */
void framing_expect(struct request *request);

/* Section 9.3: keep_alive from the version and Connection. */
void framing_connection(struct request *request);

/* All of them, after target, method, minor_version and fields have been filled in. */
enum refusal framing_apply(struct request *request);

#endif
