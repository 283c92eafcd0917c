/* SPDX-License-Identifier: MIT
 *
 * Accepting never spins, whatever happens to a listening socket. */
#include "cluster/acceptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 100 };

enum { SPARE = 3 };

struct seen {
	unsigned asked, accepted, scarce, relieved;
	int spare[SPARE]; /* descriptors that relieve() closes, one by one */
};

static enum acceptor_verdict may_accept(void *context, bool after_pause, unsigned *pause_ms)
{
	struct seen *seen = context;

	(void)after_pause, (void)pause_ms;
	seen->asked++;
	return ACCEPTOR_GO_ON;
}

static void accepted(void *context, int fd, unsigned listener, bool scarce)
{
	struct seen *seen = context;

	(void)listener;
	seen->accepted++;
	seen->scarce += scarce;
	close(fd);
}

static const struct acceptor_handlers handlers = {.may_accept = may_accept, .accepted = accepted};

static int listen_somewhere(struct sockaddr_in *name)
{
	socklen_t size = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*name = (struct sockaddr_in){.sin_family = AF_INET};
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)name, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)name, &size), 0);
	return fd;
}

/* Whoever gave us the socket has it too, and may shut it down. */
static void a_socket_that_was_shut_down_costs_nothing_more(void **state)
{
	struct event_base *base = event_base_new();
	struct seen seen = {0};
	struct acceptor *acceptor = acceptor_new(base, &handlers, &seen);
	struct sockaddr_in deaf_name, name;
	int deaf = listen_somewhere(&deaf_name), good = listen_somewhere(&name), client;

	(void)state;
	assert_int_equal(acceptor_add(acceptor, deaf, 0, 0), 0);
	assert_int_equal(acceptor_add(acceptor, good, 1, 0), 0);
	assert_int_equal(shutdown(deaf, SHUT_RDWR), 0);
	for (int turn = 0; turn < TURNS; turn++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_in_range(seen.asked, 0, 2);
	assert_int_equal(seen.accepted, 0);

	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof(name)), 0);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(seen.accepted, 1);
	close(client);
	acceptor_free(acceptor);
	event_base_free(base);
}

static bool relieve(void *context)
{
	struct seen *seen = context;

	if (seen->relieved++ == SPARE)
		return false;
	close(seen->spare[seen->relieved - 1]);
	return true;
}

static void keep(void *context, int fd, unsigned listener, bool scarce)
{
	struct seen *seen = context;

	(void)fd, (void)listener;
	seen->accepted++;
	seen->scarce += scarce;
}

/* All descriptors but those that are open are taken from this process. */
static void allow_no_more_descriptors(struct rlimit *before)
{
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit;

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void where_descriptors_are_short_others_are_freed_as_long_as_somebody_waits(void **state)
{
	static const struct acceptor_handlers keepers = {
		.may_accept = may_accept, .accepted = keep, .relieve = relieve};
	struct event_base *base = event_base_new();
	struct seen seen = {0};
	struct acceptor *acceptor = acceptor_new(base, &keepers, &seen);
	struct sockaddr_in name;
	struct rlimit before;
	int clients[SPARE + 1];

	(void)state;
	assert_int_equal(acceptor_add(acceptor, listen_somewhere(&name), 0, 0), 0);
	for (int i = 0; i < SPARE; i++)
		seen.spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i <= SPARE; i++)
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	allow_no_more_descriptors(&before);
	for (int i = 0; i <= SPARE; i++) {
		assert_int_equal(connect(clients[i], (struct sockaddr *)&name, sizeof(name)), 0);
		event_base_loop(base, EVLOOP_ONCE);
		assert_int_equal(seen.accepted, i + 1);
		/* Once for each, though accept says the same when nobody waits. */
		assert_int_equal(seen.relieved, i + 1);
		assert_int_equal(seen.scarce, i == SPARE);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i <= SPARE; i++)
		close(clients[i]);
	acceptor_free(acceptor);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_was_shut_down_costs_nothing_more),
		cmocka_unit_test(where_descriptors_are_short_others_are_freed_as_long_as_somebody_waits),
	};

	return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
