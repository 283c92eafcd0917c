/* SPDX-License-Identifier: MIT
 *
 * Which descriptors the records of a state name (upgrade_master.h): each is to be open, to be what its record says, and
 * to have one owner, since two would close it twice. Master only. */
#ifndef BROOD_CLUSTER_UPGRADE_FD_CLAIMS_H
#define BROOD_CLUSTER_UPGRADE_FD_CLAIMS_H

#include "base/socket.h"

#include <stddef.h>

/* All-zero: none is claimed. */
struct fd_claims {
	unsigned char *bits; /* one for each descriptor */
	size_t size;
};

/* 0, -ENOMEM, or -EBADMSG when it is not open, a standard one, or claimed already. */
int fd_claim(struct fd_claims *claims, int fd) __attribute__((warn_unused_result));

/* The same, or -EBADMSG when it is something else. */
int fd_claim_socket(struct fd_claims *claims, int fd, enum socket_role role) __attribute__((warn_unused_result));

/* -1: there is none. */
int fd_claim_channel(struct fd_claims *claims, int fd) __attribute__((warn_unused_result));

void fd_claims_free(struct fd_claims *claims);

#endif
