/* SPDX-License-Identifier: MIT
 *
 * Whom a limit "per client" counts as one: an address, or all those of one prefix. */
#ifndef BROOD_HTTP_CLIENT_CLIENT_KEY_H
#define BROOD_HTTP_CLIENT_CLIENT_KEY_H

#include <stdint.h>
#include <sys/socket.h>

struct client_prefixes {
	uint8_t ipv4, ipv6; /* leading bits that count: up to 32, up to 128 */
};

/* Random, so that nobody outside can choose addresses whose keys meet. */
struct client_secret {
	uint64_t words[2];
};

/* The key of the network that `name` is in, by a keyed hash (SipHash-1-3) of what counts of it; an
 * IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1) has the key of the IPv4 address.
 * 0: there is nobody to count, as with a Unix socket. */
uint64_t client_key(const struct client_secret *secret, const struct client_prefixes *prefixes,
		    const struct sockaddr *name);

#endif
