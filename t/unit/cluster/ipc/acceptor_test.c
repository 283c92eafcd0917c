/* SPDX-License-Identifier: MIT
 *
 * Accepting never spins, whatever happens to a listening socket; when it takes what from which. */
#include "cluster/ipc/acceptor.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
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

/* --- when, and from which socket --- */

enum { BATCH = 64, CLIENTS = BATCH + 6, LISTENERS = 2, FIRST_LISTENER = 5, LONG_MS = 100000 };

static struct event_base *base;
static struct acceptor *acceptor;
static struct sockaddr_in names[LISTENERS];
static int clients[CLIENTS];
static unsigned client_count;

static struct {
	enum acceptor_verdict verdict;
	unsigned pause_ms;
	unsigned asked, asked_after_pause, settled, discarded;
	unsigned accepted[LISTENERS], odd; /* odd: it may wait, or outlive an exec */
} told;

static enum acceptor_verdict judge(void *context, bool after_pause, unsigned *pause_ms)
{
	(void)context;
	told.asked++;
	told.asked_after_pause += after_pause;
	*pause_ms = told.pause_ms;
	return told.verdict;
}

static void note_accepted(void *context, int fd, unsigned listener, bool scarce)
{
	(void)context;
	assert_false(scarce);
	assert_in_range(listener, FIRST_LISTENER, FIRST_LISTENER + LISTENERS - 1);
	told.accepted[listener - FIRST_LISTENER]++;
	told.odd += !(fcntl(fd, F_GETFL) & O_NONBLOCK) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void note_settled(void *context)
{
	(void)context;
	told.settled++;
}

static void note_discarded(void *context, int fd)
{
	(void)context;
	told.discarded++;
	fd_close(&fd);
}

static int set_up(void **state)
{
	static const struct acceptor_handlers all = {
		.may_accept = judge, .accepted = note_accepted, .settled = note_settled, .discard = note_discarded};

	(void)state;
	memset(&told, 0, sizeof(told));
	told.pause_ms = LONG_MS;
	client_count = 0;
	base = event_base_new();
	acceptor = acceptor_new(base, &all, NULL);
	for (unsigned i = 0; i < LISTENERS; i++) {
		int fd = listen_somewhere(&names[i]);

		assert_int_equal(listen(fd, 2 * CLIENTS), 0);
		assert_int_equal(acceptor_add(acceptor, fd, FIRST_LISTENER + i, i), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (client_count > 0)
		close(clients[--client_count]);
	acceptor_free(acceptor);
	event_base_free(base);
	return told.odd == 0 && told.discarded == LISTENERS ? 0 : -1;
}

static void come(unsigned listener, unsigned count)
{
	for (; count > 0; count--) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(fd, (struct sockaddr *)&names[listener], sizeof(names[0])), 0);
		clients[client_count++] = fd;
	}
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void each_comes_with_the_listener_that_it_came_to(void **state)
{
	(void)state;
	come(0, 1);
	come(1, 2);
	turn();
	assert_int_equal(told.accepted[0], 1);
	assert_int_equal(told.accepted[1], 2);
	assert_int_equal(told.settled, 2);
}

static void a_turn_takes_a_batch_and_no_more(void **state)
{
	(void)state;
	come(0, CLIENTS);
	turn();
	assert_int_equal(told.accepted[0], BATCH);
	assert_int_equal(told.settled, 1);
	turn();
	assert_int_equal(told.accepted[0], CLIENTS);
}

static void who_must_not_accept_is_asked_again_when_the_pause_is_over(void **state)
{
	(void)state;
	told.verdict = ACCEPTOR_PAUSE;
	told.pause_ms = 20;
	come(0, 1);
	turn();
	assert_int_equal(told.asked, 1);
	assert_int_equal(told.settled, 1);
	come(1, 1); /* no socket is looked at meanwhile */
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(told.asked, 2);
	assert_int_equal(told.asked_after_pause, 1);
	assert_int_equal(told.accepted[0] + told.accepted[1], 0);
	told.verdict = ACCEPTOR_GO_ON;
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(told.accepted[0], 1);
	assert_int_equal(told.accepted[1], 1);
	come(0, 1);
	turn();
	assert_int_equal(told.accepted[0], 2);
}

static void or_at_once_when_it_can_go_on(void **state)
{
	(void)state;
	told.verdict = ACCEPTOR_PAUSE;
	come(0, 1);
	turn();
	turn();
	assert_int_equal(told.asked, 1);
	told.verdict = ACCEPTOR_GO_ON;
	turn();
	assert_int_equal(told.accepted[0], 0);
	acceptor_resume(acceptor);
	turn();
	assert_int_equal(told.accepted[0], 1);
	assert_int_equal(told.asked_after_pause, 0);
	/* The pause is over: who comes now is heard. */
	acceptor_remove_group(acceptor, 1);
	told.discarded--;
	assert_int_equal(acceptor_add(acceptor, listen_somewhere(&names[1]), FIRST_LISTENER + 1, 1), 0);
	come(1, 1);
	turn();
	assert_int_equal(told.accepted[1], 1);
}

static void one_that_comes_during_a_pause_is_not_looked_at_either(void **state)
{
	int fd = listen_somewhere(&names[1]);

	(void)state;
	acceptor_remove_group(acceptor, 1);
	told.discarded--;
	told.verdict = ACCEPTOR_PAUSE;
	come(0, 1);
	turn();
	assert_int_equal(acceptor_add(acceptor, fd, FIRST_LISTENER + 1, 1), 0);
	come(1, 1);
	turn();
	assert_int_equal(told.asked, 1);
	told.verdict = ACCEPTOR_GO_ON;
	acceptor_resume(acceptor);
	turn();
	assert_int_equal(told.accepted[1], 1);
}

static void a_group_goes_and_the_others_stay(void **state)
{
	(void)state;
	acceptor_remove_group(acceptor, 0);
	assert_int_equal(told.discarded, 1);
	come(1, 1);
	turn();
	assert_int_equal(told.accepted[1], 1);
}

static void those_that_are_kept_stay(void **state)
{
	const unsigned kept = FIRST_LISTENER;

	(void)state;
	acceptor_keep(acceptor, &kept, 1);
	assert_int_equal(told.discarded, 1);
	come(0, 1);
	turn();
	assert_int_equal(told.accepted[0], 1);
}

static void what_is_queued_is_drained_whoever_pauses(void **state)
{
	(void)state;
	told.verdict = ACCEPTOR_PAUSE;
	come(0, CLIENTS);
	turn();
	assert_int_equal(told.accepted[0], 0);
	acceptor_take_queued(acceptor);
	assert_int_equal(told.accepted[0], CLIENTS);
	assert_int_equal(told.asked, 1);
	assert_int_equal(told.settled, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_was_shut_down_costs_nothing_more),
		cmocka_unit_test(where_descriptors_are_short_others_are_freed_as_long_as_somebody_waits),
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(each_comes_with_the_listener_that_it_came_to),
		TEST(a_turn_takes_a_batch_and_no_more),
		TEST(who_must_not_accept_is_asked_again_when_the_pause_is_over),
		TEST(or_at_once_when_it_can_go_on),
		TEST(one_that_comes_during_a_pause_is_not_looked_at_either),
		TEST(a_group_goes_and_the_others_stay),
		TEST(those_that_are_kept_stay),
		TEST(what_is_queued_is_drained_whoever_pauses),
	};

	return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
