/* SPDX-License-Identifier: MIT
 *
 * Rows of the table of settings: behind a load balancer. */
#include "brood/config/settings_rows.h"

static const struct setting rows[] = {
	{
		.name = "behind_lb",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(behind_lb),
		.help = "set what suits a server behind a load balancer, and warn of what does not",
	},
	{
		.name = "proxy_protocol",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(proxy_protocol),
		.help = "a PROXY header must come first, on listeners that do not say otherwise",
	},
	{
		.name = "proxy_timeout",
		.type = SETTING_DURATION,
		.standard = "5s",
		.min = 1,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(proxy_timeout_ms),
		.help = "time in which a PROXY header must have come",
	},
	{
		.name = "trusted",
		.type = SETTING_NETWORKS,
		.standard = "",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(trusted),
		.help = "proxies that are believed when they tell of a client",
	},
	{
		.name = "forwarded",
		.type = SETTING_WORD,
		.standard = "auto",
		.words = WORDS("auto", "x-forwarded-for", "forwarded", "off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(forwarded),
		.help = "the fields by which trusted proxies tell of a client",
	},
	{
		.name = "health_allow",
		.type = SETTING_NETWORKS,
		.standard = "",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(health_allow),
		.help = "who may ask for /-/health and /-/ready",
	},
	{
		.name = "health_log",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(health_log),
		.help = "the access log has requests for these, too",
	},
	{
		.name = "drain_delay",
		.type = SETTING_DURATION,
		.standard = "0s",
		.min = 0,
		.max = WEEK_MS,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(drain_delay_ms),
		.help = "time between being told to stop and stopping, with /-/ready answering 503",
	},
	{
		.name = "request_id",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(request_id),
		.help = "name each request by an X-Request-Id",
	},
};

const struct setting_table settings_of_balancer = TABLE(rows);
