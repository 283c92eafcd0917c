/* SPDX-License-Identifier: MIT
 *
 * A whole cluster with a worker of five lines that answers each connection with its pid: no HTTP here.
 * What the server as a whole promises is tested from outside, in Perl; this shows that the layer works alone. */
#include "cluster/cluster.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/worker/worker_self.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_MS = 20000 };

enum { NEWS_KIND = 7, QUESTION_KIND };

static const char news_text[] = "something new";
static int ready_pipe[2], log_pipe[2], news_pipe[2], answers_pipe[2];
static bool news_due;     /* in the master: once it is ready */
static uint32_t question; /* there, too */
static struct worker *self;

/* --- the program --- */

static void tell_ready(void *context, const struct listeners *listeners, unsigned workers)
{
	uint16_t port = address_port(cluster_address(listeners, 0));

	(void)context, (void)workers;
	news_due = true;
	if (write(ready_pipe[1], &port, sizeof(port)) != sizeof(port))
		abort();
}

static void tell_answers(const struct master *master)
{
	struct cluster_answers answers;

	cluster_answers(master, &answers);
	if (answers.open > 0)
		return;
	question = 0;
	if (write(answers_pipe[1], &answers, sizeof(answers)) != sizeof(answers))
		abort();
}

static void tell_news(void *context, struct master *master)
{
	(void)context;
	if (news_due)
		cluster_broadcast(master, NEWS_KIND, news_text, sizeof(news_text), &news_pipe[1], 1);
	if (news_due)
		question = cluster_ask(master, QUESTION_KIND, NULL, 0, NULL, 0);
	news_due = false;
	if (question)
		tell_answers(master);
}

static void say_heard(const void *data, size_t size)
{
	struct brood_frame frame = {.type = MESSAGE_HEARD, .data = data, .size = size};

	if (brood_channel_send(self->channel, &frame) < 0)
		abort();
}

/* Slot 1 says no. Slot 0 has said yes before, and slot 2 things that are no answer to this. */
static bool answer_question(void)
{
	static const struct message_heard early = {1, 1}, other = {2, 1}, none = {0, 1};

	if (worker_slot(self) == 0)
		say_heard(&early, sizeof(early));
	if (worker_slot(self) == 2) {
		say_heard(&other, sizeof(other));
		say_heard(&none, sizeof(none));
		say_heard(&early, sizeof(early) - 1);
		say_heard(NULL, 0);
	}
	return worker_slot(self) != 1;
}

/* Says that it has heard, by the descriptor that came along. */
static bool hear_news(void *context, uint32_t kind, const void *data, size_t size, int *fds, size_t fd_count)
{
	pid_t pid = getpid();

	(void)context;
	if (kind == NEWS_KIND && size == sizeof(news_text) && strcmp(data, news_text) == 0 && fd_count == 1 &&
	    write(fds[0], &pid, sizeof(pid)) != sizeof(pid))
		abort();
	return kind == QUESTION_KIND && answer_question();
}

static int start(void *context, struct worker *worker, struct event_base *base)
{
	(void)context, (void)base;
	self = worker;
	worker_ready(worker);
	return 0;
}

static void answer(void *context, int fd, unsigned listener, unsigned flags)
{
	char text[64], request[64];
	int size = snprintf(text, sizeof(text), "%d %u", getpid(), worker_generation(self));

	(void)context, (void)listener, (void)flags;
	if (recv(fd, request, sizeof(request), 0) > 0 && send(fd, text, (size_t)size, 0) != size)
		abort();
	close(fd);
	worker_connection_closed(self);
}

static const struct cluster_program program = {
	.master = {.ready = tell_ready, .tick = tell_news},
	.worker = {.start = start, .connection = answer, .broadcast = hear_news},
};

/* --- the tests --- */

static struct {
	pid_t master;
	uint16_t port;
} server;

static void start_cluster(enum cluster_accept accept)
{
	struct cluster_listen listen = {.fd = -1, .backlog = 128};
	struct cluster_options options = {
		.accept = accept,
		.listen = &listen,
		.listen_count = 1,
		.workers = 3,
		.start_timeout_ms = 10000,
		.drain_timeout_ms = 10000,
		.stop_timeout_ms = 10000,
	};
	struct pollfd ready;
	char reason[100];

	assert_int_equal(pipe(ready_pipe), 0);
	assert_int_equal(pipe(log_pipe), 0);
	assert_int_equal(pipe(news_pipe), 0);
	assert_int_equal(pipe(answers_pipe), 0);
	assert_int_equal(address_parse("127.0.0.1:0", &listen.address, reason, sizeof(reason)), 0);
	server.master = fork();
	if (server.master == 0) {
		log_to(log_pipe[1]);
		log_set_level(LOG_LEVEL_WARN);
		_exit(cluster_run(&options, &program));
	}
	close(ready_pipe[1]);
	close(log_pipe[1]);
	close(news_pipe[1]);
	close(answers_pipe[1]);
	ready = (struct pollfd){.fd = ready_pipe[0], .events = POLLIN};
	assert_int_equal(poll(&ready, 1, HANG_MS), 1);
	assert_int_equal(read(ready_pipe[0], &server.port, 2), 2);
	close(ready_pipe[0]);
}

static void stop_cluster(void)
{
	int status;

	kill(server.master, SIGTERM);
	assert_int_equal(waitpid(server.master, &status, 0), server.master);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(log_pipe[0]);
	close(news_pipe[0]);
	close(answers_pipe[0]);
}

/* A program that says nothing: it starts, closes what comes, and obeys. */
static void start_without_functions(enum cluster_accept accept)
{
	static const struct cluster_program nothing;
	struct cluster_listen listen_on = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	struct cluster_options options = {
		.accept = accept,
		.listen = &listen_on,
		.listen_count = 1,
		.workers = 2,
		.start_timeout_ms = HANG_MS,
		.drain_timeout_ms = HANG_MS,
		.stop_timeout_ms = HANG_MS,
	};

	assert_int_equal(pipe(log_pipe), 0);
	assert_int_equal(listen(listen_on.fd, 16), 0); /* a port of the kernel's choice */
	assert_int_equal(address_of_socket(listen_on.fd, &listen_on.address), 0);
	server.port = address_port(&listen_on.address);
	news_pipe[0] = answers_pipe[0] = -1;
	server.master = fork();
	if (server.master == 0) {
		log_to(log_pipe[1]);
		_exit(cluster_run(&options, &nothing));
	}
	close(log_pipe[1]);
	close(listen_on.fd);
}

/* Reads the master's log until it has said so. */
static void wait_for_log(const char *words)
{
	struct pollfd more = {.fd = log_pipe[0], .events = POLLIN};
	char text[4096] = "";
	size_t used = 0;

	while (!strstr(text, words)) {
		assert_int_equal(poll(&more, 1, HANG_MS), 1);
		ssize_t got = read(log_pipe[0], text + used, sizeof(text) - 1 - used);

		assert_true(got > 0);
		used += (size_t)got;
		text[used] = '\0';
	}
}

/* One connection: who answered, and of which generation. */
static pid_t ask(unsigned *generation)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(server.port)};
	struct timeval limit = {HANG_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pid = 0;
	char text[64] = "";

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(send(fd, "?", 1, 0), 1);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(sscanf(text, "%d %u", &pid, generation), 2);
	close(fd);
	return pid;
}

/* A connection that nobody wants: closed without a word. */
static void is_closed(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(server.port)};
	struct timeval limit = {HANG_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char octet;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(recv(fd, &octet, 1, 0), 0);
	close(fd);
}

/* Asks until a worker of that generation answers; it must come, so there is only a hang guard. */
static void ask_until(unsigned wanted)
{
	unsigned generation = 0;

	for (int i = 0; i < 100000 && generation < wanted; i++)
		ask(&generation);
	assert_int_equal(generation, wanted);
}

static void serves_rolls_and_stops(enum cluster_accept accept)
{
	unsigned generation;

	start_cluster(accept);
	for (int i = 0; i < 100; i++) {
		assert_true(ask(&generation) != server.master);
		assert_int_equal(generation, 0);
	}
	for (unsigned roll = 1; roll <= 3; roll++) {
		kill(server.master, SIGHUP);
		ask_until(roll);
	}
	stop_cluster();
}

static void obeys_without_functions(enum cluster_accept accept)
{
	start_without_functions(accept);
	is_closed();
	kill(server.master, SIGHUP);
	wait_for_log("reload done: 2 workers of generation 1");
	is_closed();
	kill(server.master, SIGUSR1);
	kill(server.master, SIGTTIN);
	kill(server.master, SIGUSR2);
	wait_for_log("cannot be upgraded");
	is_closed();
	stop_cluster();
}

static void shared_needs_no_functions(void **state)
{
	(void)state;
	obeys_without_functions(CLUSTER_ACCEPT_SHARED);
}

static void handoff_needs_no_functions(void **state)
{
	(void)state;
	obeys_without_functions(CLUSTER_ACCEPT_HANDOFF);
}

static void shared_serves_rolls_and_stops(void **state)
{
	(void)state;
	serves_rolls_and_stops(CLUSTER_ACCEPT_SHARED);
}

static void handoff_serves_rolls_and_stops(void **state)
{
	(void)state;
	serves_rolls_and_stops(CLUSTER_ACCEPT_HANDOFF);
}

static void reuseport_serves_rolls_and_stops(void **state)
{
	(void)state;
	serves_rolls_and_stops(CLUSTER_ACCEPT_REUSEPORT);
}

/* Each worker, the octets and the descriptor. */
static void all_workers_hear_what_is_new(void **state)
{
	pid_t heard[3];

	(void)state;
	start_cluster(CLUSTER_ACCEPT_SHARED);
	for (int i = 0; i < 3; i++) {
		struct pollfd more = {.fd = news_pipe[0], .events = POLLIN};

		assert_int_equal(poll(&more, 1, HANG_MS), 1);
		assert_int_equal(read(news_pipe[0], &heard[i], sizeof(pid_t)), sizeof(pid_t));
		for (int k = 0; k < i; k++)
			assert_int_not_equal(heard[i], heard[k]);
	}
	stop_cluster();
}

static void each_worker_has_one_answer(void **state)
{
	struct cluster_answers answers;
	struct pollfd more;

	(void)state;
	start_cluster(CLUSTER_ACCEPT_SHARED);
	more = (struct pollfd){.fd = answers_pipe[0], .events = POLLIN};
	assert_int_equal(poll(&more, 1, HANG_MS), 1);
	assert_int_equal(read(answers_pipe[0], &answers, sizeof(answers)), sizeof(answers));
	assert_int_equal(answers.asked, 3);
	assert_int_equal(answers.yes, 2);
	assert_int_equal(answers.no, 1);
	assert_int_equal(answers.open, 0);
	stop_cluster();
}

/* Returns when the process is dead: what it had accepted then is lost, what comes after is not. */
static void end_worker(pid_t pid)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	assert_true(end.fd >= 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&end, 1, HANG_MS), 1);
	close(end.fd);
}

/* Whoever is killed, the next question is answered: by others, or by the one that comes after. */
static void somebody_always_answers(enum cluster_accept accept)
{
	unsigned generation;

	start_cluster(accept);
	for (int i = 0; i < 6; i++) {
		end_worker(ask(&generation));
		for (int k = 0; k < 20; k++)
			assert_true(ask(&generation) > 0);
	}
	stop_cluster();
}

static void shared_answers_while_workers_are_killed(void **state)
{
	(void)state;
	somebody_always_answers(CLUSTER_ACCEPT_SHARED);
}

static void handoff_answers_while_workers_are_killed(void **state)
{
	(void)state;
	somebody_always_answers(CLUSTER_ACCEPT_HANDOFF);
}

static void reuseport_answers_while_workers_are_killed(void **state)
{
	(void)state;
	somebody_always_answers(CLUSTER_ACCEPT_REUSEPORT);
}

/* Of three workers one is stopped; not a single connection may wait for it. */
static void nobody_waits_for_a_stopped_worker(enum cluster_accept accept)
{
	unsigned generation;
	pid_t stopped;

	start_cluster(accept);
	stopped = ask(&generation);
	kill(stopped, SIGSTOP);
	wait_for_log("was stopped");
	for (int i = 0; i < 100; i++)
		assert_int_not_equal(ask(&generation), stopped);
	kill(stopped, SIGCONT);
	wait_for_log("was continued");
	for (int i = 0; i < 100000 && ask(&generation) != stopped; i++)
		continue;
	assert_int_equal(kill(stopped, 0), 0);
	stop_cluster();
}

static void handoff_passes_over_a_stopped_worker(void **state)
{
	(void)state;
	nobody_waits_for_a_stopped_worker(CLUSTER_ACCEPT_HANDOFF);
}

static void reuseport_has_a_stopped_workers_sockets_adopted(void **state)
{
	(void)state;
	nobody_waits_for_a_stopped_worker(CLUSTER_ACCEPT_REUSEPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_workers_hear_what_is_new),
		cmocka_unit_test(each_worker_has_one_answer),
		cmocka_unit_test(shared_needs_no_functions),
		cmocka_unit_test(handoff_needs_no_functions),
		cmocka_unit_test(shared_serves_rolls_and_stops),
		cmocka_unit_test(handoff_serves_rolls_and_stops),
		cmocka_unit_test(reuseport_serves_rolls_and_stops),
		cmocka_unit_test(shared_answers_while_workers_are_killed),
		cmocka_unit_test(handoff_answers_while_workers_are_killed),
		cmocka_unit_test(reuseport_answers_while_workers_are_killed),
		cmocka_unit_test(handoff_passes_over_a_stopped_worker),
		cmocka_unit_test(reuseport_has_a_stopped_workers_sockets_adopted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
