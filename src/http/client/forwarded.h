/* SPDX-License-Identifier: MIT
 *
 * What proxies say of those whom they forward for, hop by hop, from the last one on:
 *
 *     X-Forwarded-For: 192.0.2.43, [2001:db8::17]:4711, 10.0.0.2
 *     Forwarded: for=192.0.2.43;proto=https, for="[2001:db8::17]:4711", for=_hidden   (RFC 7239)
 *
 * A line grows at its right end, where the proxy nearest to us has written. So it is read from
 * there: what a client has put on the left cannot change what is found before it. Pure functions;
 * no trust in anything. */
#ifndef BROOD_HTTP_CLIENT_FORWARDED_H
#define BROOD_HTTP_CLIENT_FORWARDED_H

#include "base/slice.h"
#include "http/client/peer.h"

#include <stdbool.h>

enum forwarded_syntax { FORWARDED_X_FOR, FORWARDED_RFC7239 };

enum forwarded_node {
	FORWARDED_END,        /* there is no further element */
	FORWARDED_ADDRESS,    /* told, in `address`; port 0 where none was told */
	FORWARDED_NO_ADDRESS, /* "unknown", an obfuscated name, or no "for" at all */
	FORWARDED_GARBAGE,    /* not of this syntax */
};

struct forwarded_hop {
	enum forwarded_node node;
	union peer_address address;
	struct slice proto; /* RFC 7239: as told, unquoted; empty: not told */
};

/* Takes the last element off one field's value, empty ones aside. Where the node is garbage the
 * rest of the value is not to be relied upon. */
void forwarded_take_last(enum forwarded_syntax syntax, struct slice *value, struct forwarded_hop *out);

/* Takes the last element off a plain list ("https, http"); empty: there is none. */
struct slice forwarded_take_last_word(struct slice *value);

#endif
