/* SPDX-License-Identifier: MIT
 *
 * See peer.h. */
#include "http/client/peer.h"

#include <arpa/inet.h>
#include <string.h>

const struct sockaddr *peer_address(struct peer *peer, int fd)
{
	socklen_t size = sizeof(peer->address);

	if (peer->source == PEER_UNKNOWN) {
		memset(&peer->address, 0, sizeof(peer->address));
		if (getpeername(fd, &peer->address.any, &size) < 0)
			peer->address.any.sa_family = AF_UNSPEC;
		peer->source = PEER_SOCKET;
	}
	return &peer->address.any;
}

void peer_set_ipv4(union peer_address *address, const void *octets, uint16_t port)
{
	memset(address, 0, sizeof(*address));
	address->ipv4.sin_family = AF_INET;
	address->ipv4.sin_port = htons(port);
	memcpy(&address->ipv4.sin_addr, octets, sizeof(address->ipv4.sin_addr));
}

void peer_set_ipv6(union peer_address *address, const void *octets, uint16_t port)
{
	memset(address, 0, sizeof(*address));
	address->ipv6.sin6_family = AF_INET6;
	address->ipv6.sin6_port = htons(port);
	memcpy(&address->ipv6.sin6_addr, octets, sizeof(address->ipv6.sin6_addr));
}
