/* SPDX-License-Identifier: MIT
 *
 * What a worker says while it is being ended, in every order: it never leads, and what it gave is not lost. The
 * processes are not there; the master sees their channels and is told of their ends. */
#include "master_fixture.h"

#include "base/fd.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/rolling.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/watching.h"
#include "cluster/master/worker_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROCESSES_MAX = 32, FIRST_PID = 200000000 };

static struct process {
	int channel; /* its end; -1: left */
	int killed;  /* the signal that it was sent last */
} processes[PROCESSES_MAX];
static unsigned process_count;

pid_t __wrap_brood_process_fork(const struct brood_process_options *options);
int __wrap_kill(pid_t pid, int number);
uint64_t __wrap_clock_now_ms(void);

pid_t __wrap_brood_process_fork(const struct brood_process_options *options)
{
	assert_true(process_count < PROCESSES_MAX);
	processes[process_count] = (struct process){.channel = dup(options->keep_fds[0])};
	return FIRST_PID + (pid_t)process_count++;
}

int __wrap_kill(pid_t pid, int number)
{
	assert_in_range(pid, FIRST_PID, FIRST_PID + process_count - 1);
	if (number != SIGCONT)
		processes[pid - FIRST_PID].killed = number;
	return 0;
}

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

static bool no_room; /* for further slots */

int __wrap_slots_make_room(struct master *of, unsigned count);
int __real_slots_make_room(struct master *of, unsigned count);

int __wrap_slots_make_room(struct master *of, unsigned count)
{
	return no_room ? -ENOMEM : __real_slots_make_room(of, count);
}

/* --- events --- */

static void run(void)
{
	for (unsigned turn = 0; turn < 4; turn++)
		event_base_loop(master.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void send_packet(unsigned number, enum message_type type, const void *data, size_t size, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	uint32_t head[2] = {(uint32_t)size, type};
	struct iovec parts[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)data, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1};

	if (fd >= 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		control.align = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(processes[number].channel, &message, MSG_NOSIGNAL), sizeof(head) + size);
}

static void say(unsigned number, enum message_type type)
{
	send_packet(number, type, NULL, 0, -1);
}

static struct worker_process *worker_of(unsigned number)
{
	for (struct list *at = master.workers.next; at != &master.workers; at = at->next) {
		struct worker_process *worker = LIST_ENTRY(at, struct worker_process, link);

		if (worker->pid == FIRST_PID + (pid_t)number)
			return worker;
	}
	return NULL;
}

/* It is ready, and beats. */
static void get_ready(unsigned number)
{
	struct board_record *record = worker_process_record(worker_of(number));

	board_store64(&record->heartbeat_ms, UINT64_MAX);
	say(number, MESSAGE_READY);
	run();
}

static void end(unsigned number, int code)
{
	struct process *process = &processes[number];
	struct brood_process_end how = {
		.pid = FIRST_PID + (pid_t)number, .exit_code = process->killed ? -1 : code, .signal = process->killed};

	close(process->channel);
	process->channel = -1;
	supervisor_ended(worker_of(number), &how);
	run();
}

/* start_timeout, or drain_timeout. */
static void time_is_up(unsigned number)
{
	event_active(worker_of(number)->timer, EV_TIMEOUT, 0);
	run();
	assert_int_equal(processes[number].killed, SIGKILL);
}

static void assert_leads(unsigned slot, unsigned number)
{
	assert_ptr_equal(master.slots[slot]->current, worker_of(number));
	assert_int_equal(master.slots[slot]->state, SLOT_SERVING);
	assert_int_equal(worker_of(number)->phase, WORKER_SERVING);
}

/* --- set-up --- */

static int set_up(void **state)
{
	(void)state;
	process_count = 0;
	master_set_up(CLUSTER_ACCEPT_SHARED, 2);
	assert_int_equal(supervisor_resize(&master, 2), 0);
	assert_int_equal(process_count, 2);
	return 0;
}

/* As set_up, and both workers, 0 and 1, serve. */
static int set_up_serving(void **state)
{
	set_up(state);
	get_ready(0);
	get_ready(1);
	assert_int_equal(told.ready, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stopping_begin(&master, STOP_NOW, "the end");
	for (unsigned i = 0; i < process_count; i++)
		if (worker_of(i))
			end(i, 0);
	assert_true(list_empty(&master.workers));
	master_tear_down();
	return 0;
}

/* --- starts --- */

static void readiness_after_the_kill_of_start_timeout_does_not_lead(void **state)
{
	(void)state;
	time_is_up(0);
	say(0, MESSAGE_READY);
	run();
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	assert_int_equal(worker_of(0)->phase, WORKER_STARTING);
	assert_false(master.slots[0]->ready_once);
	end(0, 0);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 2);
	get_ready(2);
	assert_leads(0, 2);
	assert_int_equal(told.ready, 0);
	get_ready(1);
	assert_int_equal(told.ready, 1);
}

static void nor_does_that_which_was_said_before_and_is_read_after(void **state)
{
	(void)state;
	say(0, MESSAGE_READY);
	worker_process_kill(worker_of(0), KILL_START_TIMEOUT);
	run();
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	end(0, 0);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 2);
}

static void nor_that_which_is_read_when_it_is_reaped(void **state)
{
	(void)state;
	say(0, MESSAGE_READY);
	end(0, 1); /* by itself */
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 2);
	worker_process_kill(worker_of(2), KILL_START_TIMEOUT);
	say(2, MESSAGE_READY);
	end(2, 0);
	assert_int_not_equal(master.slots[0]->state, SLOT_SERVING);
	assert_int_equal(told.ready, 0);
}

static void a_server_that_gives_up_is_not_ready_after_all(void **state)
{
	(void)state;
	stopping_give_up(&master, CLUSTER_EXIT_CRASH);
	for (unsigned i = 0; i < 2; i++)
		say(i, MESSAGE_READY);
	run();
	assert_int_equal(told.ready, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(worker_of(i)->phase, WORKER_STARTING);
}

/* Eight tries would not help. */
static void a_set_up_that_cannot_succeed_ends_the_server_at_the_first_start(void **state)
{
	(void)state;
	end(0, CLUSTER_EXIT_FATAL);
	assert_int_equal(process_count, 2); /* nobody is tried instead */
	assert_true(master_is_leaving(&master));
	assert_int_equal(master.exit_status, CLUSTER_EXIT_CRASH);
	assert_int_equal(processes[1].killed, SIGKILL);
	end(1, 0);
	assert_int_equal(process_count, 2);
	assert_int_equal(told.ready, 0);
}

/* But a server that has been ready goes on with the others, and with a try now and then. */
static void later_it_parks_its_slot(void **state)
{
	struct slot *slot = master.slots[0];

	(void)state;
	end(0, 1);
	assert_int_equal(process_count, 3); /* at once */
	end(2, CLUSTER_EXIT_FATAL);
	assert_int_equal(process_count, 3);
	assert_int_equal(slot->state, SLOT_PARKED);
	assert_true(event_pending(slot->timer, EV_TIMEOUT, NULL));
	assert_false(master_is_leaving(&master));
	assert_leads(1, 1);
}

static void nor_does_that_of_a_slot_more_end_a_server_that_is_ready(void **state)
{
	(void)state;
	assert_int_equal(supervisor_resize(&master, 3), 0);
	end(2, CLUSTER_EXIT_FATAL);
	assert_int_equal(master.slots[2]->state, SLOT_PARKED);
	assert_false(master_is_leaving(&master));
}

/* That it could succeed has been seen. */
static void nor_that_of_a_slot_that_was_ready_once_a_server_that_starts(void **state)
{
	(void)state;
	get_ready(0);
	end(0, 1);
	end(2, CLUSTER_EXIT_FATAL);
	assert_int_equal(master.slots[0]->state, SLOT_PARKED);
	assert_false(master_is_leaving(&master));
	get_ready(1);
	assert_int_equal(told.ready, 1);
}

static void who_is_not_wanted_any_more_does_not_lead(void **state)
{
	(void)state;
	assert_int_equal(supervisor_resize(&master, 1), 0);
	say(1, MESSAGE_READY);
	run();
	assert_int_equal(master.slots[1]->state, SLOT_DRAINING);
	assert_int_equal(worker_of(1)->phase, WORKER_DRAINING);
}

static void one_that_was_killed_before_an_upgrade_does_not_lead_after_it(void **state)
{
	struct worker_process like;
	int ends[2];

	(void)state;
	/* As restore.c makes it, with what its worker has said meanwhile. */
	worker_process_kill(worker_of(0), KILL_START_TIMEOUT);
	like = *worker_of(0);
	assert_int_equal(brood_channel_pair(ends), 0);
	list_remove(&worker_of(0)->link);
	event_free(master.slots[0]->current->timer);
	brood_channel_free(master.slots[0]->current->channel);
	free(master.slots[0]->current);
	close(processes[0].channel);
	processes[0].channel = ends[1];
	master.slots[0]->current = worker_process_restore(&master, &like, ends[0], 1000);
	say(0, MESSAGE_READY);
	run();
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	end(0, 0);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 2);
}

/* --- rolls --- */

static void a_successor_that_was_killed_does_not_lead(void **state)
{
	(void)state;
	rolling_begin(&master, ROLL_KIND_RESTART);
	assert_int_equal(process_count, 3);
	time_is_up(2);
	say(2, MESSAGE_READY);
	run();
	assert_leads(0, 0);
	assert_int_equal(processes[0].killed, 0);
	assert_int_equal(worker_of(0)->phase, WORKER_SERVING);
	end(2, 0);
	assert_leads(0, 0);
	assert_int_equal(master.roll.phase, ROLL_IDLE);
	assert_false(master.report.ok);
	assert_non_null(strstr(master.report.reason, "not ready within start_timeout"));
}

static void nor_when_its_predecessor_ends_at_the_same_time(void **state)
{
	(void)state;
	rolling_begin(&master, ROLL_KIND_RESTART);
	time_is_up(2);
	end(0, 1);
	assert_ptr_equal(master.slots[0]->current, worker_of(2));
	say(2, MESSAGE_READY);
	run();
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	end(2, 0);
	assert_ptr_not_equal(master.slots[0]->current, NULL);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 3);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What it had opened before it failed is closed. */
static void a_reload_without_room_for_its_slots_leaves_nothing_open(void **state)
{
	struct cluster_listen other = {.fd = -1, .backlog = 16};
	int open_before = count_open();
	char reason[128];

	(void)state;
	assert_int_equal(address_parse("127.0.0.2:0", &other.address, reason, sizeof(reason)), 0);
	wanted.listen = &other;
	no_room = true;
	rolling_begin(&master, ROLL_KIND_RELOAD);
	no_room = false;
	wanted.listen = NULL;
	assert_int_equal(told.abandons, 1);
	assert_false(master.report.ok);
	assert_string_equal(master.report.reason, "no room for further slots");
	assert_int_equal(count_open(), open_before);
	assert_int_equal(master.listeners.count, 1);
	assert_int_equal(process_count, 2);
	rolling_begin(&master, ROLL_KIND_RELOAD);
	assert_int_equal(process_count, 3);
}

/* Slot 0 has its new worker (2), which asks for a successor (3 or 4); slot 1's new one fails for good. */
static void a_successor_that_a_failed_roll_has_replaced_does_not_lead(void **state)
{
	(void)state;
	rolling_begin(&master, ROLL_KIND_RESTART);
	get_ready(2);
	assert_leads(0, 2);
	end(0, 0);                          /* it has handed over */
	assert_int_equal(process_count, 4); /* slot 1's */
	say(2, MESSAGE_REPLACE);
	run();
	assert_ptr_equal(master.slots[0]->successor, worker_of(4));
	assert_true(worker_of(4)->next_kind);
	end(3, CLUSTER_EXIT_FATAL);
	assert_int_equal(master.roll.phase, ROLL_BACK);
	assert_int_equal(processes[4].killed, SIGKILL);
	assert_ptr_equal(master.slots[0]->successor, worker_of(5));
	say(4, MESSAGE_READY);
	run();
	assert_leads(0, 2);
	assert_ptr_equal(master.slots[0]->successor, worker_of(5));
	assert_int_equal(worker_of(4)->phase, WORKER_STARTING);
	end(4, 0);
	get_ready(5);
	assert_leads(0, 5);
	assert_false(worker_of(5)->next_kind);
}

/* Slot 0's worker died during the roll, so that its new one has nobody to return to; then the roll is given up. */
static void nor_does_the_start_of_a_configuration_that_was_given_up(void **state)
{
	(void)state;
	rolling_begin(&master, ROLL_KIND_RELOAD);
	end(0, 1);
	assert_ptr_equal(master.slots[0]->current, worker_of(2));
	end(2, 1);
	assert_int_equal(told.abandons, 1);
	assert_false(master.report.ok);
	assert_ptr_equal(master.slots[0]->current, worker_of(3));
	assert_int_equal(processes[3].killed, SIGKILL);
	say(3, MESSAGE_READY);
	run();
	assert_int_equal(master.slots[0]->state, SLOT_STARTING);
	end(3, 0);
	event_active(master.slots[0]->timer, EV_TIMEOUT, 0); /* had it to wait for that */
	run();
	get_ready(process_count - 1);
	assert_leads(0, process_count - 1);
	assert_int_equal(worker_of(process_count - 1)->generation, master.generation);
}

/* --- other messages --- */

/* One connection, with something that a successor has to know. */
static void give(unsigned number, int fd)
{
	struct {
		struct message_connections head;
		char state[8];
	} all;
	char *data = (char *)&all;
	size_t at = offsetof(struct message_connections, each) + sizeof(all.head.each[0]);

	memset(&all, 0, sizeof(all));
	all.head.count = 1;
	all.head.each[0].id = 1;
	all.head.each[0].state_size = 5;
	memcpy(data + at, "moved", 5);
	send_packet(number, MESSAGE_GIVE, data, at + 5, fd);
}

/* Was it told of such a message? All that it was told is read. */
static bool heard(unsigned number, enum message_type type)
{
	union {
		char space[CMSG_SPACE(BROOD_CHANNEL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	static char packet[8 + BROOD_CHANNEL_SIZE_MAX];
	bool found = false;

	for (;;) {
		struct iovec part = {packet, sizeof(packet)};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.space,
					 .msg_controllen = sizeof(control.space)};
		struct cmsghdr *header;
		uint32_t head[2];

		if (recvmsg(processes[number].channel, &message, MSG_DONTWAIT) < 8)
			return found;
		memcpy(head, packet, sizeof(head));
		found = found || head[1] == type;
		header = CMSG_FIRSTHDR(&message);
		for (; header; header = CMSG_NXTHDR(&message, header)) {
			int fd;

			memcpy(&fd, CMSG_DATA(header), sizeof(fd));
			close(fd); /* tests pass one at a time */
		}
	}
}

static void beat(unsigned number)
{
	board_store64(&worker_process_record(worker_of(number))->heartbeat_ms, now_ms);
}

static void what_a_draining_worker_gave_before_its_end_goes_to_others(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {
		int pair[2];

		assert_int_equal(supervisor_resize(&master, 1), 0);
		assert_int_equal(worker_of(1 + before)->phase, WORKER_DRAINING);
		beat(0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		if (before)
			give(1 + before, pair[0]);
		worker_process_kill(worker_of(1 + before), KILL_DRAIN_TIMEOUT);
		if (!before)
			give(1 + before, pair[0]);
		close(pair[0]);
		end(1 + before, 0); /* its channel is read to the end */
		assert_true(heard(0, MESSAGE_CONNECTIONS));
		assert_int_equal(read(pair[1], &(char){0}, 1), -1); /* it is open */
		handoff_target_gone(&master.handoff, &master.slots[0]->current->target);
		while (!list_empty(&master.handoff.waiting)) {
			struct transfer *waiting = LIST_ENTRY(master.handoff.waiting.next, struct transfer, link);

			fd_close(&waiting->fd); /* nobody else has it */
			handoff_discard(&master.handoff, waiting);
		}
		master.handoff.waiting_count = 0;
		assert_int_equal(read(pair[1], &(char){0}, 1), 0);
		close(pair[1]);
		handoff_target_init(&master.slots[0]->current->target, master.slots[0]->current->channel);
		assert_int_equal(supervisor_resize(&master, 2), 0);
		get_ready(process_count - 1);
	}
}

/* As many as it may, and one more, while nobody takes any. */
static void who_gives_more_than_it_may_is_ended(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(supervisor_resize(&master, 1), 0);
	worker_of(0)->life = WORKER_STANDS_STILL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (unsigned i = 0; i < HANDOFF_UNANSWERED_MAX; i++) {
		give(1, pair[0]);
		run();
	}
	assert_int_equal(worker_of(1)->killed, KILL_NOT);
	assert_int_equal(worker_of(1)->given_away, HANDOFF_UNANSWERED_MAX);
	assert_int_equal(master.handoff.waiting_count, HANDOFF_UNANSWERED_MAX);
	give(1, pair[0]);
	run();
	assert_string_equal(worker_process_why_killed(worker_of(1)), "gave more connections at a time than it may");
	assert_int_equal(processes[1].killed, SIGKILL);
	assert_int_equal(master.handoff.waiting_count, HANDOFF_UNANSWERED_MAX);
	close(pair[0]), close(pair[1]);
}

static void a_killed_worker_that_serves_asks_for_nothing_and_gives_nothing(void **state)
{
	int pair[2];

	(void)state;
	beat(1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	worker_process_kill(worker_of(0), KILL_GARBAGE);
	say(0, MESSAGE_REPLACE);
	give(0, pair[0]);
	say(0, MESSAGE_READY);
	close(pair[0]);
	run();
	assert_null(master.slots[0]->successor);
	assert_int_equal(process_count, 2);
	assert_int_equal(master.handoff.waiting_count, 0); /* it is not given to anybody */
	assert_false(heard(1, MESSAGE_CONNECTIONS));
	assert_false(slot_is_alive(master.slots[0], 0));
	close(pair[1]);
	end(0, 0);
	assert_int_equal(master.slots[0]->current->pid, FIRST_PID + 2);
}

static void readiness_after_the_watchdogs_abort_changes_nothing(void **state)
{
	(void)state;
	master.options.watchdog_ms = 1000;
	for (unsigned i = 0; i < 8; i++) { /* the other one beats */
		board_store64(&worker_process_record(worker_of(1))->heartbeat_ms, i);
		watching_tick(&master, now_ms += 250, 250);
	}
	assert_int_equal(processes[0].killed, SIGABRT);
	assert_ptr_equal(master.slots[0]->successor, worker_of(2));
	say(0, MESSAGE_READY);
	say(0, MESSAGE_REPLACE);
	say(0, MESSAGE_HANDED_OVER);
	run();
	assert_leads(0, 0);
	assert_false(worker_of(0)->handed_over);
	assert_int_equal(process_count, 3);
	beat(0);
	assert_false(slot_is_alive(master.slots[0], 0));
	get_ready(2);
	assert_leads(0, 2);
	end(0, 0);
	assert_leads(0, 2);
}

/* One that says that it has nothing to do, and takes its time with all that it could be given. */
static void a_connection_that_moves_does_not_wait_for_a_liar_for_long(void **state)
{
	struct transfer like = {.state = (void *)"moved", .state_size = 5}, *transfer;
	int pair[2];

	(void)state;
	beat(0);
	beat(1);
	board_store64(&worker_process_record(worker_of(1))->opened, 100);
	for (unsigned i = 0; i < HANDOFF_UNANSWERED_MAX; i++) {
		like.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		like.id = i + 1;
		like.since_ms = now_ms;
		assert_non_null(handoff_restore(&master.handoff, &worker_of(0)->target, &like));
		/* Each counts as taken, and is not answered. */
		worker_of(0)->target.given++;
		board_store64(&worker_process_record(worker_of(0))->taken, i + 1);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	transfer = handoff_offer(&master.handoff, pair[0], 1, "moved", 5);
	assert_non_null(transfer);
	dispatch_resume(&master);
	assert_int_equal(master.handoff.waiting_count, 1);
	transfer->offered_ms -= 250;
	dispatch_resume(&master);
	assert_int_equal(master.handoff.waiting_count, 0);
	assert_true(heard(1, MESSAGE_CONNECTIONS));
	close(pair[1]);
}

static void only_who_drains_has_handed_over(void **state)
{
	(void)state;
	say(0, MESSAGE_HANDED_OVER);
	run();
	assert_false(worker_of(0)->handed_over);
	assert_int_equal(supervisor_resize(&master, 1), 0);
	say(1, MESSAGE_HANDED_OVER);
	run();
	assert_true(worker_of(1)->handed_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STARTING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SERVING(name)  cmocka_unit_test_setup_teardown(name, set_up_serving, tear_down)
		STARTING(readiness_after_the_kill_of_start_timeout_does_not_lead),
		STARTING(nor_does_that_which_was_said_before_and_is_read_after),
		STARTING(nor_that_which_is_read_when_it_is_reaped),
		STARTING(a_server_that_gives_up_is_not_ready_after_all),
		STARTING(who_is_not_wanted_any_more_does_not_lead),
		STARTING(one_that_was_killed_before_an_upgrade_does_not_lead_after_it),
		SERVING(a_successor_that_was_killed_does_not_lead),
		SERVING(nor_when_its_predecessor_ends_at_the_same_time),
		SERVING(a_successor_that_a_failed_roll_has_replaced_does_not_lead),
		SERVING(nor_does_the_start_of_a_configuration_that_was_given_up),
		STARTING(a_set_up_that_cannot_succeed_ends_the_server_at_the_first_start),
		SERVING(later_it_parks_its_slot),
		SERVING(nor_does_that_of_a_slot_more_end_a_server_that_is_ready),
		STARTING(nor_that_of_a_slot_that_was_ready_once_a_server_that_starts),
		SERVING(a_reload_without_room_for_its_slots_leaves_nothing_open),
		SERVING(what_a_draining_worker_gave_before_its_end_goes_to_others),
		SERVING(who_gives_more_than_it_may_is_ended),
		SERVING(a_killed_worker_that_serves_asks_for_nothing_and_gives_nothing),
		SERVING(readiness_after_the_watchdogs_abort_changes_nothing),
		SERVING(a_connection_that_moves_does_not_wait_for_a_liar_for_long),
		SERVING(only_who_drains_has_handed_over),
	};

	return cmocka_run_group_tests_name("crossing", tests, NULL, NULL);
}
