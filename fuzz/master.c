/* SPDX-License-Identifier: MIT
 *
 * The master, with workers and an admin that say anything: frames, packets that are none, ends at any
 * time. No process is started: the far ends of the channels are here, and so are clock and kill.
 *
 * Steps as in http.c. */
#include "fuzz.h"

#include "base/buffer.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/adopt.h"
#include "cluster/master/commands.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/master.h"
#include "cluster/master/outcomes.h"
#include "cluster/master/pending.h"
#include "cluster/master/recycling.h"
#include "cluster/master/rolling.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/upgrading.h"
#include "cluster/master/watching.h"
#include "cluster/master/worker_process.h"
#include "cluster/ipc/message.h"
#include "log_to.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROCESSES_MAX = 64, FIRST_PID = 200000000 };

static struct master master;
static uint64_t now_ms;
static struct board_record nowhere; /* for what a worker writes where no record is */

/* What would be a child. */
static struct process {
	int channel; /* its end */
	int killed;  /* the signal that ended it, or 0 */
	bool gone;   /* and reaped */
} processes[PROCESSES_MAX];
static unsigned process_count;

pid_t __wrap_brood_process_fork(const struct brood_process_options *options);
int __wrap_kill(pid_t pid, int number);
uint64_t __wrap_clock_now_ms(void);

pid_t __wrap_brood_process_fork(const struct brood_process_options *options)
{
	if (process_count == PROCESSES_MAX)
		return -11; /* EAGAIN, as for a user with too many */
	processes[process_count] = (struct process){.channel = dup(options->keep_fds[0])};
	FUZZ_CHECK(processes[process_count].channel >= 0);
	return FIRST_PID + (pid_t)process_count++;
}

int __wrap_kill(pid_t pid, int number)
{
	FUZZ_CHECK(pid >= FIRST_PID && (unsigned)(pid - FIRST_PID) < process_count);
	FUZZ_CHECK(!processes[pid - FIRST_PID].gone);
	if (number == SIGKILL || number == SIGABRT)
		processes[pid - FIRST_PID].killed = number;
	return 0;
}

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

/* --- the program --- */

static struct cluster_listen listen_on = {.fd = -1, .backlog = 16};
static unsigned prepared;

static int prepare(void *context, struct cluster_options *options, char *reason, size_t room)
{
	(void)context;
	if (prepared % 4 == 3) {
		snprintf(reason, room, "no");
		return -1;
	}
	*options = (struct cluster_options){
		.accept = (enum cluster_accept)(prepared % 3),
		.listen = &listen_on,
		.listen_count = 1,
		.workers = 1 + prepared % 3,
		.start_timeout_ms = 1000,
		.drain_timeout_ms = 1000,
		.stop_timeout_ms = 1000,
		.watchdog_ms = 2000,
	};
	return 0;
}

static int no_admin(void *context, int channel, struct board *boards, unsigned board_count)
{
	(void)context, (void)channel, (void)boards, (void)board_count;
	abort();
}

static int why(void *context, unsigned slot, struct buffer *out)
{
	(void)context, (void)slot;
	return buffer_append(out, "[]", 2);
}

static const struct cluster_program program = {
	.version = "1",
	.master = {.prepare = prepare, .why = why},
	.admin = {.run = no_admin},
};

/* --- the far ends --- */

static void send_packet(int channel, const void *data, size_t size, unsigned fd_count)
{
	union {
		char space[CMSG_SPACE(BROOD_CHANNEL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	fd_count %= BROOD_CHANNEL_FDS_MAX + 1;
	if (fd_count > 0) {
		struct cmsghdr *header = &control.align;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(header) + i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
	}
	(void)!sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_frame(int channel, uint32_t type, const void *data, size_t size, unsigned fd_count)
{
	static char packet[8 + BROOD_CHANNEL_SIZE_MAX];
	uint32_t head[2] = {(uint32_t)size, type};

	memcpy(packet, head, sizeof(head));
	if (size > 0)
		memcpy(packet + sizeof(head), data, size);
	send_packet(channel, packet, sizeof(head) + size, fd_count);
}

/* Reads all that the master has said, and answers for what it was given, taking it or not. */
static void listen_to_master(struct process *process, enum message_type answer)
{
	static char packet[8 + BROOD_CHANNEL_SIZE_MAX];
	union {
		char space[CMSG_SPACE(BROOD_CHANNEL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;

	for (;;) {
		struct iovec part = {.iov_base = packet, .iov_len = sizeof(packet)};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.space,
					 .msg_controllen = sizeof(control.space)};
		ssize_t size = recvmsg(process->channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		struct handoff_item items[MESSAGE_BATCH];
		struct brood_frame frame = {.data = packet + 8};
		struct message_ids ids = {0};
		struct cmsghdr *header;
		uint32_t head[2];
		int count;

		if (size < 8)
			return;
		memcpy(head, packet, sizeof(head));
		FUZZ_CHECK(head[0] == (size_t)size - 8);
		frame.size = head[0];
		header = CMSG_FIRSTHDR(&message);
		for (; header; header = CMSG_NXTHDR(&message, header))
			for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
				close(fd);
				frame.fd_count++;
			}
		if (head[1] != MESSAGE_CONNECTIONS)
			continue;
		count = handoff_read(&frame, items);
		FUZZ_CHECK(count > 0);
		ids.count = (uint32_t)count;
		for (int i = 0; i < count; i++)
			ids.ids[i] = items[i].id;
		send_frame(process->channel, answer, &ids, 8 + 8 * (size_t)count, 0);
	}
}

static void leave(struct process *process)
{
	if (process->channel >= 0)
		close(process->channel);
	process->channel = -1;
}

/* Its process has ended: as from SIGCHLD. */
static void end(struct process *process, int code, int number)
{
	struct brood_process_end how = {
		.pid = FIRST_PID + (pid_t)(process - processes), .exit_code = number ? -1 : code, .signal = number};

	struct worker_process *worker = worker_process_find_pid(&master, how.pid);

	if (process->gone)
		return;
	leave(process);
	if (worker)
		supervisor_ended(worker, &how);
	else if (closer_ended(&master.closer, how.pid) || commands_admin_ended(&master, &how) ||
		 logger_ended(&master, &how) || upgrading_ended(&master, &how))
		stopping_leave_if_done(&master);
	process->gone = true;
}

static void reap_killed(void)
{
	for (unsigned i = 0; i < process_count; i++)
		if (processes[i].killed && !processes[i].gone)
			end(&processes[i], 0, processes[i].killed);
}

/* --- steps --- */

static void run(void)
{
	for (unsigned turn = 0; turn < 4; turn++)
		event_base_loop(master.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void tick(unsigned ms)
{
	now_ms += ms;
	dispatch_tick(&master, now_ms);
	stopping_tell_workers(&master);
	if (master.state != MASTER_RUNNING)
		return;
	slots_try_hard(&master, now_ms);
	adopt_follow(&master, now_ms);
	watching_tick(&master, now_ms, ms);
	recycling_tick(&master, now_ms);
	pending_check(&master);
	admin_tick(&master, now_ms);
	upgrading_tick(&master, now_ms);
}

static void say(struct process *process, struct fuzz_input *input, bool whole)
{
	unsigned type = fuzz_octet(input), fd_count = fuzz_octet(input);
	size_t size = fuzz_octet(input) * 8u, got;
	const uint8_t *at = fuzz_take(input, size, &got);

	if (process->channel < 0)
		return;
	if (whole)
		send_frame(process->channel, type, at, got, fd_count);
	else
		send_packet(process->channel, at, got, fd_count);
}

/* A well-formed gift: so many connections with so many octets of state each. */
static void give(struct process *process, unsigned count, unsigned state_size)
{
	static char data[BROOD_CHANNEL_SIZE_MAX];
	struct message_connections *message = (void *)data;
	size_t size;

	count %= MESSAGE_BATCH + 1;
	memset(data, 0, sizeof(data));
	message->count = count;
	for (unsigned i = 0; i < count; i++) {
		message->each[i].id = i;
		message->each[i].state_size = state_size * 256;
	}
	size = offsetof(struct message_connections, each) + count * sizeof(message->each[0]) +
	       (size_t)count * state_size * 256;
	if (process->channel >= 0 && size <= sizeof(data))
		send_frame(process->channel, MESSAGE_GIVE, data, size, count);
}

static void command(struct process *process, unsigned kind, int argument)
{
	struct command message = {.id = now_ms, .kind = kind, .argument = argument};

	if (process->channel >= 0)
		send_frame(process->channel, MESSAGE_COMMAND, &message, sizeof(message), 0);
}

/* Sockets of clients would come by the acceptor; the kernel's part is not what is looked at here. */
static bool step(struct fuzz_input *input)
{
	unsigned what = fuzz_octet(input), number = fuzz_octet(input);
	struct process *process = &processes[number % (process_count ? process_count : 1)];
	unsigned a, b;

	switch (what) {
	case 'f': /* a frame; p: a packet */
	case 'p':
		say(process, input, what == 'f');
		break;
	case 'r': /* it is ready, and alive */
		if (process->channel >= 0)
			send_frame(process->channel, MESSAGE_READY, NULL, 0, 0);
		break;
	case 'g':
		a = fuzz_octet(input);
		give(process, a, fuzz_octet(input));
		break;
	case 'y': /* it answers for all it was given */
		a = fuzz_octet(input);
		if (process->channel >= 0)
			listen_to_master(process, a & 1 ? MESSAGE_REFUSED : MESSAGE_TAKEN);
		break;
	case 'b': /* it writes to its scoreboard */
		a = fuzz_octet(input) % (master.slot_room ? master.slot_room : 1);
		b = fuzz_octet(input);
		if (a < master.slot_room && b < 16) {
			struct board_cell *cell = master.boards[a].cells[b % BOARD_RECORDS];
			struct board_record *record = cell ? &cell->record : &nowhere;

			board_store32(&record->state, BOARD_SERVING);
			board_store64(&record->heartbeat_ms, b < 8 ? now_ms : UINT64_MAX);
			board_store64(&record->opened, fuzz_octet(input));
		}
		break;
	case 'c':
		a = fuzz_octet(input);
		command(process, a, (int8_t)fuzz_octet(input));
		break;
	case 'x':
		leave(process);
		break;
	case 'e':
		a = fuzz_octet(input);
		end(process, a & 3, a & 4 ? SIGSEGV : 0);
		break;
	case 'k':
		reap_killed();
		break;
	case 's':
		if (!process->gone && process_count > 0)
			supervisor_changed(&master, FIRST_PID + (pid_t)(process - processes), fuzz_octet(input) & 1);
		break;
	case 't':
		tick(number * 20);
		break;
	case 'l':
		prepared = number;
		if (master.state == MASTER_RUNNING)
			rolling_begin(&master, ROLL_KIND_RELOAD);
		break;
	case 'q':
		stopping_begin(&master, number & 1 ? STOP_NOW : STOP_BY_SIGNAL, "a signal");
		break;
	case 'o':
		logger_reopen(&master);
		break;
	default:
		return false;
	}
	run();
	return true;
}

static void start(unsigned how)
{
	char reason[128];

	memset(&master, 0, sizeof(master));
	process_count = 0;
	now_ms = 1000000;
	prepared = how % 3;
	master.program = &program;
	FUZZ_CHECK(prepare(NULL, &master.options, reason, sizeof(reason)) == 0);
	master.started_ms = now_ms;
	master.signal_fd = -1;
	supervisor_open(&master);
	commands_open(&master);
	FUZZ_CHECK(address_parse("127.0.0.1:0", &listen_on.address, reason, sizeof(reason)) == 0);
	FUZZ_CHECK(listeners_prepare(&master.listeners, &master.options, reason, sizeof(reason)) == 0);
	listeners_commit(&master.listeners);
	FUZZ_CHECK(listeners_begin(&master.listeners, true));
	master.base = event_base_new();
	master.deadline = evtimer_new(master.base, NULL, NULL);
	master.last_call = evtimer_new(master.base, NULL, NULL);
	FUZZ_CHECK(master.base && master.deadline && master.last_call && dispatch_open(&master) == 0 &&
		   logger_open(&master, supervisor_check_logs) == 0);
	dispatch_follow_mode(&master);
	FUZZ_CHECK(supervisor_resize(&master, 1 + how % 3) == 0);
	admin_start(&master);
}

static void finish(void)
{
	event_del(master.deadline);
	event_del(master.last_call);
	stopping_begin(&master, STOP_NOW, "the end");
	for (unsigned i = 0; i < process_count; i++)
		end(&processes[i], 0, SIGKILL);
	FUZZ_CHECK(list_empty(&master.workers));
	pending_forget(&master.admin, true);
	outcomes_forget(&master.admin, true);
	admin_close(&master.admin);
	upgrading_cancel(&master);
	slots_free(&master);
	dispatch_close(&master);
	logger_close(&master);
	listeners_close(&master.listeners);
	event_free(master.deadline);
	event_free(master.last_call);
	event_base_free(master.base);
}

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	int before = lowest_free();

	start(fuzz_octet(&input));
	for (unsigned steps = 0; steps < 64 && input.left > 0 && step(&input); steps++)
		continue;
	finish();
	FUZZ_CHECK(lowest_free() == before);
	return 0;
}
