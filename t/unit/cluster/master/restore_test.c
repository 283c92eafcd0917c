/* SPDX-License-Identifier: MIT
 *
 * What one version of the master leaves to another (cluster/upgrade/upgrade_master.h): all of it arrives, and what
 * makes no sense is refused, whatever its checksum says, and is never the end of who reads it. */
#include "cluster/master/admin_process.h"
#include "cluster/master/adopt.h"
#include "cluster/master/commands.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/master.h"
#include "cluster/master/pending.h"
#include "cluster/master/restore.h"
#include "cluster/master/save.h"
#include "cluster/master/slots.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/worker_process.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/socket.h"
#include "brood/channel.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"
#include "log_to.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 3, FIRST_PID = 100000 };

/* --- a master with one of everything --- */

static const struct cluster_program program = {.version = "test"};

static struct master *new_master(void)
{
	struct master *master = calloc(1, sizeof(*master));

	master->program = &program;
	master->signal_fd = -1;
	supervisor_open(master);
	commands_open(master);
	master->base = event_base_new();
	assert_non_null(master->base);
	assert_int_equal(dispatch_open(master), 0);
	assert_int_equal(logger_open(master, NULL), 0);
	return master;
}

static int open_channel(void)
{
	int ends[2];

	assert_int_equal(brood_channel_pair(ends), 0);
	return ends[0]; /* the other one stays open, too */
}

static struct worker_process *add_worker_process(struct master *master, unsigned slot, enum worker_phase phase)
{
	struct worker_process like = {.serial = ++master->last_serial,
				      .slot = slot,
				      .generation = 3,
				      .pid = (pid_t)(FIRST_PID + master->last_serial),
				      .phase = phase,
				      .started_ms = 1000,
				      .ready_ms = phase == WORKER_STARTING ? 0 : 1100};
	struct worker_process *worker;

	like.record = board_take_record(&master->boards[slot]);
	like.limits = (struct recycle_limits){.requests = 11, .memory_bytes = 12, .age_ms = 13};
	like.watchdog = (struct watchdog){.phase = WATCHDOG_WATCHING, .looked = true, .heartbeat = 14, .since_ms = 15};
	worker = worker_process_restore(master, &like, open_channel(), 60000);
	assert_non_null(worker);
	return worker;
}

static void add_listener(struct master *master)
{
	struct cluster_listen listen = {.fd = -1, .backlog = 10};
	struct cluster_options options = {
		.accept = CLUSTER_ACCEPT_REUSEPORT, .listen = &listen, .listen_count = 1, .workers = 2};
	char reason[200];

	assert_int_equal(address_parse("127.0.0.1:0", &listen.address, reason, sizeof(reason)), 0);
	assert_int_equal(listeners_prepare(&master->listeners, &options, reason, sizeof(reason)), 0);
	listeners_commit(&master->listeners);
	assert_true(listeners_begin(&master->listeners, true));
}

static void add_transfer(struct master *master, struct worker_process *taker)
{
	int ends[2];
	struct transfer like = {.id = ++master->handoff.last_id,
				.since_ms = 5,
				.listener = 1,
				.giver = 1,
				.giver_id = 9,
				.state = (void *)"moved",
				.state_size = 5};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	like.fd = ends[0];
	assert_non_null(handoff_restore(&master->handoff, taker ? &taker->target : NULL, &like));
}

static void add_log_source(struct master *master, const char *tag)
{
	struct upgrade_log_source saved = {.serial = master->logger.last_source + 1,
					   .pid = FIRST_PID + 1,
					   .error_log = 4,
					   .configuration = 6 + (unsigned)master->logger.last_source,
					   .queue = line_queue_create()};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	saved.pipe = ends[0];
	strcpy(saved.tag, tag);
	master->logger.last_source++;
	assert_int_equal(logger_restore_source(master, &saved), 0);
}

/* Its first slot serves and has a successor on its way, the second one waits, the third has a worker that
 * drains and hangs. */
static struct master *full_master(void)
{
	struct master *master = new_master();
	struct command scale = {.id = 1, .kind = COMMAND_SCALE, .argument = 3};
	struct command drain = {.id = 2, .kind = COMMAND_DRAIN, .argument = 2};
	struct upgrade_logger logger = {.pid = FIRST_PID + 98, .channel = open_channel()};
	struct timeval soon = {20, 0};
	struct worker_process *draining;

	master->slot_count = SLOTS;
	master->configured_workers = 2;
	master->generation = master->next_generation = 3;
	add_listener(master);
	assert_int_equal(slots_make_room(master, SLOTS), 0);
	master->slots[0]->state = SLOT_SERVING;
	master->slots[0]->current = add_worker_process(master, 0, WORKER_SERVING);
	master->slots[0]->successor = add_worker_process(master, 0, WORKER_STARTING);
	master->slots[1]->state = SLOT_BACKOFF;
	master->slots[1]->adopter = master->slots[0]->current->serial;
	event_add(master->slots[1]->timer, &soon);
	master->slots[2]->state = SLOT_DRAINING;
	draining = add_worker_process(master, 2, WORKER_DRAINING);
	draining->killed = KILL_SILENT;
	draining->watchdog.phase = WATCHDOG_ABORTED;
	draining->hang = calloc(1, sizeof(*draining->hang));
	draining->hang->time_ms = 4711;
	draining->hang->phase = WORKER_DRAINING;
	strcpy(draining->hang->log, "a last line\n");
	strcpy(draining->hang->wait_channel, "pipe_read");
	add_transfer(master, master->slots[0]->current);
	add_transfer(master, NULL);
	assert_int_equal(admin_restore(master, FIRST_PID + 99, open_channel(), true), 0);
	pending_add(master, &scale, false);
	pending_add(master, &drain, false);
	assert_int_equal(logger_restore(master, &logger), 0);
	add_log_source(master, "worker 0");
	add_log_source(master, "admin");
	return master;
}

/* --- states --- */

static struct master *volatile original; /* held to the end, with all it has open */
static struct upgrade_writer written;    /* by that one; its descriptors are open */

static int write_state(void **state)
{
	(void)state;
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	original = full_master();
	master_save(original, &written);
	return upgrade_finish(&written);
}

/* The same with other octets at `at`, its checksum being right. Malloced. */
static char *changed(size_t at, const void *octets, size_t size)
{
	struct upgrade_writer again = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;
	char *copy = malloc(written.octets.used);

	memcpy(copy, written.octets.data, written.octets.used);
	reader = (struct upgrade_reader){.octets = copy, .size = written.octets.used, .at = 24};
	memcpy(copy + at, octets, size);
	while (upgrade_next(&reader, &record))
		upgrade_put(&again, record.type, record.data, record.size);
	assert_int_equal(upgrade_finish(&again), 0);
	assert_int_equal(again.octets.used, written.octets.used);
	memcpy(copy, again.octets.data, again.octets.used);
	upgrade_writer_free(&again);
	return copy;
}

/* Where the n-th record of a type (from 0) has its octets. */
static size_t find_record(uint32_t type, unsigned number, struct upgrade_record *record)
{
	struct upgrade_reader reader;

	assert_int_equal(upgrade_open(&reader, written.octets.data, written.octets.used), 0);
	while (upgrade_next(&reader, record))
		if (record->type == type && number-- == 0)
			return (size_t)((const char *)record->data - written.octets.data);
	fail_msg("no such record: %u", type);
	return 0;
}

static int restore(const char *octets, size_t size, struct master **out)
{
	struct upgrade_reader reader;

	*out = new_master();
	assert_int_equal(upgrade_open(&reader, octets, size), 0);
	return master_restore(*out, &reader);
}

/* In a child, since nothing is undone: what it returned, or -1000 and the signal that ended it. */
static int outcome_of(const char *octets, size_t size)
{
	struct master *master;
	int status, error;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		error = restore(octets, size, &master);
		_exit(error == 0 ? 0 : error == -EBADMSG ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		return -1000 - WTERMSIG(status);
	return WEXITSTATUS(status) == 1 ? -EBADMSG : WEXITSTATUS(status);
}

/* --- what arrives --- */

static void check_worker(const struct worker_process *current)
{
	assert_int_equal(current->pid, FIRST_PID + 1);
	assert_int_equal(current->generation, 3);
	assert_int_equal(current->limits.requests, 11);
	assert_int_equal(current->limits.memory_bytes, 12);
	assert_int_equal(current->limits.age_ms, 13);
	assert_int_equal(current->watchdog.heartbeat, 14);
	assert_int_equal(current->watchdog.since_ms, 15);
	assert_true(current->watchdog.looked);
	assert_int_equal(current->killed, KILL_NOT);
	assert_null(current->hang);
	assert_int_equal(current->target.unanswered_count, 1);
	assert_true(event_pending(current->timer, EV_TIMEOUT, NULL));
}

static void check_hanging(const struct worker_process *worker)
{
	assert_int_equal(worker->killed, KILL_SILENT);
	assert_string_equal(worker_process_why_killed(worker), "silent for longer than watchdog allows");
	assert_int_equal(worker->watchdog.phase, WATCHDOG_ABORTED);
	assert_non_null(worker->hang);
	assert_int_equal(worker->hang->time_ms, 4711);
	assert_int_equal(worker->hang->pid, worker->pid);
	assert_int_equal(worker->hang->slot, 2);
	assert_int_equal(worker->hang->phase, WORKER_DRAINING);
	assert_string_equal(worker->hang->log, "a last line\n");
	assert_string_equal(worker->hang->wait_channel, "pipe_read");
}

static void check_all(void)
{
	struct master *master;

	assert_int_equal(restore(written.octets.data, written.octets.used, &master), 0);
	assert_int_equal(master->slot_count, SLOTS);
	assert_int_equal(master->generation, 3);
	assert_int_equal(master->listeners.count, 1);
	assert_int_equal(master->listeners.all[0].count, 2);
	assert_int_equal(master->slots[0]->state, SLOT_SERVING);
	check_worker(master->slots[0]->current);
	assert_int_equal(master->slots[0]->successor->pid, FIRST_PID + 2);
	assert_int_equal(master->slots[1]->state, SLOT_BACKOFF);
	assert_ptr_equal(adopt_adopter(master->slots[1]), master->slots[0]);
	assert_true(event_pending(master->slots[1]->timer, EV_TIMEOUT, NULL));
	check_hanging(LIST_ENTRY(master->workers.prev, struct worker_process, link));
	assert_int_equal(master->handoff.waiting_count, 1);
	assert_int_equal(master->admin.pid, FIRST_PID + 99);
	assert_int_equal(master->admin.pending_count, 2);
	assert_true(master->admin.renew);
	assert_true(master->admin.leaving_ms > 0);
	assert_int_equal(master->logger.pid, FIRST_PID + 98);
	assert_int_equal(master->logger.phase, LOGGER_RUNNING);
	assert_int_equal(master->logger.last_source, 2);
	assert_true(cluster_has_log_source(master, 6, 6) && cluster_has_log_source(master, 7, 9));
	assert_false(cluster_has_log_source(master, 1, 5) || cluster_has_log_source(master, 8, 9));
}

static void everything_arrives(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		check_all();
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void what_arrived_can_be_left_again(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct upgrade_writer again = {0};
		struct master *master;

		if (restore(written.octets.data, written.octets.used, &master) != 0)
			_exit(1);
		master_save(master, &again);
		_exit(upgrade_finish(&again) == 0 && again.octets.used == written.octets.used ? 42 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* --- what does not --- */

#define AT(record, member) offsetof(struct upgrade_##record, member), sizeof(((struct upgrade_##record *)0)->member)

static const struct wrong {
	const char *what;
	uint32_t type;
	unsigned number;
	size_t at, size;
	int64_t value;
} wrongs[] = {
	{"no such mode", RECORD_SELF, 0, AT(self, accept), 3},
	{"no slots", RECORD_SELF, 0, AT(self, slot_count), 0},
	{"more slots than there are", RECORD_SELF, 0, AT(self, slot_count), SLOTS + 1},
	{"too many slots", RECORD_SELF, 0, AT(self, slot_count), CLUSTER_SLOTS_MAX + 1},
	{"no workers", RECORD_SELF, 0, AT(self, configured_workers), 0},
	{"generations out of order", RECORD_SELF, 0, AT(self, generation), 4},
	{"serials of the future", RECORD_SELF, 0, AT(self, last_serial), 1},
	{"transfers of the future", RECORD_SELF, 0, AT(self, last_transfer), 1},
	{"listeners of the future", RECORD_SELF, 0, AT(self, last_listener), 0},
	{"a listener without a number", RECORD_LISTENER, 0, AT(listener, id), 0},
	{"one that is not in force", RECORD_LISTENER, 0, AT(listener, now), 0},
	{"an address of no family", RECORD_LISTENER, 0, AT(listener, address.storage.ss_family), 99},
	{"an address that is too long", RECORD_LISTENER, 0, AT(listener, address.size), 1000},
	{"a file to remove that is none", RECORD_LISTENER, 0, AT(listener, unlink_path), 1},
	{"standard error as a socket", RECORD_SOCKET, 0, AT(socket, fd), 2},
	{"a socket that is not open", RECORD_SOCKET, 0, AT(socket, fd), 60000},
	{"a number far off", RECORD_SOCKET, 0, AT(socket, fd), INT32_MAX},
	{"a slot left out", RECORD_SLOT, 1, AT(slot, index), 2},
	{"a slot twice", RECORD_SLOT, 1, AT(slot, index), 0},
	{"no such slot state", RECORD_SLOT, 0, AT(slot, state), SLOT_STATES},
	{"one that serves without a worker", RECORD_SLOT, 1, AT(slot, state), SLOT_SERVING},
	{"one that waits with a worker", RECORD_SLOT, 0, AT(slot, state), SLOT_BACKOFF},
	{"one that waits for ever", RECORD_SLOT, 1, AT(slot, timer_ms), 0},
	{"no such record", RECORD_SLOT, 0, AT(slot, records[0]), -1},
	{"a record of a former version", RECORD_SLOT, 0, AT(slot, records[1]), 0},
	{"another slot's worker", RECORD_SLOT, 0, AT(slot, current), 3},
	{"a worker that is not there", RECORD_SLOT, 0, AT(slot, current), 77},
	{"a successor that serves", RECORD_SLOT, 0, AT(slot, successor), 1},
	{"no such adopter", RECORD_SLOT, 1, AT(slot, adopter), SLOTS + 1},
	{"a worker in no slot", RECORD_WORKER, 0, AT(worker, slot), SLOTS},
	{"a serial twice", RECORD_WORKER, 1, AT(worker, serial), 1},
	{"a process twice", RECORD_WORKER, 1, AT(worker, pid), FIRST_PID + 1},
	{"no process", RECORD_WORKER, 0, AT(worker, pid), 0},
	{"a whole process group", RECORD_WORKER, 0, AT(worker, pid), -1},
	{"init", RECORD_WORKER, 0, AT(worker, pid), 1},
	{"a record twice", RECORD_WORKER, 1, AT(worker, record), 0},
	{"no such record", RECORD_WORKER, 0, AT(worker, record), BOARD_RECORDS},
	{"no such phase", RECORD_WORKER, 0, AT(worker, phase), WORKER_PHASES},
	{"no such mode of a worker", RECORD_WORKER, 0, AT(worker, accept), 3},
	{"no such watchdog phase", RECORD_WORKER, 0, AT(worker, watchdog), WATCHDOG_PHASES},
	{"a channel that is not open", RECORD_WORKER, 0, AT(worker, channel), 60000},
	{"standard input as a channel", RECORD_WORKER, 0, AT(worker, channel), 0},
	{"a transfer to nobody", RECORD_TRANSFER, 0, AT(transfer, taker), 77},
	{"a transfer that is cut off", RECORD_TRANSFER, 0, AT(transfer, state_size), 6},
	{"a transfer of the future", RECORD_TRANSFER, 0, AT(transfer, id), 1000},
	{"a transfer of nothing", RECORD_TRANSFER, 0, AT(transfer, fd), -1},
	{"no admin, but its channel", RECORD_ADMIN, 0, AT(admin, pid), 0},
	{"every process as the admin", RECORD_ADMIN, 0, AT(admin, pid), -1},
	{"a command for no slot", RECORD_PENDING, 1, AT(pending, command.argument), 1000},
	{"a command for a slot below all", RECORD_PENDING, 1, AT(pending, command.argument), -1},
	{"no such command", RECORD_PENDING, 0, AT(pending, command.kind), 1000},
	{"no log process, but its channel", RECORD_LOGGER, 0, AT(logger, pid), 0},
	{"every process as the log process", RECORD_LOGGER, 0, AT(logger, pid), -1},
	{"a log process without its channel", RECORD_LOGGER, 0, AT(logger, channel), 60000},
	{"lines of nobody", RECORD_LOG_SOURCE, 0, AT(log_source, pid), 0},
	{"lines of one who is still to be born", RECORD_LOG_SOURCE, 1, AT(log_source, serial), 3},
	{"lines in no order", RECORD_LOG_SOURCE, 1, AT(log_source, serial), 0},
	{"lines that are nowhere", RECORD_LOG_SOURCE, 0, AT(log_source, queue), 60000},
	{"no end of the pipe", RECORD_LOG_SOURCE, 0, AT(log_source, pipe), -1},
	{"a hang in no phase", RECORD_HANG, 0, AT(hang, phase), WORKER_PHASES},
};

static void what_makes_no_sense_is_refused(void **state)
{
	struct upgrade_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *wrong = &wrongs[i];
		size_t at = find_record(wrong->type, wrong->number, &record) + wrong->at;
		char *octets = changed(at, &wrong->value, wrong->size);
		int outcome = outcome_of(octets, written.octets.used);

		if (outcome != -EBADMSG)
			fail_msg("%s: %d", wrong->what, outcome);
		free(octets);
	}
}

/* Not a listener that is deaf. */
static void a_listener_without_a_socket_is_refused(void **state)
{
	struct upgrade_writer other = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;

	(void)state;
	assert_int_equal(upgrade_open(&reader, written.octets.data, written.octets.used), 0);
	while (upgrade_next(&reader, &record))
		if (record.type != RECORD_SOCKET)
			upgrade_put(&other, record.type, record.data, record.size);
	assert_int_equal(upgrade_finish(&other), 0);
	assert_int_equal(outcome_of(other.octets.data, other.octets.used), -EBADMSG);
	upgrade_writer_free(&other);
}

/* --- what must go through, being just within bounds --- */

static const struct right {
	const char *what;
	uint32_t type;
	unsigned number;
	size_t at, size;
	int32_t values[2];
} rights[] = {
	{"the last slot adopts", RECORD_SLOT, 1, AT(slot, adopter), {SLOTS}},
	{"nobody adopts", RECORD_SLOT, 1, AT(slot, adopter), {0}},
	{"no admin just now", RECORD_ADMIN, 0, offsetof(struct upgrade_admin, pid), 8, {0, -1}},
	{"an admin whose channel has ended", RECORD_ADMIN, 0, AT(admin, channel), {-1}},
	{"no log process just now", RECORD_LOGGER, 0, offsetof(struct upgrade_logger, pid), 8, {0, -1}},
	{"a worker whose channel has ended", RECORD_WORKER, 0, AT(worker, channel), {-1}},
	{"the last serial", RECORD_SELF, 0, AT(self, last_serial), {3, 0}},
	{"the last transfer", RECORD_SELF, 0, AT(self, last_transfer), {2, 0}},
	{"the next generation", RECORD_SELF, 0, AT(self, next_generation), {4, 0}},
	{"a command for the last slot", RECORD_PENDING, 1, AT(pending, command.argument), {SLOTS - 1, 0}},
	{"a command for the first slot", RECORD_PENDING, 1, AT(pending, command.argument), {0, 0}},
};

static void what_is_just_within_bounds_is_taken(void **state)
{
	struct upgrade_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		const struct right *right = &rights[i];
		size_t at = find_record(right->type, right->number, &record) + right->at;
		char *octets;
		int outcome;

		assert_in_range(right->size, 1, sizeof(right->values));
		octets = changed(at, right->values, right->size);
		outcome = outcome_of(octets, written.octets.used);
		if (outcome != 0)
			fail_msg("%s: %d", right->what, outcome);
		free(octets);
	}
}

/* It fills all of its room, so there is none for its end. */
static void a_reason_without_an_end_is_cut(void **state)
{
	struct upgrade_worker saved;
	struct upgrade_record record;
	struct master *master;
	struct worker_process *last;
	char *octets;
	size_t at = find_record(RECORD_WORKER, 2, &record) + offsetof(struct upgrade_worker, why);
	int status;
	pid_t pid;

	(void)state;
	memset(saved.why, 'w', sizeof(saved.why));
	octets = changed(at, saved.why, sizeof(saved.why));
	pid = fork();
	if (pid == 0) {
		if (restore(octets, written.octets.used, &master) != 0)
			_exit(1);
		last = LIST_ENTRY(master->workers.prev, struct worker_process, link);
		_exit(strnlen(worker_process_why_killed(last), sizeof(saved.why)) == sizeof(saved.why) - 1 ? 42 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	free(octets);
}

/* --- descriptors and whole records --- */

/* Descriptors that are something else than the record says, or another record's, too. */
static void descriptors_are_what_they_should_be(void **state)
{
	static const struct {
		uint32_t type;
		size_t at;
	} places[] = {{RECORD_SOCKET, offsetof(struct upgrade_socket, fd)},
		      {RECORD_SLOT, offsetof(struct upgrade_slot, records[0])},
		      {RECORD_WORKER, offsetof(struct upgrade_worker, channel)},
		      {RECORD_TRANSFER, offsetof(struct upgrade_transfer, fd)},
		      {RECORD_ADMIN, offsetof(struct upgrade_admin, channel)},
		      {RECORD_LOG_SOURCE, offsetof(struct upgrade_log_source, queue)},
		      {RECORD_LOG_SOURCE, offsetof(struct upgrade_log_source, pipe)}};
	enum { PLACES = sizeof(places) / sizeof(places[0]) };
	struct upgrade_record record;
	int other = memfd_create("other", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		size_t at = find_record(places[i].type, 0, &record) + places[i].at;

		for (size_t k = 0; k < PLACES + 1; k++) {
			int fd = other;
			char *octets;

			if (k == i)
				continue;
			if (k < PLACES) {
				find_record(places[k].type, 0, &record);
				memcpy(&fd, (const char *)record.data + places[k].at, sizeof(fd));
			}
			octets = changed(at, &fd, sizeof(fd));
			assert_int_equal(outcome_of(octets, written.octets.used), -EBADMSG);
			free(octets);
		}
	}
	fd_close(&other);
}

/* One owner each: a socket, or a channel, that two records name. */
static void no_descriptor_has_two_owners(void **state)
{
	struct upgrade_record record;
	size_t at;
	char *octets;
	int fd;

	(void)state;
	find_record(RECORD_SOCKET, 0, &record);
	memcpy(&fd, record.data, sizeof(fd));
	at = find_record(RECORD_SOCKET, 1, &record);
	octets = changed(at, &fd, sizeof(fd));
	assert_int_equal(outcome_of(octets, written.octets.used), -EBADMSG);
	free(octets);
	find_record(RECORD_WORKER, 0, &record);
	memcpy(&fd, (const char *)record.data + offsetof(struct upgrade_worker, channel), sizeof(fd));
	at = find_record(RECORD_WORKER, 1, &record) + offsetof(struct upgrade_worker, channel);
	octets = changed(at, &fd, sizeof(fd));
	assert_int_equal(outcome_of(octets, written.octets.used), -EBADMSG);
	free(octets);
}

/* Each record left out, or there twice. */
static void every_record_missing_or_doubled_is_survived(void **state)
{
	unsigned count = 0;
	struct upgrade_reader reader;
	struct upgrade_record record;

	(void)state;
	assert_int_equal(upgrade_open(&reader, written.octets.data, written.octets.used), 0);
	while (upgrade_next(&reader, &record))
		count++;
	for (unsigned i = 0; i < 2 * count; i++) {
		struct upgrade_writer other = {0};
		unsigned at = 0;

		assert_int_equal(upgrade_open(&reader, written.octets.data, written.octets.used), 0);
		for (; upgrade_next(&reader, &record); at++)
			for (unsigned times = at == i / 2 ? 2 * (i % 2) : 1; times > 0; times--)
				upgrade_put(&other, record.type, record.data, record.size);
		assert_int_equal(upgrade_finish(&other), 0);
		assert_in_range(outcome_of(other.octets.data, other.octets.used) + EBADMSG, 0, EBADMSG);
		upgrade_writer_free(&other);
	}
}

/* --- every word of every record --- */

static void try_word(size_t at, uint32_t value)
{
	char *octets = changed(at, &value, sizeof(value));
	struct master *master;

	if (restore(octets, written.octets.used, &master) == 0) {
		struct upgrade_writer again = {0};

		master_save(master, &again);
		upgrade_writer_free(&again);
	}
	free(octets);
	/* The descriptors are the test's; what the loops had is closed, lest there be too many. */
	event_base_free(master->base);
}

static void no_value_of_any_word_is_the_end(void **state)
{
	static const uint32_t values[] = {0, 1, 3, 255, 0x7fffffff, 0x80000000, 0xffffffff};
	struct upgrade_reader reader;
	struct upgrade_record record;

	(void)state;
	assert_int_equal(upgrade_open(&reader, written.octets.data, written.octets.used), 0);
	while (upgrade_next(&reader, &record)) {
		size_t at = (size_t)((const char *)record.data - written.octets.data);
		size_t size = record.type == RECORD_HANG ? 64 : record.size; /* then texts */
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			for (size_t i = 0; i + 4 <= size; i += 4)
				for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
					try_word(at + i, values[k]);
			_exit(42);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
			fail_msg("a record of type %u: status %x", record.type, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives),
		cmocka_unit_test(what_arrived_can_be_left_again),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(a_listener_without_a_socket_is_refused),
		cmocka_unit_test(what_is_just_within_bounds_is_taken),
		cmocka_unit_test(a_reason_without_an_end_is_cut),
		cmocka_unit_test(descriptors_are_what_they_should_be),
		cmocka_unit_test(no_descriptor_has_two_owners),
		cmocka_unit_test(every_record_missing_or_doubled_is_survived),
		cmocka_unit_test(no_value_of_any_word_is_the_end),
	};

	return cmocka_run_group_tests_name("master restore", tests, write_state, NULL);
}
