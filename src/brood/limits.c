/* SPDX-License-Identifier: MIT
 *
 * See limits.h. */
#include "brood/limits.h"

#include "brood/server.h"
#include "http/connection/migration_state.h"

_Static_assert((int)CLUSTER_WORKERS_MAX <= (int)QUOTA_WORKERS_MAX, "each worker has a number");

struct http_limits limits_of(const struct server *server, const struct worker *worker)
{
	const struct config *config = server->chosen->config;

	return (struct http_limits){
		.quota = server->quota,
		.worker = worker_number(worker),
		.client_requests_per_hour = config->client_rate_per_hour,
		.client_burst = config->client_burst,
		.client_handshakes_per_hour = config->tls_handshake_rate_per_hour,
		.client_connections = config->client_connections,
		.connections_max_total = config->connections_max_total,
		.client_prefix_ipv4 = (uint8_t)config->client_prefix_ipv4,
		.client_prefix_ipv6 = (uint8_t)config->client_prefix_ipv6,
	};
}

void limits_expect(struct limits_expected *expected, struct quota *quota, unsigned worker, const void *state,
		   size_t size)
{
	struct quota_hold *hold;
	struct migration_state told;

	if (expected->count == CLUSTER_EXPECTED_MAX)
		return;
	hold = &expected->holds[expected->count++];
	*hold = (struct quota_hold){0};
	if (quota && migration_decode(&told, state, size) == 0 && (told.hold.in_total || told.hold.in_client))
		quota_take_over(quota, worker, told.hold.in_total, told.hold.in_client ? told.hold.client : 0, hold);
}

void limits_come(struct limits_expected *expected, struct quota *quota)
{
	if (expected->come == expected->count)
		return;
	if (quota)
		quota_release(quota, &expected->holds[expected->come]);
	if (++expected->come == expected->count)
		expected->come = expected->count = 0;
}

void limits_worker_ended(void *server, const struct master *master, unsigned worker)
{
	struct server *own = server;
	struct quota_workers used = {.end = cluster_numbers(master)};

	for (unsigned i = 0; i < CLUSTER_WORKERS_MAX; i++)
		if (i != worker && cluster_number_is_used(master, i))
			quota_workers_add(&used, i);
	quota_give_back(own->quota, worker, &used);
}
