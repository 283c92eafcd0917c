/* SPDX-License-Identifier: MIT
 *
 * A name for each request, so that what several machines say of it can be put together: the one
 * that a trusted proxy has given it (X-Request-Id), else a new one, a UUID of version 7 (RFC 9562
 * section 5.7), which sorts by time. */
#ifndef BROOD_HTTP_CLIENT_REQUEST_ID_H
#define BROOD_HTTP_CLIENT_REQUEST_ID_H

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct request;

enum {
	REQUEST_ID_MAX = 128,      /* octets of one that is taken over */
	REQUEST_ID_UUID_SIZE = 36, /* of one that is made */
};

/* Random octets that are not used yet: a system call is made for many ids together. All-zero is a
 * good start. */
struct request_ids {
	size_t left;
	unsigned char pool[1024];
};

/* The id: its own if the peer is trusted and has sent exactly one that is well formed, else a new
 * one, made in `room`. */
struct slice request_id_get(struct request_ids *ids, const struct request *request, char room[REQUEST_ID_UUID_SIZE]);

#endif
