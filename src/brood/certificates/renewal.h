/* SPDX-License-Identifier: MIT
 *
 * Certificates that are renewed while the server runs, and those who sign clients' certificates: their
 * files are looked at about once a second, what has changed is checked by a child, and offered to all workers
 * if it is good. When they have taken it, it is in force, and those that start from then on have it; what is bad, or
 * not taken, changes nothing. Master only, but for renewal_take. */
#ifndef BROOD_BROOD_CERTIFICATES_RENEWAL_H
#define BROOD_BROOD_CERTIFICATES_RENEWAL_H

#include "brood/certificates/certificate_check.h"
#include "brood/certificates/certificates.h"

struct master;

/* What workers are told (cluster_broadcast). */
enum server_broadcast {
	BROADCAST_CERTIFICATE = 1, /* the pair's paths, each ended by NUL; its two descriptors */
	BROADCAST_TICKETS,         /* struct broadcast_tickets */
	BROADCAST_CLIENT_CA,       /* as of a pair that is in one file */
};

/* All-zero: nothing is being checked, or offered. */
struct renewal {
	struct certificate_check check;
	struct certificate copy;            /* that is checked, then offered; its paths are borrowed */
	size_t index;                       /* whose it is */
	bool offered;                       /* workers are asked whether they take the copy */
	uint64_t offered_ms;                /* when they were asked */
	struct certificate_verdict verdict; /* of the copy: good */
	uint64_t looked_ms;
};

/* To be called a few times a second, with the certificates in force. */
void renewal_look(struct renewal *renewal, struct certificates *certificates, const struct privilege *privilege,
		  struct master *master);

/* Before those certificates are not in force any more. */
void renewal_cancel(struct renewal *renewal);

/* In a worker: which of its certificates the broadcast of that kind is about, with the new descriptors taken out
 * of `fds`; NULL: none. */
struct certificate *renewal_take(const struct certificates *certificates, uint32_t broadcast, const void *data,
				 size_t size, int *fds, size_t fd_count);

#endif
