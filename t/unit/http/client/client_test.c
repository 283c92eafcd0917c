/* SPDX-License-Identifier: MIT
 *
 * The true client: from peers that are trusted, hop by hop, and from nobody else. */
#include "http/client/client.h"

#include "base/address.h"
#include "base/network.h"
#include "http/message/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
	struct networks trusted;
	struct client client;
	struct request request;
	struct peer peer;
	char text[INET6_ADDRSTRLEN];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char reason[256];

	assert_non_null(fixture);
	assert_int_equal(networks_parse(&fixture->trusted, "10.0.0.0/8, fd00::/8, unix", reason, sizeof(reason)), 0);
	fixture->client.trusted = &fixture->trusted;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	networks_free(&fixture->trusted);
	free(fixture);
	return 0;
}

static void set_peer(struct fixture *fixture, const char *peer)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	fixture->peer = (struct peer){.source = PEER_TOLD};
	if (inet_pton(AF_INET, peer, &ipv4) == 1)
		peer_set_ipv4(&fixture->peer.address, &ipv4, 1);
	else if (inet_pton(AF_INET6, peer, &ipv6) == 1)
		peer_set_ipv6(&fixture->peer.address, &ipv6, 1);
	else
		fixture->peer.address.any.sa_family = AF_UNIX;
	fixture->request.field_count = 0;
	fixture->request.present = 0;
}

static void add_field(struct fixture *fixture, const char *name, const char *value)
{
	struct request *request = &fixture->request;
	struct request_field *field = &request->fields[request->field_count++];

	*field = (struct request_field){
		.id = request_field_id(slice_of(name)),
		.name = slice_of(name),
		.value = slice_of(value),
	};
	request->present |= 1u << field->id;
}

static void ask(struct fixture *fixture, enum http_forwarded mode)
{
	fixture->client.forwarded = mode;
	client_begin(&fixture->client, &fixture->peer, -1, &fixture->request);
	address_host(client_address(&fixture->client), fixture->text, sizeof(fixture->text));
}

/* One X-Forwarded-For from that peer. */
static void assert_x_for(struct fixture *fixture, const char *peer, const char *value, const char *client)
{
	set_peer(fixture, peer);
	add_field(fixture, "X-Forwarded-For", value);
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, client);
}

static void assert_rfc7239(struct fixture *fixture, const char *peer, const char *value, const char *client)
{
	set_peer(fixture, peer);
	add_field(fixture, "Forwarded", value);
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, client);
}

static void without_a_word_the_client_is_the_peer(void **state)
{
	struct fixture *fixture = *state;

	set_peer(fixture, "10.0.0.1");
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, "10.0.0.1");
	assert_false(client_came_by_https(&fixture->client));
	assert_true(client_has_trusted_peer(&fixture->client));
}

static void who_is_not_trusted_is_not_believed(void **state)
{
	struct fixture *fixture = *state;

	assert_x_for(fixture, "192.0.2.1", "1.1.1.1", "192.0.2.1");
	assert_rfc7239(fixture, "2001:db8::1", "for=1.1.1.1;proto=https", "2001:db8::1");
	assert_false(client_came_by_https(&fixture->client));
	assert_false(client_has_trusted_peer(&fixture->client));
	set_peer(fixture, "192.0.2.1");
	add_field(fixture, "X-Forwarded-Proto", "https");
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_false(client_came_by_https(&fixture->client));
	fixture->client.trusted = NULL;
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1", "10.0.0.1");
}

static void the_walk_goes_from_the_right_over_trusted_hops(void **state)
{
	struct fixture *fixture = *state;

	assert_x_for(fixture, "10.0.0.1", "1.1.1.1", "1.1.1.1");
	assert_x_for(fixture, "unix", "1.1.1.1", "1.1.1.1");
	assert_x_for(fixture, "::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, 10.0.0.3, [fd00::1]:5", "1.1.1.1");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.3", "2.2.2.2");
	assert_x_for(fixture, "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2");
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1, for=10.0.0.3, for=\"[fd00::1]\"", "1.1.1.1");
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1, for=2.2.2.2", "2.2.2.2");
}

static void garbage_ends_the_walk_at_the_last_good_one(void **state)
{
	struct fixture *fixture = *state;

	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, rubbish", "10.0.0.1");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, rubbish, 10.0.0.3", "10.0.0.3");
	assert_x_for(fixture, "10.0.0.1", "rubbish, 1.1.1.1", "1.1.1.1");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, unknown, 10.0.0.3", "10.0.0.3");
	assert_x_for(fixture, "10.0.0.1", "", "10.0.0.1");
	assert_x_for(fixture, "10.0.0.1", "1.1.1.1, , 10.0.0.3,", "1.1.1.1");
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1, for=_hidden, for=10.0.0.3", "10.0.0.3");
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1, for=\", for=10.0.0.3", "10.0.0.3");
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1, proto=https, for=10.0.0.3", "10.0.0.3");
	assert_true(client_came_by_https(&fixture->client));
}

static void several_lines_are_one_list(void **state)
{
	struct fixture *fixture = *state;

	set_peer(fixture, "10.0.0.1");
	add_field(fixture, "x-forwarded-for", "9.9.9.9, 1.1.1.1");
	add_field(fixture, "Host", "a");
	add_field(fixture, "X-FORWARDED-FOR", "");
	add_field(fixture, "X-Forwarded-For", "10.0.0.4, 10.0.0.3");
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, "1.1.1.1");
	set_peer(fixture, "10.0.0.1");
	add_field(fixture, "Forwarded", "for=1.1.1.1;proto=https");
	add_field(fixture, "Forwarded", "for=10.0.0.3;proto=http");
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, "1.1.1.1");
	assert_true(client_came_by_https(&fixture->client));
}

static void which_field_counts_can_be_set(void **state)
{
	static const char *const clients[] = {
		[HTTP_FORWARDED_AUTO] = "1.1.1.1",
		[HTTP_FORWARDED_X_FOR] = "1.1.1.1",
		[HTTP_FORWARDED_RFC7239] = "2.2.2.2",
		[HTTP_FORWARDED_OFF] = "10.0.0.1",
	};
	struct fixture *fixture = *state;

	for (int mode = HTTP_FORWARDED_AUTO; mode <= HTTP_FORWARDED_OFF; mode++) {
		set_peer(fixture, "10.0.0.1");
		add_field(fixture, "Forwarded", "for=2.2.2.2;proto=https");
		add_field(fixture, "X-Forwarded-For", "1.1.1.1");
		ask(fixture, (enum http_forwarded)mode);
		assert_string_equal(fixture->text, clients[mode]);
		assert_int_equal(client_came_by_https(&fixture->client), mode == HTTP_FORWARDED_RFC7239);
	}
	assert_rfc7239(fixture, "10.0.0.1", "for=2.2.2.2", "2.2.2.2");
	set_peer(fixture, "10.0.0.1");
	add_field(fixture, "Forwarded", "for=2.2.2.2");
	ask(fixture, HTTP_FORWARDED_X_FOR);
	assert_string_equal(fixture->text, "10.0.0.1");
}

static bool says_https(struct fixture *fixture, const char *hops, const char *words)
{
	set_peer(fixture, "10.0.0.1");
	if (hops)
		add_field(fixture, "X-Forwarded-For", hops);
	add_field(fixture, "X-Forwarded-Proto", words);
	ask(fixture, HTTP_FORWARDED_AUTO);
	return client_came_by_https(&fixture->client);
}

static void the_scheme_is_that_of_the_clients_own_connection(void **state)
{
	struct fixture *fixture = *state;

	assert_true(says_https(fixture, NULL, "https"));
	assert_true(says_https(fixture, NULL, "HTTPS"));
	assert_true(says_https(fixture, "1.1.1.1", "https"));
	assert_false(says_https(fixture, "1.1.1.1", "http"));
	assert_false(says_https(fixture, "1.1.1.1", "httpsx"));
	assert_false(says_https(fixture, "1.1.1.1", ""));
	/* A client's own word is on the left of the nearest proxy's. */
	assert_false(says_https(fixture, "9.9.9.9, 1.1.1.1", "https, http"));
	/* Two hops that have told, each with a word of its own; or one word for all. */
	assert_true(says_https(fixture, "1.1.1.1, 10.0.0.3", "https, http"));
	assert_false(says_https(fixture, "1.1.1.1, 10.0.0.3", "http, https"));
	assert_true(says_https(fixture, "1.1.1.1, 10.0.0.3", "https"));
	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1;proto=https, for=10.0.0.3;proto=http", "1.1.1.1");
	assert_true(client_came_by_https(&fixture->client));
	assert_rfc7239(fixture, "10.0.0.1", "for=9.9.9.9;proto=https, for=1.1.1.1", "1.1.1.1");
	assert_false(client_came_by_https(&fixture->client));
}

static void the_walk_is_bounded(void **state)
{
	static char value[64 * 16];
	struct fixture *fixture = *state;

	strcpy(value, "1.1.1.1");
	for (int i = 0; i < CLIENT_HOPS_MAX; i++)
		strcat(value, ", 10.0.0.3");
	assert_x_for(fixture, "10.0.0.1", value, "10.0.0.3");
	value[strlen(value) - strlen(", 10.0.0.3")] = '\0';
	assert_x_for(fixture, "10.0.0.1", value, "1.1.1.1");
}

static void nothing_stays_for_the_next_request(void **state)
{
	struct fixture *fixture = *state;

	assert_rfc7239(fixture, "10.0.0.1", "for=1.1.1.1;proto=https", "1.1.1.1");
	set_peer(fixture, "10.0.0.1");
	ask(fixture, HTTP_FORWARDED_AUTO);
	assert_string_equal(fixture->text, "10.0.0.1");
	assert_false(client_came_by_https(&fixture->client));
	assert_int_equal(fixture->peer.address.ipv4.sin_addr.s_addr, inet_addr("10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_word_the_client_is_the_peer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_not_trusted_is_not_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_walk_goes_from_the_right_over_trusted_hops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(garbage_ends_the_walk_at_the_last_good_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(several_lines_are_one_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(which_field_counts_can_be_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_scheme_is_that_of_the_clients_own_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_walk_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_stays_for_the_next_request, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
