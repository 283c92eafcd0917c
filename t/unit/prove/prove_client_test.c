/* SPDX-License-Identifier: MIT
 *
 * A client connection, with the test as its server on the other end of a socketpair. */
#include "prove/prove_client.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct site_file file = {"/x.bin", 5, "12345"};

#define ANSWER "HTTP/1.1 200 OK\r\nX-Brood-Worker: 1-2-77\r\nContent-Length: 5\r\n\r\n12345"
#define LAST_ANSWER                                                          \
	"HTTP/1.1 200 OK\r\nX-Brood-Worker: 1-2-77\r\nContent-Length: 5\r\n" \
	"Connection: close\r\n\r\n12345"

struct stand {
	struct client_group group;
	struct client client;
	int server; /* the other end */
	unsigned opened, refused, answered, ended;
	enum counts_end how;
	bool outstanding;
	unsigned ask_again; /* so often, straight from `answered` */
};

static void on_opened(void *context, struct client *client)
{
	struct stand *stand = context;

	assert_ptr_equal(client, &stand->client);
	stand->opened++;
}

static void on_refused(void *context, struct client *client, int error)
{
	struct stand *stand = context;

	assert_int_equal(error, ECONNREFUSED);
	assert_int_equal(client->state, CLIENT_CLOSED);
	stand->refused++;
}

static void on_answered(void *context, struct client *client)
{
	struct stand *stand = context;

	stand->answered++;
	if (stand->ask_again > 0) {
		stand->ask_again--;
		client_ask(client, &file);
	}
}

static void on_ended(void *context, struct client *client, enum counts_end how, bool outstanding)
{
	struct stand *stand = context;

	assert_int_equal(client->state, CLIENT_CLOSED);
	assert_int_equal(client->fd, -1);
	stand->ended++;
	stand->how = how;
	stand->outstanding = outstanding;
}

static const struct client_events events = {on_opened, on_refused, on_answered, on_ended};

static void make_group(struct stand *stand)
{
	stand->group.base = event_base_new();
	assert_non_null(stand->group.base);
	stand->group.events = &events;
	stand->group.context = stand;
	strcpy(stand->group.host, "test");
	client_init(&stand->client, &stand->group);
}

static int set_up(void **state)
{
	struct stand *stand = calloc(1, sizeof(*stand));
	int ends[2];

	assert_non_null(stand);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	make_group(stand);
	stand->server = ends[1];
	assert_int_equal(client_take(&stand->client, ends[0]), 0);
	*state = stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;

	client_close(&stand->client);
	event_base_free(stand->group.base);
	if (stand->server >= 0)
		close(stand->server);
	free(stand);
	return 0;
}

static void turn(struct stand *stand)
{
	assert_true(event_base_loop(stand->group.base, EVLOOP_NONBLOCK) >= 0);
}

static void serve(struct stand *stand, const char *text)
{
	assert_int_equal(send(stand->server, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(stand);
}

static void assert_request(struct stand *stand, const char *expected)
{
	char request[300];
	ssize_t got = recv(stand->server, request, sizeof(request) - 1, 0);

	assert_true(got > 0);
	request[got] = '\0';
	assert_string_equal(request, expected);
}

static void assert_ended(const struct stand *stand, enum counts_end how, bool outstanding)
{
	assert_int_equal(stand->ended, 1);
	assert_int_equal(stand->how, how);
	assert_int_equal(stand->outstanding, outstanding);
}

static void it_asks_and_knows_who_answered(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(stand->opened, 1);
	assert_int_equal(stand->client.worker.pid, 0);
	client_ask(&stand->client, &file);
	assert_request(stand, "GET /x.bin HTTP/1.1\r\nHost: test\r\n\r\n");
	serve(stand, ANSWER);
	assert_int_equal(stand->answered, 1);
	assert_int_equal(stand->client.worker.slot, 1);
	assert_int_equal(stand->client.worker.generation, 2);
	assert_int_equal(stand->client.worker.pid, 77);
	assert_int_equal(stand->client.state, CLIENT_IDLE);
	assert_int_equal(stand->ended, 0);
}

static void it_can_ask_again_at_once(void **state)
{
	struct stand *stand = *state;

	stand->ask_again = 1;
	client_ask(&stand->client, &file);
	serve(stand, ANSWER);
	assert_int_equal(stand->client.state, CLIENT_WAITING);
	serve(stand, ANSWER);
	assert_int_equal(stand->answered, 2);
	assert_int_equal(stand->client.state, CLIENT_IDLE);
}

static void it_can_want_the_end_itself(void **state)
{
	struct stand *stand = *state;

	stand->client.closes = true;
	client_ask(&stand->client, &file);
	assert_request(stand, "GET /x.bin HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
}

static void an_answer_in_pieces_is_outstanding_to_its_last_octet(void **state)
{
	struct stand *stand = *state;
	size_t size = strlen(ANSWER);

	client_ask(&stand->client, &file);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(stand->answered, 0);
		assert_int_equal(stand->client.state, CLIENT_WAITING);
		serve(stand, (char[]){ANSWER[i], '\0'});
	}
	assert_int_equal(stand->answered, 1);
}

static void a_close_while_idle_is_a_close(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	assert_request(stand, "GET /x.bin HTTP/1.1\r\nHost: test\r\n\r\n");
	serve(stand, ANSWER);
	close(stand->server);
	stand->server = -1;
	turn(stand);
	assert_ended(stand, COUNTS_CLOSED, false);
	assert_int_equal(stand->client.worker.pid, 77); /* whose it was is still known */
}

static void a_close_within_an_answer_leaves_the_request_outstanding(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	assert_request(stand, "GET /x.bin HTTP/1.1\r\nHost: test\r\n\r\n");
	serve(stand, "HTTP/1.1 200 OK\r\nX-Brood-Worker: 1-2-77\r\nContent-Length: 5\r\n\r\n1234");
	close(stand->server);
	stand->server = -1;
	turn(stand);
	assert_int_equal(stand->answered, 0);
	assert_ended(stand, COUNTS_CLOSED, true);
}

static void a_reset_is_a_reset(void **state)
{
	struct stand *stand = *state;

	/* A Unix socket that is closed with unread octets resets its peer. */
	client_ask(&stand->client, &file);
	close(stand->server);
	stand->server = -1;
	turn(stand);
	assert_ended(stand, COUNTS_RESET, true);
}

static void asking_on_a_broken_connection_is_a_reset(void **state)
{
	struct stand *stand = *state;

	close(stand->server);
	stand->server = -1;
	client_ask(&stand->client, &file);
	assert_ended(stand, COUNTS_RESET, true);
}

static void an_announced_close_ends_it_after_the_answer(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	serve(stand, LAST_ANSWER);
	assert_int_equal(stand->answered, 1);
	assert_ended(stand, COUNTS_ANNOUNCED, false);
}

static void octets_behind_an_answer_are_wrong(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	serve(stand, ANSWER "6");
	assert_int_equal(stand->answered, 0);
	assert_ended(stand, COUNTS_WRONG, true);
	assert_string_equal(stand->client.problem, "octets behind the answer");
}

static void octets_without_a_request_are_wrong(void **state)
{
	struct stand *stand = *state;

	serve(stand, ANSWER);
	assert_ended(stand, COUNTS_WRONG, false);
	assert_string_equal(stand->client.problem, "octets that nobody asked for");
}

static void another_status_is_wrong(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	serve(stand, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
	assert_ended(stand, COUNTS_WRONG, true);
	assert_non_null(stand->client.problem);
}

static void one_given_up_tells_whether_it_waited(void **state)
{
	struct stand *stand = *state;

	client_ask(&stand->client, &file);
	client_give_up(&stand->client, COUNTS_HUNG);
	assert_ended(stand, COUNTS_HUNG, true);
	client_close(&stand->client); /* which a second time does nothing */
	assert_int_equal(stand->ended, 1);
}

/* A port that was just free, and whether somebody listens on it. */
static int listener_of(struct stand *stand, bool listens)
{
	struct sockaddr_in *name = (struct sockaddr_in *)&stand->group.address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	stand->group.address_size = sizeof(*name);
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)name, sizeof(*name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)name, &stand->group.address_size), 0);
	if (listens)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void connecting_is_told_and_starts_without_a_worker(void **state)
{
	struct stand *stand = *state;
	int fd = listener_of(stand, true);

	client_close(&stand->client);
	stand->client.worker.pid = 77;
	stand->opened = 0;
	assert_int_equal(client_open(&stand->client), 0);
	while (stand->opened == 0 && stand->refused == 0)
		assert_true(event_base_loop(stand->group.base, EVLOOP_ONCE) >= 0);
	assert_int_equal(stand->opened, 1);
	assert_int_equal(stand->client.state, CLIENT_IDLE);
	assert_int_equal(stand->client.worker.pid, 0);
	close(fd);
}

static void a_refusal_is_told(void **state)
{
	struct stand *stand = *state;
	int fd = listener_of(stand, false); /* bound, so that nobody else can listen there */

	client_close(&stand->client);
	stand->opened = 0;
	assert_int_equal(client_open(&stand->client), 0);
	while (stand->opened == 0 && stand->refused == 0)
		assert_true(event_base_loop(stand->group.base, EVLOOP_ONCE) >= 0);
	assert_int_equal(stand->refused, 1);
	assert_int_equal(stand->opened, 0);
	assert_int_equal(stand->ended, 0);
	close(fd);
}

#define CLIENT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(it_asks_and_knows_who_answered),
		CLIENT_TEST(it_can_ask_again_at_once),
		CLIENT_TEST(it_can_want_the_end_itself),
		CLIENT_TEST(an_answer_in_pieces_is_outstanding_to_its_last_octet),
		CLIENT_TEST(a_close_while_idle_is_a_close),
		CLIENT_TEST(a_close_within_an_answer_leaves_the_request_outstanding),
		CLIENT_TEST(a_reset_is_a_reset),
		CLIENT_TEST(asking_on_a_broken_connection_is_a_reset),
		CLIENT_TEST(an_announced_close_ends_it_after_the_answer),
		CLIENT_TEST(octets_behind_an_answer_are_wrong),
		CLIENT_TEST(octets_without_a_request_are_wrong),
		CLIENT_TEST(another_status_is_wrong),
		CLIENT_TEST(one_given_up_tells_whether_it_waited),
		CLIENT_TEST(connecting_is_told_and_starts_without_a_worker),
		CLIENT_TEST(a_refusal_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
