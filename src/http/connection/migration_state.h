/* SPDX-License-Identifier: MIT
 *
 * What travels with a connection that moves to another server, as octets. Giver and taker may be of
 * different versions, so this is frozen: changes are additions.
 *
 *     version   1 octet   1; any other one is refused
 *     size      2 octets  of all members together
 *     members   each: tag 1 octet, size of the value 2 octets, value
 *
 * Numbers are unsigned, most significant octet first. The order of members means nothing; each is
 * there once at most. Of tags that a reader does not know it skips those up to 127 and refuses a
 * state with one from 128 on: without understanding these it would do wrong.
 *
 *     1  answered      4 octets  requests on this connection so far, modulo 2^32
 *     2  wait          5 octets  1 octet: enum migration_wait; 4: what is left of it in milliseconds
 *     3  input         any       octets that have been read but not used, as they came: part of a
 *                                request head, or requests held back. With MIGRATION_WAIT_HEAD there
 *                                is at least one, otherwise there are none
 *     4  last          0 octets  the next answer is the connection's last one
 *     5  age           8 octets  microseconds since the first octet of the input was read
 *     6  empty lines   1 octet   that came before the input and have been dropped
 *     7  origin        4 octets  http_options.origin of the server that accepted it; not there: not
 *                                known. Whoever takes it hands that on, and not its own: with another
 *                                one the connection may have come by a listener that is no more
 *     8  hold         15 octets what it holds of limits that all workers share: 8 the client's key,
 *                                4 life, 2 worker (quota.h), 1 bits: 1 in the total, 2 of the client
 *     128 peer         19 octets the client, as a PROXY header has told: 1 octet: 1 (a Unix
 *                                socket), 4 or 6; 16: the address, for IPv4 in the first four; 2:
 *                                the port
 *     129 await proxy  0 octets  a PROXY header must come before anything else; the input is the
 *                                part of it that has come, and what is left of the time is for it.
 *                                MIGRATION_WAIT_FIRST or MIGRATION_WAIT_HEAD, without member 128
 *     130 session      any       of a TLS session whose keys the kernel has, so that the socket has them:
 *                                what else is to be known of it (tls/saved.c)
 *
 * Members 1 and 2 must be there. But for the raw octets nothing in a state comes from a request's
 * fields: what a field says is true of that request only.
 *
 * Encoding and decoding are pure functions. The octets come from another process: no trust. */
#ifndef BROOD_HTTP_CONNECTION_MIGRATION_STATE_H
#define BROOD_HTTP_CONNECTION_MIGRATION_STATE_H

#include "base/slice.h"
#include "http/client/peer.h"
#include "http/client/quota.h"
#include "http/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MIGRATION_VERSION = 1,
	/* The longest input that is given away: all other members, later ones too, find room. */
	MIGRATION_INPUT_MAX = HTTP_STATE_MAX - 1024,
	MIGRATION_SESSION_MAX = 800,
};

/* What the connection's time is running out for. */
enum migration_wait {
	MIGRATION_WAIT_FIRST = 1, /* the first octet ever */
	MIGRATION_WAIT_HEAD = 2,  /* the end of a head that has begun */
	MIGRATION_WAIT_IDLE = 3,  /* a next request */
};

struct migration_state {
	uint32_t answered;
	enum migration_wait wait;
	uint32_t left_ms;
	bool last, awaits_proxy;
	struct peer peer; /* PEER_UNKNOWN, or PEER_TOLD */
	uint8_t empty_lines;
	uint32_t origin; /* 0: not known */
	uint64_t age_us; /* 0: not known */
	struct quota_hold hold;
	struct slice session; /* these two after decoding: within the octets decoded */
	struct slice input;
};

/* Writes at most HTTP_STATE_MAX octets and returns how many. The input must not be longer than
 * MIGRATION_INPUT_MAX. */
size_t migration_encode(const struct migration_state *state, char *out);

/* 0, or -EINVAL. */
int migration_decode(struct migration_state *out, const void *data, size_t size) __attribute__((warn_unused_result));

#endif
