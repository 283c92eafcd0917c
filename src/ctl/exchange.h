/* SPDX-License-Identifier: MIT
 *
 * One request and its answers, over the control socket; blocking. */
#ifndef BROOD_CTL_EXCHANGE_H
#define BROOD_CTL_EXCHANGE_H

#include "control/protocol.h"

#include <stdbool.h>

enum { EXCHANGE_REASON_MAX = CONTROL_REASON_MAX + 64 };

/* Connects. Returns the fd or -errno. */
int exchange_connect(const char *path) __attribute__((warn_unused_result));

struct exchange {
	const struct control_request *request;
	int limit_ms;      /* for each answer; -1: however long it takes */
	bool end_is_wished; /* once progress was told, the connection's end is a good outcome */
	void (*progress)(void *context, const struct control_answer *progress);
	void *context;
};

/* Asks and waits for the outcome (OK or FAILED), the caller's to free. 0, or -1 with the reason in words
 * why there is none. */
int exchange_run(int fd, const struct exchange *exchange, struct control_answer *outcome,
		 char reason[EXCHANGE_REASON_MAX]) __attribute__((warn_unused_result));

#endif
