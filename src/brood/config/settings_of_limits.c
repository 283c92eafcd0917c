/* SPDX-License-Identifier: MIT
 *
 * Rows of the table of settings: limits that hold for all workers together, and minimum rates. */
#include "brood/config/settings_rows.h"

#include "http/connection/pace.h"
#include "http/client/quota.h"

static const struct setting rows[] = {
	{
		.name = "client_rate",
		.type = SETTING_RATE,
		.standard = "off",
		.min = 1,
		.max = UINT64_C(3600) * QUOTA_RATE_MAX_PER_SECOND,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_rate_per_hour),
		.help = "requests that one client may make, in the long run",
	},
	{
		.name = "client_burst",
		.type = SETTING_COUNT,
		.standard = "50",
		.min = 1,
		.max = 1000000,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_burst),
		.help = "requests that one client may make at once, with client_rate",
	},
	{
		.name = "client_connections",
		.type = SETTING_COUNT,
		.standard = "off",
		.min = 1,
		.max = QUOTA_CLIENT_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_connections),
		.help = "connections that one client may hold",
	},
	{
		.name = "client_prefix_ipv4",
		.type = SETTING_COUNT,
		.standard = "32",
		.min = 1,
		.max = 32,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_prefix_ipv4),
		.help = "leading bits of an IPv4 address that make a client",
	},
	{
		.name = "client_prefix_ipv6",
		.type = SETTING_COUNT,
		.standard = "64",
		.min = 1,
		.max = 128,
		.effect = SETTING_AT_RELOAD,
		.offset = AT(client_prefix_ipv6),
		.help = "leading bits of an IPv6 address that make a client",
	},
	{
		.name = "connections_max_total",
		.type = SETTING_COUNT,
		.standard = "off",
		.min = 1,
		.max = QUOTA_TOTAL_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(connections_max_total),
		.help = "connections that all workers hold together",
	},
	{
		.name = "min_receive_rate",
		.type = SETTING_SIZE,
		.standard = "off",
		.min = 1,
		.max = PACE_RATE_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(min_receive_rate),
		.help = "octets a second that a request must come with, in all, after 5s",
	},
	{
		.name = "min_send_rate",
		.type = SETTING_SIZE,
		.standard = "100",
		.min = 1,
		.max = PACE_RATE_MAX,
		.words = WORDS("off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(min_send_rate),
		.help = "octets a second that a client must take of its response in each write_timeout",
	},
};

const struct setting_table settings_of_limits = TABLE(rows);
