/* SPDX-License-Identifier: MIT
 *
 * Who is at the other end of a connection: the socket's peer, or whom a PROXY header told of. */
#ifndef BROOD_HTTP_CLIENT_PEER_H
#define BROOD_HTTP_CLIENT_PEER_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Of another family than these: nothing but the family is known. */
union peer_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

enum peer_source {
	PEER_UNKNOWN, /* nobody has asked yet */
	PEER_SOCKET,
	PEER_TOLD, /* by a PROXY header: it goes where the connection goes */
};

/* All-zero: unknown. */
struct peer {
	union peer_address address; /* valid unless unknown */
	enum peer_source source;
};

/* The address; of `fd` when nobody has asked before. AF_UNSPEC where the kernel does not know it
 * any more. */
const struct sockaddr *peer_address(struct peer *peer, int fd);

/* Parts of what a text or a message tells. `octets`: 4 or 16; the port in host order. */
void peer_set_ipv4(union peer_address *address, const void *octets, uint16_t port);
void peer_set_ipv6(union peer_address *address, const void *octets, uint16_t port);

#endif
