/* SPDX-License-Identifier: MIT
 *
 * A worker that was taken over does its worst to the master: whatever it says on its channel, the master
 * lives, has lost no descriptor, and the others answer. Each attack is made by the first worker of slot 0
 * as soon as it is ready; its successors are good ones. */
#include "cluster/cluster.h"

#include "base/log.h"
#include "base/sandbox.h"
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
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_MS = 20000, ROUNDS = 400 };

static int ready_pipe[2], log_pipe[2], token_pipe[2];
static void (*attack)(int channel);
static struct worker *self;

/* --- attacks --- */

/* Sends a packet, waiting for room. False: the master has closed. */
static bool put(int channel, const void *data, size_t size, const int *fds, size_t fd_count)
{
	union {
		char space[CMSG_SPACE(BROOD_CHANNEL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct pollfd room = {.fd = channel, .events = POLLOUT};
	struct cmsghdr *header;

	memset(&control, 0, sizeof(control));
	if (fd_count > 0) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	while (sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != ETOOMANYREFS && errno != EINTR)
			return false;
		poll(&room, 1, 10);
	}
	return true;
}

static bool put_frame(int channel, uint32_t type, const void *data, uint32_t size, const int *fds, size_t fd_count)
{
	static char packet[8 + BROOD_CHANNEL_SIZE_MAX];

	memcpy(packet, &size, 4);
	memcpy(packet + 4, &type, 4);
	if (size > 0)
		memcpy(packet + 8, data, size);
	return put(channel, packet, 8 + size, fds, fd_count);
}

static void many_descriptors(int fds[BROOD_CHANNEL_FDS_MAX])
{
	static int ends[2];

	/* A connection, so that it is not for what it is that it is not taken. */
	if (ends[0] == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	for (int i = 0; i < BROOD_CHANNEL_FDS_MAX; i++)
		fds[i] = ends[0];
}

static bool give(int channel, uint32_t count, uint32_t state_size)
{
	static char data[BROOD_CHANNEL_SIZE_MAX];
	struct message_connections *message = (void *)data;
	uint32_t size = (uint32_t)(offsetof(struct message_connections, each) + count * sizeof(message->each[0]) +
				   count * state_size);
	int fds[BROOD_CHANNEL_FDS_MAX];

	many_descriptors(fds);
	message->count = count;
	for (uint32_t i = 0; i < count; i++) {
		message->each[i].id = i;
		message->each[i].state_size = state_size;
	}
	return put_frame(channel, MESSAGE_GIVE, data, size, fds, count);
}

static void give_without_end(int channel)
{
	while (give(channel, MESSAGE_BATCH, 800))
		continue;
}

static void give_what_is_too_long(int channel)
{
	while (give(channel, 1, 65000))
		continue;
}

static void send_nothing_but_descriptors(int channel)
{
	int fds[BROOD_CHANNEL_FDS_MAX];

	many_descriptors(fds);
	while (put(channel, NULL, 0, fds, BROOD_CHANNEL_FDS_MAX))
		continue;
}

static void answer_for_what_was_not_given(int channel)
{
	struct message_ids message = {.count = 1, .ids = {4711}};

	while (put_frame(channel, MESSAGE_TAKEN, &message, 16, NULL, 0))
		continue;
}

/* Where connections wait that nobody accepts, or reads from. It is this program's own, and outlives workers. */
static struct sockaddr_in far_end = {.sin_family = AF_INET};

static int open_far_end(void **state)
{
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(far_end);

	(void)state;
	far_end.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(listening, (struct sockaddr *)&far_end, sizeof(far_end)) < 0 || listen(listening, 1024) < 0 ||
	       getsockname(listening, (struct sockaddr *)&far_end, &size) < 0;
}

/* A connection with octets that its far end never takes; its last close sleeps for an hour. */
static int lingering(void)
{
	static const struct linger hour = {.l_onoff = 1, .l_linger = 3600};
	static char octets[65536];
	int near = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(near, (struct sockaddr *)&far_end, sizeof(far_end)) < 0)
		abort();
	while (send(near, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		continue;
	setsockopt(near, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour));
	return near;
}

/* The master reads what is sent between the two when the sender is dead, and its copies are closed. */
static pid_t hold_master(void)
{
	pid_t master = getppid();

	kill(master, SIGSTOP);
	return master;
}

static void die_and_let_go(pid_t master)
{
	struct pollfd tick = {.fd = -1};
	pid_t self_pid = getpid();

	if (fork() > 0)
		raise(SIGKILL);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	while (getppid() == self_pid)
		poll(&tick, 0, 1);
	kill(master, SIGCONT);
	_exit(0);
}

static uint32_t sent_type;

/* As many as a packet takes, and no copy is kept: whoever closes them there closes the last ones. */
static void send_what_lingers(int channel)
{
	static char data[BROOD_CHANNEL_SIZE_MAX];
	struct message_connections *message = (void *)data;
	int fds[8];

	message->count = 8;
	for (int i = 0; i < 8; i++)
		fds[i] = lingering();
	pid_t master = hold_master();

	put_frame(channel, sent_type, data,
		  (uint32_t)(offsetof(struct message_connections, each) + 8 * sizeof(message->each[0])), fds, 8);
	die_and_let_go(master);
}

/* More than there is room for in a frame: what the kernel has to drop it closes in the receiver. */
static void send_more_than_a_frame_holds(int channel)
{
	union {
		char space[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} control = {.space = {0}};
	uint32_t header[] = {0, MESSAGE_GIVE};
	struct iovec part = {.iov_base = header, .iov_len = sizeof(header)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = CMSG_SPACE(253 * sizeof(int))};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int fds[253], one = lingering();

	for (int i = 0; i < 253; i++)
		fds[i] = one;
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	pid_t master = hold_master();

	if (sendmsg(channel, &message, MSG_NOSIGNAL) < 0)
		abort();
	die_and_let_go(master);
}

/* Connections that say they are, and are something else. */
static void give_something_else(int channel)
{
	int fd = -1;

	switch (sent_type) {
	case 0:
		fd = open("/dev/null", O_RDWR);
		break;
	case 1:
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		break;
	case 2:
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (listen(fd, 1) < 0)
			abort();
		break;
	}
	put_frame(channel, MESSAGE_GIVE, (struct message_connections[]){{.count = 1}},
		  (uint32_t)(offsetof(struct message_connections, each) +
			     sizeof(((struct message_connections *)NULL)->each[0])),
		  &fd, 1);
}

static void give_fewer_than_it_says(int channel)
{
	int fds[BROOD_CHANNEL_FDS_MAX];

	many_descriptors(fds);
	put_frame(channel, MESSAGE_GIVE, (struct message_connections[]){{.count = 2}},
		  (uint32_t)(offsetof(struct message_connections, each) +
			     2 * sizeof(((struct message_connections *)NULL)->each[0])),
		  fds, 1);
}

/* Dies, and leaves somebody behind who goes on. */
static void leave_a_talking_child(int channel)
{
	if (fork() > 0)
		_exit(1);
	while (put_frame(channel, 4242, NULL, 0, NULL, 0))
		continue;
	_exit(0);
}

/* On its own record of the scoreboard; then it ends, so that the test sees when that is over. */
static void write_nonsense_on_its_record(int channel)
{
	memset(self->record, 0xff, sizeof(*self->record));
	memset(self->boards[0].cells[self->birth->record], 0xff, sizeof(struct board_cell));
	put(channel, "no frame", 8, NULL, 0);
}

/* On its predecessor's, which drains, or that of another slot. */
static void write_on_the_record_of_its_slots_other_worker(int channel)
{
	(void)channel;
	signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit of it */
	self->boards[0].cells[!self->birth->record]->record.heartbeat_ms = 0;
}

static void write_on_the_record_of_another_slot(int channel)
{
	(void)channel;
	signal(SIGSEGV, SIG_DFL);
	log_ring_clear(&self->boards[1].cells[0]->log);
}

static void say_anything(int channel)
{
	static char data[BROOD_CHANNEL_SIZE_MAX];
	int fds[BROOD_CHANNEL_FDS_MAX];

	many_descriptors(fds);
	srand(20261121);
	for (int round = 0; round < ROUNDS; round++) {
		static const uint32_t types[] = {MESSAGE_READY,
						 MESSAGE_GIVE,
						 MESSAGE_HANDED_OVER,
						 MESSAGE_REPLACE,
						 MESSAGE_TAKEN,
						 MESSAGE_REFUSED,
						 MESSAGE_DRAIN,
						 MESSAGE_HEARD,
						 32,
						 4242};
		uint32_t type = types[rand() % 10], size = (uint32_t)rand() % 2048;

		for (uint32_t i = 0; i < size; i++)
			data[i] = rand() % 4 ? 0 : (char)rand();
		data[0] = (char)(rand() % 3); /* a count, often enough */
		if (!put_frame(channel, type, data, rand() % 8 ? size : 16, fds,
			       (size_t)rand() % (BROOD_CHANNEL_FDS_MAX + 1)))
			return;
	}
	put(channel, "no frame", 8, NULL, 0); /* what ends the conversation, if nothing has yet */
}

/* --- the program --- */

static void attack_now(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;

	(void)fd, (void)what;
	attack(brood_channel_fd(worker->channel));
	for (;;)
		pause(); /* until the master ends it */
}

static int start(void *context, struct worker *worker, struct event_base *base)
{
	static const struct timeval soon = {0, 1000};
	char token;

	(void)context;
	self = worker;
	worker_ready(worker);
	if (worker_slot(worker) != 0 || read(token_pipe[0], &token, 1) != 1)
		return 0;
	return event_base_once(base, -1, EV_TIMEOUT, attack_now, worker, &soon);
}

static void answer(void *context, int fd, unsigned listener, unsigned flags)
{
	char text[64], request[64];
	int size = snprintf(text, sizeof(text), "%d", getpid());

	(void)context, (void)listener, (void)flags;
	if (recv(fd, request, sizeof(request), 0) > 0 && send(fd, text, (size_t)size, MSG_NOSIGNAL) != size)
		abort();
	close(fd);
	worker_connection_closed(self);
}

static size_t keep_token(void *context, int *fds, size_t room)
{
	(void)context, (void)room;
	fds[0] = token_pipe[0];
	return 1;
}

static void tell_ready(void *context, const struct listeners *listeners, unsigned workers)
{
	uint16_t port = address_port(cluster_address(listeners, 0));

	(void)context, (void)workers;
	if (write(ready_pipe[1], &port, sizeof(port)) != sizeof(port))
		abort();
}

/* Where there are no filters of system calls a worker that was taken over can do more, and that is what it does here:
 * in place of base/sandbox.h's. */
int sandbox_enter(void)
{
	return 0;
}

static const struct cluster_program program = {
	.master = {.ready = tell_ready, .worker_fds = keep_token},
	.worker = {.start = start, .connection = answer},
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
	assert_int_equal(pipe2(token_pipe, O_NONBLOCK), 0);
	assert_int_equal(address_parse("127.0.0.1:0", &listen.address, reason, sizeof(reason)), 0);
	server.master = fork();
	if (server.master == 0) {
		log_to(log_pipe[1]);
		log_set_level(LOG_LEVEL_WARN);
		_exit(cluster_run(&options, &program));
	}
	close(ready_pipe[1]);
	close(log_pipe[1]);
	ready = (struct pollfd){.fd = ready_pipe[0], .events = POLLIN};
	assert_int_equal(poll(&ready, 1, HANG_MS), 1);
	assert_int_equal(read(ready_pipe[0], &server.port, 2), 2);
	close(ready_pipe[0]);
}

/* Reads the log until the master has said so. */
static void wait_for_log(const char *words)
{
	struct pollfd more = {.fd = log_pipe[0], .events = POLLIN};
	char text[16384] = "";
	size_t used = 0;

	while (!strstr(text, words)) {
		assert_int_equal(poll(&more, 1, HANG_MS), 1);
		ssize_t got = read(log_pipe[0], text + used, sizeof(text) - 1 - used);

		assert_true(got > 0);
		used += (size_t)got;
		text[used] = '\0';
	}
}

static pid_t ask(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(server.port)};
	struct timeval limit = {HANG_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[64] = "";

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(send(fd, "?", 1, 0), 1);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	return (pid_t)atoi(text);
}

/* But those of the scoreboard, of which a slot has one more while a third worker of it lives. */
static unsigned master_fds(void)
{
	char path[64], what[64];
	unsigned count = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", server.master);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		ssize_t size = readlinkat(dirfd(folder), entry->d_name, what, sizeof(what) - 1);

		what[size > 0 ? size : 0] = '\0';
		count += !strstr(what, "brood-board");
	}
	closedir(folder);
	return count;
}

/* The first worker of slot 0 is replaced by another one that is let to attack. */
static void let_attack(void (*how)(int channel), enum cluster_accept accept, const char *said)
{
	struct pollfd tick = {.fd = -1};
	unsigned before;

	attack = how;
	start_cluster(accept);
	for (int i = 0; i < 20; i++)
		assert_true(ask() > 0);
	before = master_fds();
	assert_int_equal(write(token_pipe[1], "!", 1), 1);
	kill(server.master, SIGHUP);
	wait_for_log(said);
	for (int i = 0; i < 20; i++)
		assert_true(ask() > 0);
	/* What it held for the attacker goes, too (and its copy of a connection that was on its way). The
	 * guard is against hanging, not a time that counts. */
	for (int i = 0; i < HANG_MS / 10 && master_fds() > before; i++)
		poll(&tick, 0, 10);
	assert_in_range(master_fds(), 1, before);
}

static int end_cluster(void **state)
{
	int status = -1;

	(void)state;
	kill(server.master, SIGTERM);
	waitpid(server.master, &status, 0);
	close(log_pipe[0]);
	close(token_pipe[0]);
	close(token_pipe[1]);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void what_waits_for_others_is_bounded(void **state)
{
	(void)state;
	let_attack(give_without_end, CLUSTER_ACCEPT_SHARED, "more connections at a time than it may");
}

static void no_connection_is_held_that_cannot_be_passed_on(void **state)
{
	(void)state;
	let_attack(give_what_is_too_long, CLUSTER_ACCEPT_HANDOFF, "in a way that makes no sense");
}

static void descriptors_without_a_frame_end_it(void **state)
{
	(void)state;
	let_attack(send_nothing_but_descriptors, CLUSTER_ACCEPT_SHARED, "sent garbage");
}

static void answers_for_others_end_it(void **state)
{
	(void)state;
	let_attack(answer_for_what_was_not_given, CLUSTER_ACCEPT_HANDOFF, "answered for a connection it was not given");
}

static void a_dead_workers_child_does_not_hold_the_master_up(void **state)
{
	(void)state;
	let_attack(leave_a_talking_child, CLUSTER_ACCEPT_SHARED, "exit status 1");
}

/* Also of those that lie unread in the channel of one that has died. */
static void no_close_of_what_was_sent_stops_the_master(void **state)
{
	static const uint32_t types[] = {MESSAGE_READY, MESSAGE_GIVE, MESSAGE_TAKEN, 200};
	static const enum cluster_accept modes[] = {CLUSTER_ACCEPT_SHARED, CLUSTER_ACCEPT_HANDOFF,
						    CLUSTER_ACCEPT_REUSEPORT};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		sent_type = types[i];
		let_attack(send_what_lingers, modes[i % 3], "died while");
		if (i + 1 < sizeof(types) / sizeof(types[0]))
			assert_int_equal(end_cluster(state), 0);
	}
}

static void what_is_too_much_for_a_frame_does_not_stop_it_either(void **state)
{
	(void)state;
	let_attack(send_more_than_a_frame_holds, CLUSTER_ACCEPT_HANDOFF, "died while");
}

static void what_is_no_connection_ends_its_giver(void **state)
{
	for (sent_type = 0; sent_type < 3; sent_type++) {
		let_attack(give_something_else, sent_type % 2 ? CLUSTER_ACCEPT_HANDOFF : CLUSTER_ACCEPT_SHARED,
			   "sent descriptors that its message must not carry");
		if (sent_type < 2)
			assert_int_equal(end_cluster(state), 0);
	}
}

static void each_given_connection_comes_with_its_descriptor(void **state)
{
	(void)state;
	let_attack(give_fewer_than_it_says, CLUSTER_ACCEPT_SHARED, "gave connections without their descriptors");
}

static void random_frames_end_it(void **state)
{
	(void)state;
	let_attack(say_anything, CLUSTER_ACCEPT_HANDOFF, "died while");
}

static void nonsense_on_its_record_changes_nothing(void **state)
{
	(void)state;
	let_attack(write_nonsense_on_its_record, CLUSTER_ACCEPT_HANDOFF, "sent garbage");
}

static void who_writes_on_anothers_record_dies(void **state)
{
	(void)state;
	let_attack(write_on_the_record_of_its_slots_other_worker, CLUSTER_ACCEPT_SHARED, "SIGSEGV");
}

static void so_does_who_empties_anothers_log(void **state)
{
	(void)state;
	let_attack(write_on_the_record_of_another_slot, CLUSTER_ACCEPT_SHARED, "SIGSEGV");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end_cluster)
		TEST(what_waits_for_others_is_bounded),
		TEST(no_connection_is_held_that_cannot_be_passed_on),
		TEST(descriptors_without_a_frame_end_it),
		TEST(answers_for_others_end_it),
		TEST(a_dead_workers_child_does_not_hold_the_master_up),
		TEST(random_frames_end_it),
		TEST(nonsense_on_its_record_changes_nothing),
		TEST(who_writes_on_anothers_record_dies),
		TEST(so_does_who_empties_anothers_log),
		TEST(no_close_of_what_was_sent_stops_the_master),
		TEST(what_is_too_much_for_a_frame_does_not_stop_it_either),
		TEST(what_is_no_connection_ends_its_giver),
		TEST(each_given_connection_comes_with_its_descriptor),
	};

	return cmocka_run_group_tests_name("hostile", tests, open_far_end, NULL);
}
