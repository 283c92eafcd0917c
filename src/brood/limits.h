/* SPDX-License-Identifier: MIT
 *
 * Limits that hold for all workers together (http/quota.h), joined with the cluster: each worker's
 * place in the table is its own, and is cleared by the master when its process has ended. */
#ifndef BROOD_BROOD_LIMITS_H
#define BROOD_BROOD_LIMITS_H

#include "http/http.h"

struct server;
struct worker;

/* Worker: what its configuration sets. */
struct http_limits limits_of(const struct server *server, const struct worker *worker);

/* Master: for the cluster's callback. */
void limits_worker_ended(void *server, unsigned place);

#endif
