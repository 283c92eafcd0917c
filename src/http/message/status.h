/* SPDX-License-Identifier: MIT
 *
 * Status codes: RFC 9110 section 15, RFC 6585. */
#ifndef BROOD_HTTP_MESSAGE_STATUS_H
#define BROOD_HTTP_MESSAGE_STATUS_H

struct status {
	unsigned code;
	const char *text;        /* the reason phrase: "Not Found" */
	const char *explanation; /* for people, with whether it lasts (sections 15.5 and 15.6) */
};

/* Never NULL: a code that nobody knows is "Unknown". */
const struct status *status_find(unsigned code);

#endif
