/* SPDX-License-Identifier: MIT
 *
 * Who has made a request. It is the connection's peer, unless that is a proxy that is trusted: then
 * it is whom the proxy forwards for, and so on from hop to hop, as long as the one who tells is
 * trusted. Garbage, or a hop that hides, ends the walk at the last one that is known.
 *
 * True of one request only: nothing of it stays with the connection. Found out when somebody asks,
 * so a server that has no use for it pays nothing. */
#ifndef BROOD_HTTP_CLIENT_CLIENT_H
#define BROOD_HTTP_CLIENT_CLIENT_H

#include "http/client/peer.h"
#include "http/http.h"

#include <stdbool.h>

struct networks;
struct request;

enum { CLIENT_HOPS_MAX = 32 };

/* Of the request that is being answered; one serves all connections. */
struct client {
	/* Whom to believe; the owner's. */
	const struct networks *trusted; /* NULL: nobody */
	enum http_forwarded forwarded;

	struct peer *peer; /* of the connection */
	int fd;
	const struct request *request;
	bool known; /* what follows has been found out */
	bool told;  /* address is not the peer's */
	bool https; /* the client came by https, says a trusted peer */
	union peer_address address;
};

/* A request begins to be answered. All three must stay until the next call. */
void client_begin(struct client *client, struct peer *peer, int fd, const struct request *request);

/* The true client: for limits, access rules and logs. Never NULL; family AF_UNIX or AF_UNSPEC:
 * nothing but that is known. Valid until the next client_begin. */
const struct sockaddr *client_address(struct client *client);

/* Whether the connection's peer, which may be a proxy, is trusted to tell of others. */
bool client_has_trusted_peer(struct client *client);

/* Whether the client has come by https, as a trusted proxy says. */
bool client_came_by_https(struct client *client);

#endif
