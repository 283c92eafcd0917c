/* SPDX-License-Identifier: MIT
 *
 * A worker's TLS: from the certificates in its memory, and what the master tells later. Worker only. */
#ifndef BROOD_BROOD_SERVING_TLS_H
#define BROOD_BROOD_SERVING_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct setup;
struct ticket_keys;
struct tls;

/* Sets up TLS for a worker with that setup and these keys, if it has no shared ones: *out is NULL where no listener
 * speaks it. Returns 0, or a cluster_exit code (logged). */
int serving_tls_open(struct setup *setup, struct ticket_keys *ticket_keys, struct tls **out)
	__attribute__((warn_unused_result));

/* As cluster_worker_callbacks.broadcast. */
bool serving_tls_broadcast(const struct setup *setup, struct tls *tls, uint32_t kind, const void *data, size_t size,
			   int *fds, size_t fd_count);

#endif
