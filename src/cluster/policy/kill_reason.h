/* SPDX-License-Identifier: MIT
 *
 * Why the master ends a worker. Pure. Master only. */
#ifndef BROOD_CLUSTER_POLICY_KILL_REASON_H
#define BROOD_CLUSTER_POLICY_KILL_REASON_H

enum kill_reason {
	KILL_NOT,
	KILL_START_TIMEOUT,
	KILL_DRAIN_TIMEOUT,
	KILL_DEAF,
	KILL_GARBAGE,
	KILL_WRONG_CARGO,
	KILL_WRONG_ANSWER,
	KILL_WRONG_GIFT,
	KILL_TOO_MANY_GIFTS,
	KILL_GIFT_WITHOUT_FD,
	KILL_GIFT_WITHOUT_STATE,
	KILL_SILENT,
	KILL_SILENT_STILL,
	KILL_SUSPECT,
	KILL_REPLACED,
	KILL_GIVEN_UP,
	KILL_CUT,
	KILL_STOP_TIMEOUT,
	KILL_SERVER_GIVES_UP,
	KILL_SILENT_IN_CALL, /* on a socket: has words of its own */
	KILL_BY_FORMER,      /* version of the master, which may have had others */
	KILL_REASONS
};

/* "not ready within start_timeout"; for KILL_NOT "". */
const char *kill_reason_words(enum kill_reason reason);

/* KILL_BY_FORMER for words that are none of these. */
enum kill_reason kill_reason_of(const char *words);

#endif
