/* SPDX-License-Identifier: MIT
 *
 * See limits.h. */
#include "brood/limits.h"

#include "brood/server.h"
#include "http/quota.h"

_Static_assert((int)CLUSTER_PLACES_MAX <= (int)QUOTA_PLACES_MAX, "each worker has a place");

struct http_limits limits_of(const struct server *server, const struct worker *worker)
{
	const struct config *config = server->chosen->config;

	return (struct http_limits){
		.quota = server->quota,
		.place = worker_place(worker),
		.client_requests_per_hour = config->client_rate_per_hour,
		.client_burst = config->client_burst,
		.client_handshakes_per_hour = config->tls_handshake_rate_per_hour,
		.client_connections = config->client_connections,
		.connections_max_total = config->connections_max_total,
		.client_prefix_ipv4 = (uint8_t)config->client_prefix_ipv4,
		.client_prefix_ipv6 = (uint8_t)config->client_prefix_ipv6,
	};
}

void limits_worker_ended(void *server, unsigned place)
{
	struct server *own = server;

	quota_give_back(own->quota, place);
}
