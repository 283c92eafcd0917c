/* SPDX-License-Identifier: MIT
 *
 * One request and its answers, over the control socket; blocking. When the admin process at the other end dies
 * before there is an outcome, the next one is asked: the server knows this process, and does nothing twice. */
#ifndef BROOD_CTL_CTL_EXCHANGE_H
#define BROOD_CTL_CTL_EXCHANGE_H

#include "control/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXCHANGE_REASON_MAX = CONTROL_REASON_MAX + 64 };

struct exchange {
	const char *path; /* of the socket */
	const struct control_request *request;
	int limit_ms;         /* for each answer; -1: however long it takes */
	uint64_t timeout_ms;  /* for all of it; 0: none */
	uint64_t deadline_ms; /* when that is over (clock_now_ms) */
	bool end_is_wished;   /* once progress was told, the server's end is a good outcome */
	void (*progress)(void *context, const struct control_answer *progress);
	void *context;
};

/* Connects. Returns the fd; -errno; -ETIME: the deadline is over. */
int exchange_connect(const struct exchange *exchange) __attribute__((warn_unused_result));

/* Asks over that connection (taken) and waits for the outcome (OK or FAILED), the caller's to free. 0, or -1 with
 * the reason in words why there is none. */
int exchange_run(int fd, const struct exchange *exchange, struct control_answer *outcome,
		 char reason[EXCHANGE_REASON_MAX]) __attribute__((warn_unused_result));

#endif
