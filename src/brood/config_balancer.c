/* SPDX-License-Identifier: MIT
 *
 * See config_balancer.h. */
#include "brood/config_balancer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Loopback, Unix sockets, private and link-local addresses (RFC 1918, 3927, 4193, 4291, 6598): no
 * stranger from the Internet has one. */
static const char near[] =
	"unix,127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,"
	"100.64.0.0/10,::1,fc00::/7,fe80::/10";

bool config_balancer_wants_proxy(const struct config *config, const struct address *address)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listener *listener = &config->listen[i];

		if (listener->proxy_protocol != LISTENER_PROXY_GENERAL &&
		    address_equal(&listener->address, address))
			return listener->proxy_protocol == LISTENER_PROXY_YES;
	}
	return config->proxy_protocol;
}

bool config_balancer_uses_proxy(const struct config *config)
{
	bool uses = config->proxy_protocol; /* of sockets that are inherited, too */

	for (size_t i = 0; i < config->listen_count; i++)
		uses = uses || config->listen[i].proxy_protocol == LISTENER_PROXY_YES;
	return uses;
}

static int copy(struct networks *out, const struct networks *from)
{
	out->list = calloc(from->count, sizeof(*out->list));
	if (!out->list)
		return -ENOMEM;
	memcpy(out->list, from->list, from->count * sizeof(*out->list));
	out->count = from->count;
	return 0;
}

int config_balancer_settle(struct config *config)
{
	char reason[128];

	if (config->trusted.count > 0)
		return copy(&config->proxy_trusted, &config->trusted);
	return networks_parse(&config->proxy_trusted, near, reason, sizeof(reason));
}

void config_balancer_free(struct config *config)
{
	networks_free(&config->proxy_trusted);
}
