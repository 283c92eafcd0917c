/* SPDX-License-Identifier: MIT
 *
 * uri-host [ ":" port ] as in Host and in absolute targets (RFC 3986 section 3.2, RFC 9110 section
 * 7.2). User information is refused (RFC 9110 section 4.2.4). */
#ifndef BROOD_HTTP_MESSAGE_AUTHORITY_H
#define BROOD_HTTP_MESSAGE_AUTHORITY_H

#include "base/slice.h"

#include <stdbool.h>

struct authority {
	struct slice host; /* with its brackets, when it is an IPv6 address */
	struct slice port; /* digits, or empty */
	bool has_port;     /* there was a colon */
};

/* False when `text` is not one. Neither is an empty host. */
bool authority_parse(struct slice text, struct authority *out) __attribute__((warn_unused_result));

#endif
