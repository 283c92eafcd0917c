/* SPDX-License-Identifier: MIT
 *
 * The header of the PROXY protocol, by which a load balancer tells whom a connection comes from
 * before anything else is sent on it (haproxy's doc/proxy-protocol.txt, sections 2.1 and 2.2):
 *
 *     version 1   "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", at most 107 octets
 *     version 2   a signature of 12 octets, version and command, family, length; addresses; TLVs
 *
 * TLVs are skipped, but a CRC32c among them must be right. What does not match exactly is refused;
 * the connection is to be ended without a word then. A pure function. */
#ifndef BROOD_HTTP_CLIENT_PROXY_PROTOCOL_H
#define BROOD_HTTP_CLIENT_PROXY_PROTOCOL_H

#include "http/client/peer.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	PROXY_V1_MAX = 107,
	PROXY_V2_HEAD = 16,
	PROXY_PROTOCOL_MAX = PROXY_V2_HEAD + 65535, /* octets of any header */
};

enum proxy_protocol_verdict {
	PROXY_PROTOCOL_MORE,     /* so far so good, the end is not there yet */
	PROXY_PROTOCOL_COMPLETE, /* size, told, source */
	PROXY_PROTOCOL_REFUSED,  /* why */
};

struct proxy_header {
	size_t size;               /* of the header: what is behind it is the client's */
	bool told;                 /* false: the connection's own peer is the client (LOCAL, UNKNOWN,
				      families that tell nothing) */
	union peer_address source; /* of the client; AF_UNIX: the family only */
	const char *why;           /* a few words for a log */
};

/* Looks at the first `size` octets of a connection; all of those given before must be among them.
 * The verdict does not depend on how they were cut: what is once refused stays so. */
enum proxy_protocol_verdict proxy_protocol_read(const char *data, size_t size, struct proxy_header *out);

#endif
