/* SPDX-License-Identifier: MIT
 *
 * The long line: what happens on one end is seen on the other, in order, and not before its time. */
#include "prove/prove_line.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DELAY_MS = 20, GUARD_MS = 5000 };

struct call_of_two {
	struct event_base *base;
	struct line line;
	int listening, client, server;
};

static int start(void **state)
{
	struct call_of_two *two = calloc(1, sizeof(*two));
	struct sockaddr_storage address = {0};
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address;
	socklen_t size = sizeof(*ipv4);

	assert_non_null(two);
	*ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	two->base = event_base_new();
	assert_non_null(two->base);
	two->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(two->listening, (struct sockaddr *)ipv4, sizeof(*ipv4)), 0);
	assert_int_equal(listen(two->listening, 8), 0);
	assert_int_equal(getsockname(two->listening, (struct sockaddr *)ipv4, &size), 0);
	assert_int_equal(line_open(&two->line, two->base, &address, DELAY_MS), 0);
	two->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(two->client, (struct sockaddr *)&two->line.address, sizeof(*ipv4)), 0);
	for (struct pollfd one = {two->listening, POLLIN, 0}; poll(&one, 1, 0) == 0;)
		event_base_loop(two->base, EVLOOP_ONCE);
	two->server = accept(two->listening, NULL, NULL);
	assert_true(two->server >= 0);
	*state = two;
	return 0;
}

static int stop(void **state)
{
	struct call_of_two *two = *state;

	line_close(&two->line);
	event_base_free(two->base);
	close(two->listening);
	if (two->client >= 0)
		close(two->client);
	if (two->server >= 0)
		close(two->server);
	free(two);
	return 0;
}

/* What recv returns next: octets, 0, or -errno. */
static ssize_t hear(struct call_of_two *two, int fd, char *out, size_t room)
{
	uint64_t until_ms = clock_now_ms() + GUARD_MS;
	ssize_t size;

	while ((size = recv(fd, out, room, MSG_DONTWAIT)) < 0 && errno == EAGAIN && clock_now_ms() < until_ms)
		event_base_loop(two->base, EVLOOP_ONCE);
	return size < 0 ? -errno : size;
}

static void octets_come_late_both_ways(void **state)
{
	struct call_of_two *two = *state;
	uint64_t begin_ms = clock_now_ms();
	char text[16];

	assert_int_equal(send(two->client, "ping", 4, 0), 4);
	assert_int_equal(hear(two, two->server, text, sizeof(text)), 4);
	assert_memory_equal(text, "ping", 4);
	assert_true(clock_now_ms() - begin_ms >= DELAY_MS);
	assert_int_equal(send(two->server, "pong!", 5, 0), 5);
	assert_int_equal(hear(two, two->client, text, sizeof(text)), 5);
	assert_memory_equal(text, "pong!", 5);
	assert_true(clock_now_ms() - begin_ms >= 2 * DELAY_MS);
}

static void one_half_may_end_and_the_other_go_on(void **state)
{
	struct call_of_two *two = *state;
	char text[16];

	assert_int_equal(send(two->server, "last", 4, 0), 4);
	assert_int_equal(shutdown(two->server, SHUT_WR), 0);
	assert_int_equal(hear(two, two->client, text, sizeof(text)), 4);
	assert_int_equal(hear(two, two->client, text, sizeof(text)), 0);
	assert_int_equal(send(two->client, "crosses", 7, 0), 7);
	assert_int_equal(hear(two, two->server, text, sizeof(text)), 7);
	close(two->client);
	two->client = -1;
	assert_int_equal(hear(two, two->server, text, sizeof(text)), 0);
}

static void a_reset_is_one_on_the_other_end(void **state)
{
	struct linger at_once = {1, 0};
	struct call_of_two *two = *state;
	char text[16];

	assert_int_equal(setsockopt(two->server, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(two->server);
	two->server = -1;
	assert_int_equal(hear(two, two->client, text, sizeof(text)), -ECONNRESET);
}

/* It is closed for good: the kernel answers by a reset to what comes then. */
static void who_sends_to_one_that_is_gone_is_reset(void **state)
{
	struct call_of_two *two = *state;
	char text[16];

	close(two->server);
	two->server = -1;
	assert_int_equal(hear(two, two->client, text, sizeof(text)), 0);
	assert_int_equal(send(two->client, "hello?", 6, 0), 6);
	for (uint64_t until_ms = clock_now_ms() + GUARD_MS; clock_now_ms() < until_ms;) {
		int error = 0;
		socklen_t size = sizeof(error);

		event_base_loop(two->base, EVLOOP_ONCE);
		assert_int_equal(getsockopt(two->client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
		if (error != 0)
			return;
	}
	fail();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(octets_come_late_both_ways),
		TEST(one_half_may_end_and_the_other_go_on),
		TEST(a_reset_is_one_on_the_other_end),
		TEST(who_sends_to_one_that_is_gone_is_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
