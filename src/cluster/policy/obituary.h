/* SPDX-License-Identifier: MIT
 *
 * What there is to say about a worker that ended, or hangs: for the program, which keeps it
 * (cluster_master_callbacks.obituary), and for those who want to know why. Made by the master; a worker that
 * leaves as it was told to has none.
 *
 * One that hangs is written up twice: before it is ended, as its last chance to be looked at, and
 * when it has ended; both have the same slot, pid and time, and the second takes the place of the
 * first. */
#ifndef BROOD_CLUSTER_POLICY_OBITUARY_H
#define BROOD_CLUSTER_POLICY_OBITUARY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	OBITUARY_LOG_MAX = 2048,
	OBITUARY_STACK_MAX = 2048,
	OBITUARY_STATUS_MAX = 1024,
	OBITUARY_CHANNEL_MAX = 64,
};

/* A worker's life, as the master sees it. */
enum worker_phase { WORKER_STARTING, WORKER_SERVING, WORKER_DRAINING, WORKER_PHASES };

enum obituary_why {
	OBITUARY_EXIT,   /* it left, without being told to or with an error */
	OBITUARY_SIGNAL, /* somebody's, or its own crash */
	OBITUARY_KILLED, /* the master ended it: `detail` says why */
	OBITUARY_HANG,   /* the watchdog did */
};

struct cluster_obituary {
	uint64_t time_ms; /* since 1970, of its end, or of when it was found to hang */
	unsigned slot, generation;
	pid_t pid;
	uint64_t age_ms;
	enum worker_phase phase;
	enum obituary_why why;
	const char *detail; /* or NULL */
	bool ended;         /* false: it hangs, and is about to be ended */
	int exit_code;      /* -1: none, a signal ended it */
	int signal;         /* 0: none */
	bool core;          /* a core was written */
	uint64_t connections, requests, idle;
	uint64_t heartbeat_age_ms; /* since its last sign of life; 0 without one */

	/* Text of whole lines, each ended by a newline; empty when there is none. */
	char log[OBITUARY_LOG_MAX]; /* what it logged last, oldest first */
	/* Of one that hung, as far as /proc tells: where in the kernel it was, and how it was. */
	char wait_channel[OBITUARY_CHANNEL_MAX]; /* one word */
	char stack[OBITUARY_STACK_MAX];          /* innermost first; for root only */
	char status[OBITUARY_STATUS_MAX];
};

const char *obituary_why_name(enum obituary_why why);     /* "hang" */
const char *obituary_phase_name(enum worker_phase phase); /* "starting", "serving", "finishing" */

/* Reads what /proc tells of a process now. Nothing of it is needed: what cannot be read stays
 * empty. */
void obituary_inspect(struct cluster_obituary *obituary, pid_t pid);

#endif
