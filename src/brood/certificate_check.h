/* SPDX-License-Identifier: MIT
 *
 * Certificates and keys are read by a child without privileges, whose death nobody minds; the master only
 * hears its verdicts. Master only, and before there is one. */
#ifndef BROOD_BROOD_CERTIFICATE_CHECK_H
#define BROOD_BROOD_CERTIFICATE_CHECK_H

#include "base/privilege.h"
#include "brood/certificates.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct certificate_verdict {
	bool good;
	int64_t not_after;             /* when a good one ends: seconds since 1970, or INT64_MAX: never */
	char reason[TLS_REASON_MAX];   /* why another one is not */
	char warning[TLS_REASON_MAX];  /* what is odd about a good one, or "" */
};

/* One that runs; or all-zero. */
struct certificate_check {
	pid_t pid; /* 0: none runs */
	int pipe;
	uint64_t since_ms;
};

/* Has a pair checked; one that is made by us is made first where it is empty. 0 or -errno. */
int certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
			    const struct certificate *certificate, uint64_t now_ms)
	__attribute__((warn_unused_result));

/* Never waits. True: it is over, and there is a verdict. One that takes too long is ended and has the verdict
 * that it could not be checked. */
bool certificate_check_poll(struct certificate_check *check, uint64_t now_ms,
			    struct certificate_verdict *out);

/* Ends it, if one runs. */
void certificate_check_stop(struct certificate_check *check);

/* Checks all, one after the other, and waits for it: for a process without a loop. Fills in not_after of
 * each. `tell` is called for what is wrong (error) or odd, with the path's name in it; 0, or -1: one
 * was wrong. */
int certificates_check(struct certificates *certificates, const struct privilege *privilege,
		       void (*tell)(bool error, const char *text)) __attribute__((warn_unused_result));

#endif
