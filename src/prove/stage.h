/* SPDX-License-Identifier: MIT
 *
 * What an experiment runs on: an event loop that waits for one thing at a time, always with a
 * limit, while clients go on; and the signals that end it early. One per process. */
#ifndef BROOD_PROVE_STAGE_H
#define BROOD_PROVE_STAGE_H

#include "brood/process.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

struct stage {
	struct event_base *base;
	int signal_fd;
	struct event signals, pulse;
	int interrupted;                                                   /* the signal that asked us to stop, or 0 */
	void (*ended)(void *context, const struct brood_process_end *end); /* of children; or NULL */
	void *context;
};

/* 0 or -errno; in every case stage_close is to follow. Signals are blocked for good. */
int stage_open(struct stage *stage) __attribute__((warn_unused_result));
void stage_close(struct stage *stage);

/* Runs the loop until `until` says so. 0, -ETIMEDOUT, or -EINTR when a signal came before or
 * meanwhile. stage_wait_on goes on in spite of signals: for cleaning up. */
int stage_wait(struct stage *stage, bool (*until)(const void *context), const void *context, unsigned limit_ms)
	__attribute__((warn_unused_result));
int stage_wait_on(struct stage *stage, bool (*until)(const void *context), const void *context, unsigned limit_ms)
	__attribute__((warn_unused_result));

#endif
