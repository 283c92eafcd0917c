/* SPDX-License-Identifier: MIT
 *
 * See admission.h. Workers. */
#include "http/connection/admission.h"

#include "base/address.h"
#include "base/log.h"
#include "base/network.h"
#include "base/slice.h"
#include "http/connection/connection.h"
#include "http/connection/pool.h"
#include "http/connection/server.h"
#include "http/files/response.h"

#include <inttypes.h>
#include <stdio.h>

enum { HOST_MAX = 64, HANDSHAKES_AT_ONCE_MIN = 10 };

/* The same client's buckets are different ones. */
#define HANDSHAKE_KEY UINT64_C(0x9e3779b97f4a7c15)

struct limit {
	const char *setting;
	const char *what; /* is the matter with the client */
	unsigned status;
	unsigned retry_s; /* 0: as long as it takes */
};

static const struct limit limit_of[QUOTA_KINDS] = {
	[QUOTA_TOTAL] = {"connections_max_total", "finds no room", 503, 5},
	[QUOTA_CLIENT] = {"client_connections", "has too many connections", 429, 1},
	[QUOTA_RATE] = {"client_rate", "asks too often", 429, 0},
	[QUOTA_HANDSHAKES] = {"tls_handshake_rate", "begins TLS too often", 429, 1},
};

/* What ten seconds bring: a browser opens several connections for one page. */
static unsigned handshakes_at_once(uint64_t per_hour)
{
	uint64_t count = per_hour / 360;

	return count > HANDSHAKES_AT_ONCE_MIN ? (unsigned)count : HANDSHAKES_AT_ONCE_MIN;
}

void admission_init(struct admission *admission, const struct http_limits *limits)
{
	*admission = (struct admission){
		.quota = limits->quota,
		.worker = limits->worker,
		.look_ms = ADMISSION_LOOK_MS,
		.prefixes = {limits->client_prefix_ipv4 > 0 ? limits->client_prefix_ipv4 : HTTP_CLIENT_PREFIX_IPV4,
			     limits->client_prefix_ipv6 > 0 ? limits->client_prefix_ipv6 : HTTP_CLIENT_PREFIX_IPV6},
	};
	if (!limits->quota)
		return;
	admission->total_max = limits->connections_max_total;
	admission->client_max = limits->client_connections;
	admission->rate = quota_rate_of(limits->client_requests_per_hour,
					limits->client_burst > 0 ? limits->client_burst : HTTP_CLIENT_BURST);
	admission->handshakes = quota_rate_of(limits->client_handshakes_per_hour,
					      handshakes_at_once(limits->client_handshakes_per_hour));
	admission->connections =
		admission->total_max > 0 || admission->client_max > 0 || admission->handshakes.interval_us > 0;
	admission->requests = admission->rate.interval_us > 0;
	for (unsigned kind = 0; kind < QUOTA_KINDS; kind++)
		admission->answers[kind].second = -1;
}

/* --- who it is --- */

static const struct sockaddr *peer_of(struct connection *connection)
{
	return peer_address(&connection->peer, connection->stream.fd);
}

/* A proxy that tells of its clients is not one itself. */
static bool speaks_for_others(const struct http_server *server, const struct sockaddr *peer)
{
	return server->client.trusted && server->client.forwarded != HTTP_FORWARDED_OFF &&
	       networks_contain(server->client.trusted, peer);
}

/* 0: nobody who could be counted. */
static uint64_t key_of(const struct admission *admission, const struct sockaddr *name)
{
	return client_key(quota_secret(admission->quota), &admission->prefixes, name);
}

/* --- saying no --- */

static void count_refusal(struct http_server *server, enum quota_kind kind, const struct sockaddr *client)
{
	uint64_t count = quota_refused(server->admission.quota, kind, server->now_ms);
	char host[HOST_MAX];

	server->admission.refused++;
	if (count == 0)
		return;
	address_host(client, host, sizeof(host));
	log_warn("%s: %s %s (%" PRIu64 " refused since this was told last)", limit_of[kind].setting, host,
		 limit_of[kind].what, count);
}

/* No body: it has to do for any method. */
static struct slice answer_to(struct http_server *server, enum quota_kind kind)
{
	struct admission_answer *answer = &server->admission.answers[kind];
	struct response response;
	int64_t second;

	response_date(server->builder, &second);
	if (second != answer->second) {
		response_begin(server->builder, &response, NULL, limit_of[kind].status);
		response_field_u64(server->builder, "Retry-After", limit_of[kind].retry_s);
		response_field_u64(server->builder, "Content-Length", 0);
		response_field(server->builder, "Connection", SLICE("close"));
		(void)!response_finish(server->builder, &response);
		if (response.head.len + 2 > sizeof(answer->octets))
			return (struct slice){NULL, 0};
		memcpy(answer->octets, response.head.ptr, response.head.len);
		memcpy(answer->octets + response.head.len, "\r\n", 2);
		answer->size = response.head.len + 2;
		answer->second = second;
	}
	return (struct slice){answer->octets, answer->size};
}

/* --- connections --- */

/* Whose connection it is: 0 when it is nobody's who could be counted, or not known yet. */
static uint64_t client_of(struct connection *connection)
{
	const struct http_server *server = connection->server;

	if (connection_awaits_proxy(connection) || speaks_for_others(server, peer_of(connection)))
		return 0;
	return key_of(&server->admission, peer_of(connection));
}

/* The same where connections are counted. */
static uint64_t client_to_count(struct connection *connection)
{
	return connection->server->admission.client_max > 0 ? client_of(connection) : 0;
}

static bool may_shake_hands(struct connection *connection)
{
	struct http_server *server = connection->server;
	const struct admission *admission = &server->admission;
	uint64_t client;

	if (admission->handshakes.interval_us == 0 || !connection_awaits_tls(connection))
		return true;
	client = client_of(connection);
	return client == 0 ||
	       quota_ask(admission->quota, &admission->handshakes, client ^ HANDSHAKE_KEY, server->now_ms) == 0;
}

struct slice admission_refuse(struct connection *connection, enum quota_kind kind)
{
	struct admission *admission = &connection->server->admission;

	quota_release(admission->quota, &connection->hold);
	count_refusal(connection->server, kind, peer_of(connection));
	pool_forget_idle(connection);
	connection->counted = COUNTED_REFUSED;
	admission->lingering++;
	return answer_to(connection->server, kind);
}

enum quota_kind admission_of_client(struct connection *connection)
{
	struct admission *admission = &connection->server->admission;
	uint64_t client = client_to_count(connection);

	if (!may_shake_hands(connection))
		return QUOTA_HANDSHAKES;
	if (client == 0 ||
	    quota_hold_client(admission->quota, admission->worker, admission->client_max, client, &connection->hold))
		return QUOTA_NONE;
	return QUOTA_CLIENT;
}

void admission_take_over(struct connection *connection, const struct quota_hold *hold)
{
	struct admission *admission = &connection->server->admission;

	connection->hold = *hold;
	quota_take_over(admission->quota, admission->worker, admission->total_max > 0, client_to_count(connection),
			&connection->hold);
}

void admission_stop_waiting(struct connection *connection)
{
	const struct admission *admission = &connection->server->admission;

	list_remove(&connection->rest);
	quota_end_wait(admission->quota, admission->worker);
}

void admission_end(struct connection *connection)
{
	struct admission *admission = &connection->server->admission;

	if (connection->state == CONNECTION_OUTSIDE)
		admission_stop_waiting(connection);
	admission->lingering -= connection->counted == COUNTED_REFUSED;
	quota_release(admission->quota, &connection->hold);
}

/* --- requests --- */

bool admission_of_request(struct connection *connection, struct response *response)
{
	struct http_server *server = connection->server;
	struct admission *admission = &server->admission;
	const struct sockaddr *name = client_address(&server->client);
	uint64_t client = key_of(admission, name), wait_us;
	char retry[64];

	if (client == 0 || connection->kind == KIND_PROBE)
		return true;
	wait_us = quota_ask(admission->quota, &admission->rate, client, server->now_ms);
	if (wait_us == 0)
		return true;
	count_refusal(server, QUOTA_RATE, name);
	snprintf(retry, sizeof(retry), "Retry-After: %" PRIu64 "\r\n", (wait_us + 999999) / 1000000);
	response_simple(server->builder, response, NULL, limit_of[QUOTA_RATE].status, slice_of(retry));
	return false;
}
