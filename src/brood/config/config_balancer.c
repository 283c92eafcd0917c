/* SPDX-License-Identifier: MIT
 *
 * See config_balancer.h. */
#include "brood/config/config_balancer.h"

#include "base/log.h"
#include "brood/config/setting_value.h"
#include "brood/config/settings.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Loopback, Unix sockets, private and link-local addresses (RFC 1918, 3927, 4193, 4291, 6598): no
 * stranger from the Internet has one. */
static const char near[] = "unix,127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,"
			   "100.64.0.0/10,::1,fc00::/7,fe80::/10";

bool config_balancer_wants_proxy(const struct config *config, const struct address *address)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listener *listener = &config->listen[i];

		if (listener->proxy_protocol != LISTENER_PROXY_GENERAL && address_equal(&listener->address, address))
			return listener->proxy_protocol == LISTENER_PROXY_YES;
	}
	return config->proxy_protocol;
}

/* Whether those of any listener must. */
static bool uses_proxy(const struct config *config)
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

static int settle_trust(struct config *config)
{
	char reason[SETTING_REASON_MAX];

	if (config->trusted.count > 0)
		return copy(&config->proxy_trusted, &config->trusted);
	return networks_parse(&config->proxy_trusted, near, reason, sizeof(reason));
}

static bool is_set(const struct origin *origins, const char *name)
{
	const struct origin *origin = &origins[setting_index(setting_find(name))];

	return origin->file || origin->set;
}

/* This machine and the balancers, which check. */
static int allow_health(struct config *config)
{
	bool told = config->trusted.count > 0 || uses_proxy(config);
	const struct networks *balancers = &config->proxy_trusted;
	char text[NETWORK_TEXT_MAX], reason[SETTING_REASON_MAX];
	int rc = networks_parse(&config->health_allow, "127.0.0.0/8,::1,unix", reason, sizeof(reason));

	for (size_t i = 0; rc == 0 && told && i < balancers->count; i++) {
		network_format(&balancers->list[i], text);
		rc = networks_add(&config->health_allow, text, reason, sizeof(reason));
	}
	return rc;
}

/* What suits a balancer, where nobody has said otherwise. */
static const struct {
	const char *name, *text;
} suitable[] = {
	/* Longer than any of the well-known ones keeps an idle connection, the longest 600 s. */
	{"keepalive_timeout", "620s"},
	/* Two checks of the usual kind. */
	{"drain_delay", "5s"},
	{"request_id", "true"},
};

static int suit(struct config *config, const struct origin *origins)
{
	int rc = is_set(origins, "health_allow") ? 0 : allow_health(config);

	for (size_t i = 0; rc == 0 && i < sizeof(suitable) / sizeof(suitable[0]); i++) {
		const struct setting *setting = setting_find(suitable[i].name);
		char reason[SETTING_REASON_MAX];

		if (!is_set(origins, suitable[i].name))
			rc = setting_parse(setting, suitable[i].text, "/", setting_home(setting, config), false,
					   reason);
	}
	return rc;
}

int config_balancer_settle(struct config *config, const struct origin *origins)
{
	int rc = settle_trust(config);

	return rc == 0 && config->behind_lb ? suit(config, origins) : rc;
}

/* --- advice --- */

static bool trusts_everybody(const struct config *config)
{
	for (size_t i = 0; i < config->trusted.count; i++) {
		const struct network *network = &config->trusted.list[i];

		if (network->bits == 0 && network->kind != NETWORK_UNIX)
			return true;
	}
	return false;
}

/* The first address of a network, as a peer. */
static void first_of(const struct network *network, struct sockaddr_storage *out)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = network->kind == NETWORK_IPV4   ? AF_INET
			 : network->kind == NETWORK_IPV6 ? AF_INET6
			 : network->kind == NETWORK_UNIX ? AF_UNIX
							 : AF_UNSPEC;
	if (network->kind == NETWORK_IPV4)
		memcpy(&ipv4->sin_addr, network->octets, sizeof(ipv4->sin_addr));
	else
		memcpy(&ipv6->sin6_addr, network->octets, sizeof(ipv6->sin6_addr));
}

/* As far as one address of each proxy's network tells. */
static bool proxies_may_check(const struct config *config)
{
	struct sockaddr_storage peer;

	if (config->trusted.count == 0)
		return config->health_allow.count > 0;
	for (size_t i = 0; i < config->trusted.count; i++) {
		first_of(&config->trusted.list[i], &peer);
		if (networks_contain(&config->health_allow, (struct sockaddr *)&peer))
			return true;
	}
	return false;
}

static bool learns_no_client(const struct config *config)
{
	return !uses_proxy(config) && config->trusted.count == 0;
}

static bool reads_no_fields(const struct config *config)
{
	return !uses_proxy(config) && config->trusted.count > 0 && config->forwarded == HTTP_FORWARDED_OFF;
}

static bool closes_early(const struct config *config)
{
	return config->keepalive_timeout_ms <= 60000;
}

static bool cannot_be_checked(const struct config *config)
{
	return !proxies_may_check(config);
}

static bool stops_at_once(const struct config *config)
{
	return config->drain_delay_ms == 0;
}

static bool guesses_proxies(const struct config *config)
{
	return uses_proxy(config) && config->trusted.count == 0;
}

static const struct {
	bool always; /* also without behind_lb */
	bool (*applies)(const struct config *config);
	const char *line;
} advice[] = {
	{true, trusts_everybody, "trusted holds everybody: any client can pass for any other one"},
	{true, guesses_proxies,
	 "trusted is empty: PROXY headers are taken from loopback, Unix sockets and private "
	 "addresses"},
	{false, learns_no_client,
	 "behind_lb: trusted is empty: logs, limits and access rules see the balancer in place of "
	 "its "
	 "clients"},
	{false, reads_no_fields,
	 "behind_lb: forwarded is off: logs, limits and access rules see the balancer in place of "
	 "its "
	 "clients"},
	{false, closes_early,
	 "behind_lb: keepalive_timeout is 60s or less: balancers that keep idle connections as "
	 "long meet "
	 "closed ones (502)"},
	{false, cannot_be_checked, "behind_lb: health_allow does not let the balancer ask for /-/ready"},
	{false, stops_at_once, "behind_lb: drain_delay is 0: a stop begins before the balancer can know of it"},
};

void config_balancer_advise(const struct config *config, void (*tell)(void *context, const char *line), void *context)
{
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if ((advice[i].always || config->behind_lb) && advice[i].applies(config))
			tell(context, advice[i].line);
}

static void warn(void *context, const char *line)
{
	(void)context;
	log_warn("%s", line);
}

void config_balancer_warn(const struct config *config)
{
	config_balancer_advise(config, warn, NULL);
}

void config_balancer_free(struct config *config)
{
	networks_free(&config->proxy_trusted);
}
