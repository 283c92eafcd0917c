/* SPDX-License-Identifier: MIT
 *
 * A worker's TLS: from the certificates in its memory, and what the master tells later. Worker only. */
#ifndef BROOD_BROOD_SERVING_TLS_H
#define BROOD_BROOD_SERVING_TLS_H

struct setup;
struct tls;

/* Sets up TLS for a worker with that setup: *out is NULL where no listener speaks it. Returns 0, or a
 * cluster_exit code (logged). */
int serving_tls_open(struct setup *setup, struct tls **out) __attribute__((warn_unused_result));

#endif
