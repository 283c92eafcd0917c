/* SPDX-License-Identifier: MIT
 *
 * What the cluster is told of a configuration (server.h). Master only. */
#include "brood/server.h"

#include "base/cpu.h"
#include "brood/config/config_balancer.h"
#include "brood/config/config_tls.h"

#include <errno.h>
#include <stdlib.h>

static unsigned tag_of(const struct config *config, const struct address *address)
{
	return (config_balancer_wants_proxy(config, address) ? LISTENER_PROXY : 0) |
	       (config_tls_wants(config, address) ? LISTENER_TLS : 0);
}

/* The addresses: sockets that were inherited take the place of those that are equal, and of the
 * default. 0 or -ENOMEM. */
static int list_listeners(const struct server *server, struct setup *setup, struct cluster_options *options)
{
	const struct config *config = setup->config;
	size_t inherited = server->inherited_count, count = 0;
	struct cluster_listen *all = calloc(config->listen_count + inherited, sizeof(*all));

	if (!all)
		return -ENOMEM;
	setup->listen = all;
	for (size_t i = 0; i < inherited; i++) {
		/* Given once; a reload finds it by its address. */
		all[count].fd = server->inherited_taken ? -1 : server->inherited[i];
		if (address_of_socket(server->inherited[i], &all[count].address) < 0)
			continue;
		all[count].tag = tag_of(config, &all[count].address);
		count++;
	}
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listener *wish = &config->listen[i];
		bool have = inherited > 0 && config->listen_is_default;

		for (size_t k = 0; k < inherited && !have; k++)
			have = address_equal(&wish->address, &all[k].address);
		if (have)
			continue;
		all[count++] = (struct cluster_listen){
			.address = wish->address,
			.fd = -1,
			.backlog = (int)(wish->backlog ? wish->backlog : config->backlog),
			.unix_mode = wish->unix_mode ? wish->unix_mode : 0666,
			.tag = tag_of(config, &wish->address),
		};
	}
	options->listen = all;
	options->listen_count = count;
	return 0;
}

int server_cluster_options(const struct server *server, struct setup *setup, struct cluster_options *options)
{
	const struct config *config = setup->config;
	unsigned workers = config->workers > 0 ? config->workers : cpu_count_usable();

	*options = (struct cluster_options){
		.accept = config->accept,
		.workers = workers < CLUSTER_SLOTS_MAX ? workers : CLUSTER_SLOTS_MAX,
		.policy = config->handoff_policy,
		.max_connections = config->max_connections,
		.start_timeout_ms = (unsigned)config->start_timeout_ms,
		.drain_timeout_ms = (unsigned)config->drain_timeout_ms,
		.stop_timeout_ms = (unsigned)config->stop_timeout_ms,
		.drain_delay_ms = (unsigned)config->drain_delay_ms,
		.watchdog_ms = (unsigned)config->watchdog_ms,
		.recycle = {.requests = config->max_requests,
			    .memory_bytes = config->max_memory,
			    .age_ms = config->max_age_ms},
		.privilege = config->privilege,
		.number = setup->number,
		.error_log = setup->error_log,
	};
	return list_listeners(server, setup, options);
}
