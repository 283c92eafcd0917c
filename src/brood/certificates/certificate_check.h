/* SPDX-License-Identifier: MIT
 *
 * Certificates and keys are read by a child without privileges, whose death nobody minds; the master only
 * hears its verdicts. One child reads as many as there are: at a start there may be hundreds, and a process
 * for each would take longer than all of the reading. Where it dies or stands still, that is the verdict on
 * the one that it was at, and another child goes on behind it. Master only, and before there is one. */
#ifndef BROOD_BROOD_CERTIFICATES_CERTIFICATE_CHECK_H
#define BROOD_BROOD_CERTIFICATES_CERTIFICATE_CHECK_H

#include "base/privilege.h"
#include "brood/certificates/certificates.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct certificate_verdict {
	bool good;
	int64_t not_after;            /* when a good one ends: seconds since 1970, or INT64_MAX: never */
	char reason[TLS_REASON_MAX];  /* why another one is not */
	struct tls_warnings warnings; /* what is odd about a good one */
};

/* One that runs; or all-zero. */
struct certificate_check {
	const struct privilege *privilege; /* borrowed, as is what follows */
	struct certificates *certificates; /* changed in a child only */
	const struct certificate *candidate;
	size_t next, count; /* of which there is no verdict yet; none: none runs */
	pid_t pid;          /* 0: no child at the moment */
	int pipe;
	uint64_t since_ms; /* that the child is at the first of them */
};

/* Has `count` of them checked, 1 at least, from number `first` on, with all that their sites have beside them;
 * those that are made by us are made first where they are empty. `candidate`: to be in place of the first, or
 * NULL. 0 or -errno. */
int certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
			    struct certificates *certificates, size_t first, size_t count,
			    const struct certificate *candidate, uint64_t now_ms) __attribute__((warn_unused_result));

/* Never waits. True: there is a verdict on the next one, in the order of the list; after that on the last one
 * *check is all-zero. One that takes too long has the verdict that it could not be checked. */
bool certificate_check_poll(struct certificate_check *check, uint64_t now_ms, struct certificate_verdict *out);

/* Ends it, if one runs. */
void certificate_check_stop(struct certificate_check *check);

/* Tells what is odd about one that is used from now on, but for its end. */
void certificate_warn(const struct certificate *certificate, const struct tls_warnings *warnings,
		      void (*tell)(bool error, const char *text));

/* Checks all, and waits for it: for a process without a loop. Fills in not_after of
 * each. `tell` is called for what is wrong (error) or odd, with the path's name in it; 0, or -1: one
 * was wrong. */
int certificates_check(struct certificates *certificates, const struct privilege *privilege,
		       void (*tell)(bool error, const char *text)) __attribute__((warn_unused_result));

#endif
