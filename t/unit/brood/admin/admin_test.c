/* SPDX-License-Identifier: MIT
 *
 * The admin process, alone: this test is the master on the other end of its channel, and its clients.
 * A process in between is the admin's parent, so that "the master process ends" can be played. */
#include "brood/admin/admin.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "brood/process.h"
#include "brood/server.h"
#include "cluster/ipc/command.h"
#include "cluster/ipc/message.h"
#include "control/protocol.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_MS = 20000, CLIENTS = 100, ROOM = 128, LINE = 65536 };

/* --- the master's side --- */

static struct {
	struct event_base *base;
	struct brood_channel *channel;
	bool closed;
	struct board boards[2];
	pid_t parent, admin;
	int parent_pipe; /* closing it ends the parent */
	struct command commands[256];
	size_t received, looked_at;
	char folder[64];
	struct sockaddr_un name;
} master;

static void on_frame(void *context, struct brood_frame *frame)
{
	(void)context;
	assert_int_equal(frame->type, MESSAGE_COMMAND);
	assert_int_equal(frame->size, sizeof(struct command));
	assert_true(master.received < 256);
	memcpy(&master.commands[master.received++], frame->data, frame->size);
}

static void on_closed(void *context, int error)
{
	(void)context, (void)error;
	master.closed = true;
}

static const struct brood_channel_handlers handlers = {.frame = on_frame, .closed = on_closed};

static void on_time_up(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
	fail_msg("the admin has not done in time what it should");
}

static void turn(void)
{
	struct timeval limit = {HANG_MS / 1000, 0};
	struct event *guard = evtimer_new(master.base, on_time_up, NULL);

	assert_non_null(guard);
	event_add(guard, &limit);
	event_base_loop(master.base, EVLOOP_ONCE);
	event_free(guard);
}

/* The next command, in the order of their coming. */
static struct command next_command(void)
{
	while (master.looked_at == master.received)
		turn();
	return master.commands[master.looked_at++];
}

static void tell(uint32_t type, const void *data, size_t size, int fd)
{
	struct brood_frame frame = {.type = type, .data = data, .size = size, .fds = &fd, .fd_count = fd >= 0};

	assert_int_equal(brood_channel_send(master.channel, &frame), 0);
}

static void tell_result(uint64_t id, bool ok, const char *reason, int fd)
{
	struct command_result result = {.id = id, .ok = ok};

	snprintf(result.reason, sizeof(result.reason), "%s", reason);
	tell(MESSAGE_RESULT, &result, sizeof(result), fd);
}

static void tell_progress(uint64_t id, unsigned done, unsigned total, const char *text)
{
	struct command_progress progress = {.id = id, .done = done, .total = total};

	snprintf(progress.text, sizeof(progress.text), "%s", text);
	tell(MESSAGE_PROGRESS, &progress, sizeof(progress), -1);
}

struct whole_status {
	struct status head;
	struct status_listener listeners[2];
	struct status_slot slots[4];
};

static struct whole_status make_status(uint64_t id)
{
	return (struct whole_status){
		.head = {.id = id,
			 .pid = 4711,
			 .generation = 3,
			 .listener_count = 2,
			 .slot_count = 4,
			 .uptime_ms = 60001,
			 .version = "0.1.0-test",
			 .state = "running",
			 .accept = "shared"},
		.listeners = {{"127.0.0.1:8000", 0, 0}, {"[::1]:8443", LISTENER_TLS, 0}},
		/* In no order. The record of 300 is that of 200 by now. */
		.slots = {{7, 3, 0, -1, 0, 9, "parked"},
			  {1, 2, 300, 1, 5000, 0, "serving"},
			  {1, 3, 200, 1, 6000, 0, "draining"},
			  {0, 3, 100, 0, 5000, 2, "serving"}},
	};
}

static void tell_status(uint64_t id)
{
	struct whole_status status = make_status(id);

	tell(MESSAGE_STATUS, &status, sizeof(status), -1);
}

/* --- clients --- */

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&master.name, sizeof(master.name)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Meanwhile the master sends what its channel had no room for. */
static void wait_for(int fd)
{
	uint64_t limit_ms = clock_now_ms() + HANG_MS;
	struct pollfd look = {.fd = fd, .events = POLLIN};

	while (poll(&look, 1, 10) == 0) {
		if (clock_now_ms() > limit_ms)
			fail_msg("no answer");
		event_base_loop(master.base, EVLOOP_NONBLOCK);
	}
}

/* One line, without its newline; "" at the end of the connection. */
static const char *hear(int fd)
{
	static char line[LINE];
	size_t used = 0;

	while (used < sizeof(line) - 1) {
		ssize_t size;

		wait_for(fd);
		size = recv(fd, line + used, 1, 0);
		if (size < 0 && errno != ECONNRESET)
			fail_msg("no answer: %s", strerror(errno));
		if (size <= 0 || line[used] == '\n')
			break;
		used++;
	}
	line[used] = '\0';
	return line;
}

/* In one piece: who is refused halfway could not send the rest. */
static int ask(const char *request)
{
	char line[3 * CONTROL_REQUEST_MAX];
	int fd = connect_client();

	assert_in_range(snprintf(line, sizeof(line), "%s\n", request), 1, sizeof(line) - 1);
	say(fd, line);
	return fd;
}

static void assert_hears(int fd, const char *line)
{
	assert_string_equal(hear(fd), line);
}

static void assert_is_refused(const char *request, const char *why)
{
	int fd = ask(request);
	const char *line = hear(fd);

	if (strncmp(line, "{\"ok\":false", 11) != 0 || !strstr(line, why))
		fail_msg("%s: wanted '%s', got '%s'", request, why, line);
	close(fd);
}

/* The admin is well: it passes a command on and brings the answer. */
static void assert_serves(void)
{
	int fd = ask("{\"command\":\"reopen\"}");

	tell_result(next_command().id, true, "", -1);
	assert_hears(fd, "{\"ok\":true}");
	close(fd);
}

/* --- birth and end --- */

static int admin_log; /* a memory file */

static int run_admin(void *birth)
{
	/* What is said of damaged messages belongs to the tests that send them. */
	log_set_level(LOG_LEVEL_WARN);
	log_to(admin_log);
	return admin_main(birth);
}

static _Noreturn void be_parent(int channel, int listening, int hold, int report)
{
	struct board *boards = malloc(sizeof(master.boards));
	struct privilege privilege;
	char reason[128];
	struct admin_birth birth = {channel, listening, boards, 1, &privilege, geteuid(), getpid()};
	int keep[] = {channel, listening, master.boards[0].fds[0], master.boards[0].fds[1], admin_log};
	struct brood_process_options options = {
		.main = run_admin, .context = &birth, .keep_fds = keep, .keep_count = 5};
	char octet;
	pid_t pid;

	memcpy(boards, master.boards, sizeof(master.boards));
	if (privilege_lookup(NULL, NULL, &privilege, reason, sizeof(reason)) < 0)
		_exit(1);
	pid = brood_process_fork(&options);
	close(channel);
	close(listening);
	if (write(report, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	_exit(read(hold, &octet, 1) == 0 ? 0 : 1);
}

static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(master.folder, "/tmp/brood-admin-XXXXXX");
	assert_non_null(mkdtemp(master.folder));
	assert_int_equal(chmod(master.folder, 0755), 0);
	master.name = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(master.name.sun_path, sizeof(master.name.sun_path), "%s/socket", master.folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&master.name, sizeof(master.name)), 0);
	assert_int_equal(chmod(master.name.sun_path, 0666), 0);
	assert_int_equal(listen(fd, 256), 0);
	return fd;
}

static void fill_boards(void)
{
	struct board_record *record;

	for (int i = 0; i < 2; i++)
		assert_int_equal(board_create(&master.boards[i]), 0);
	record = &master.boards[0].cells[0]->record;
	*record = (struct board_record){.pid = 100, .opened = 50, .closed = 30, .requests = 12345, .idle = 7};
	record = &master.boards[1].cells[1]->record;
	*record = (struct board_record){.pid = 200, .opened = 5, .closed = 2, .requests = 77, .idle = 1000};
}

static int start(void **state)
{
	int ends[2], hold[2], report[2], listening;

	(void)state;
	memset(&master, 0, sizeof(master));
	fill_boards();
	admin_log = memfd_create("log", MFD_CLOEXEC);
	listening = listen_somewhere();
	assert_int_equal(brood_channel_pair(ends), 0);
	assert_int_equal(pipe(hold), 0);
	assert_int_equal(pipe(report), 0);
	master.parent = fork();
	if (master.parent == 0) {
		close(ends[0]);
		close(hold[1]);
		be_parent(ends[1], listening, hold[0], report[1]);
	}
	close(ends[1]);
	close(listening);
	close(hold[0]);
	close(report[1]);
	master.parent_pipe = hold[1];
	assert_int_equal(read(report[0], &master.admin, sizeof(master.admin)), sizeof(master.admin));
	close(report[0]);
	master.base = event_base_new();
	assert_int_equal(brood_channel_open(&master.channel, master.base, ends[0], &handlers, NULL), 0);
	return 0;
}

static void end_parent(void)
{
	int status;

	if (master.parent_pipe < 0)
		return;
	fd_close(&master.parent_pipe);
	assert_int_equal(waitpid(master.parent, &status, 0), master.parent);
	assert_int_equal(status, 0);
}

/* The admin ends by itself, with status 0. */
static void assert_admin_ends(void)
{
	uint64_t limit_ms = clock_now_ms() + HANG_MS;
	int status;
	pid_t got;

	/* A child of this process once its parent is gone: see main. */
	while ((got = waitpid(master.admin, &status, WNOHANG)) == 0 && clock_now_ms() < limit_ms)
		poll(NULL, 0, 5);
	assert_int_equal(got, master.admin);
	assert_int_equal(status, 0);
	master.admin = 0;
}

static int finish(void **state)
{
	(void)state;
	brood_channel_free(master.channel);
	event_base_free(master.base);
	end_parent();
	if (master.admin)
		assert_admin_ends();
	for (int i = 0; i < 2; i++)
		board_close(&master.boards[i]);
	unlink(master.name.sun_path);
	rmdir(master.folder);
	return 0;
}

/* --- the tests --- */

static void test_commands_reach_the_master_and_outcomes_their_clients(void **state)
{
	static const struct {
		const char *request;
		uint32_t kind;
		int32_t argument;
	} all[] = {
		{"{\"command\":\"restart\"}", COMMAND_RESTART, 0},
		{"{\"command\":\"reload\",\"protocol\":1}", COMMAND_RELOAD, 0},
		{"{\"command\":\"upgrade\"}", COMMAND_UPGRADE, 0},
		{"{\"command\":\"scale\",\"argument\":1024}", COMMAND_SCALE, 1024},
		{"{\"command\":\"drain\",\"argument\":0}", COMMAND_DRAIN, 0},
		{"{\"command\":\"undrain\",\"argument\":1023}", COMMAND_UNDRAIN, 1023},
		{"{\"command\":\"reopen\"}", COMMAND_REOPEN, 0},
	};
	enum { COUNT = sizeof(all) / sizeof(all[0]) };
	struct command commands[COUNT];
	int fds[COUNT];
	char line[96];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		fds[i] = ask(all[i].request);
		commands[i] = next_command();
		assert_int_equal(commands[i].kind, all[i].kind);
		assert_int_equal(commands[i].argument, all[i].argument);
	}
	for (int i = COUNT - 1; i >= 0; i--) {
		snprintf(line, sizeof(line), "so %d\nand more", i);
		tell_result(commands[i].id, i % 2 == 0, i % 4 == 0 ? "" : line, -1);
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(line, sizeof(line),
			 i % 2 == 0 ? "{\"ok\":true,\"result\":{\"ok\":true,\"done\":\"so %d\\nand more\"}}"
				    : "{\"ok\":false,\"reason\":\"so %d\\nand more\"}",
			 i);
		assert_hears(fds[i], i % 4 == 0 ? "{\"ok\":true}" : line);
		close(fds[i]);
	}
}

static void test_progress_comes_before_the_outcome(void **state)
{
	int fd = ask("{\"command\":\"restart\"}");
	uint64_t id = next_command().id;

	(void)state;
	tell_progress(id, 0, 2, "begun");
	assert_hears(fd, "{\"progress\":{\"done\":0,\"total\":2,\"text\":\"begun\"}}");
	tell_progress(id, 1, 2, "slot 0: \xff");
	tell_progress(id, 2, 2, "slot 1");
	tell_result(id, true, "", -1);
	assert_hears(fd, "{\"progress\":{\"done\":1,\"total\":2,\"text\":\"slot 0: \xef\xbf\xbd\"}}");
	assert_hears(fd, "{\"progress\":{\"done\":2,\"total\":2,\"text\":\"slot 1\"}}");
	assert_hears(fd, "{\"ok\":true}");
	close(fd);
}

static json_t *hear_result(int fd)
{
	struct control_answer answer;
	char reason[CONTROL_REASON_MAX];
	const char *line = hear(fd);

	if (control_decode_answer(line, strlen(line), &answer, reason) < 0)
		fail_msg("%s: %s", line, reason);
	assert_int_equal(answer.kind, CONTROL_OK);
	assert_non_null(answer.result);
	return answer.result;
}

static void test_status_joins_what_master_and_workers_say(void **state)
{
	static const char wanted[] =
		"{\"version\":\"0.1.0-test\",\"pid\":4711,\"generation\":3,\"state\":\"running\","
		"\"accept\":\"shared\",\"uptime_ms\":60001,"
		"\"listeners\":[{\"address\":\"127.0.0.1:8000\",\"tls\":false},"
		"{\"address\":\"[::1]:8443\",\"tls\":true}],\"workers\":["
		"{\"slot\":0,\"generation\":3,\"pid\":100,\"state\":\"serving\",\"age_ms\":5000,"
		"\"connections\":20,\"idle\":7,\"requests\":12345,\"restarts\":2},"
		"{\"slot\":1,\"generation\":3,\"pid\":200,\"state\":\"draining\",\"age_ms\":6000,"
		"\"connections\":%d,\"idle\":%d,\"requests\":%d,\"restarts\":0},"
		"{\"slot\":1,\"generation\":2,\"pid\":300,\"state\":\"serving\",\"age_ms\":5000,"
		"\"connections\":0,\"idle\":0,\"requests\":0,\"restarts\":0},"
		"{\"slot\":7,\"generation\":3,\"pid\":null,\"state\":\"parked\",\"age_ms\":0,"
		"\"connections\":0,\"idle\":0,\"requests\":0,\"restarts\":9}],\"last_roll\":null,\"trouble\":[]}";
	struct message_board board = {.slot = 1, .record = 1};
	char text[sizeof(wanted)];
	json_t *got, *want;
	int fd, page;

	(void)state;
	/* First without that record of slot 1, then with it; idle is never more than connections. */
	for (int known = 0; known < 2; known++) {
		if (known) {
			page = board_open_readonly(&master.boards[1], 1);
			tell(MESSAGE_BOARD, &board, sizeof(board), page);
			close(page);
		}
		fd = ask("{\"command\":\"status\"}");
		tell_status(next_command().id);
		got = hear_result(fd);
		snprintf(text, sizeof(text), wanted, known ? 3 : 0, known ? 3 : 0, known ? 77 : 0);
		want = json_loads(text, 0, NULL);
		assert_non_null(want);
		if (!json_equal(got, want))
			fail_msg("wanted %s\ngot %s", text, json_dumps(got, 0));
		json_decref(got);
		json_decref(want);
		close(fd);
	}
}

static void test_status_tells_of_the_last_roll(void **state)
{
	struct whole_status status;
	json_t *got, *roll;
	int fd;

	(void)state;
	for (int ok = 0; ok < 2; ok++) {
		fd = ask("{\"command\":\"status\"}");
		status = make_status(next_command().id);
		strcpy(status.head.roll_kind, "reload");
		strcpy(status.head.roll_reason, "slot 1: exit status 1");
		status.head.roll_ok = (uint32_t)ok;
		tell(MESSAGE_STATUS, &status, sizeof(status), -1);
		got = hear_result(fd);
		roll = json_object_get(got, "last_roll");
		assert_string_equal(json_string_value(json_object_get(roll, "kind")), "reload");
		assert_int_equal(json_is_true(json_object_get(roll, "ok")), ok);
		if (ok)
			assert_true(json_is_null(json_object_get(roll, "reason")));
		else
			assert_string_equal(json_string_value(json_object_get(roll, "reason")),
					    "slot 1: exit status 1");
		json_decref(got);
		close(fd);
	}
}

static void test_status_tells_of_trouble(void **state)
{
	static const char lines[] = "root '/srv/a': gone\nroot '/srv/\377'\n";
	struct {
		struct whole_status whole;
		char lines[sizeof(lines) - 1];
	} __attribute__((packed)) status;
	const json_t *trouble;
	json_t *got;
	int fd;

	(void)state;
	fd = ask("{\"command\":\"status\"}");
	status.whole = make_status(next_command().id);
	status.whole.head.trouble_size = sizeof(status.lines);
	memcpy(status.lines, lines, sizeof(status.lines));
	tell(MESSAGE_STATUS, &status, sizeof(status), -1);
	got = hear_result(fd);
	trouble = json_object_get(got, "trouble");
	assert_int_equal(json_array_size(trouble), 2);
	assert_string_equal(json_string_value(json_array_get(trouble, 0)), "root '/srv/a': gone");
	assert_string_equal(json_string_value(json_array_get(trouble, 1)), "root '/srv/\xef\xbf\xbd'");
	json_decref(got);
	close(fd);
}

static void test_a_thousand_slots_fit(void **state)
{
	enum { COUNT = 1024 };
	static struct {
		struct status head;
		struct status_slot slots[COUNT];
	} status;
	static char line[CONTROL_ANSWER_MAX];
	struct control_answer answer;
	char reason[CONTROL_REASON_MAX];
	size_t used = 0;
	int fd = ask("{\"command\":\"status\"}");

	(void)state;
	status.head.id = next_command().id;
	status.head.slot_count = COUNT;
	for (unsigned i = 0; i < COUNT; i++)
		status.slots[i] = (struct status_slot){i, UINT32_MAX, INT32_MAX, 0, INT64_MAX, UINT32_MAX, "starting"};
	assert_true(sizeof(status) <= BROOD_CHANNEL_SIZE_MAX);
	tell(MESSAGE_STATUS, &status, sizeof(status), -1);
	while (used == 0 || line[used - 1] != '\n') {
		ssize_t size;

		wait_for(fd);
		size = recv(fd, line + used, sizeof(line) - used, 0);
		assert_true(size > 0);
		used += (size_t)size;
	}
	assert_int_equal(control_decode_answer(line, used, &answer, reason), 0);
	assert_int_equal(json_array_size(json_object_get(answer.result, "workers")), COUNT);
	control_answer_free(&answer);
	close(fd);
}

static int text_in_memory(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void test_long_texts_come_by_descriptor(void **state)
{
	int text = text_in_memory("workers = 4;\n# \"caf\xc3\xa9\"\n");
	int fd = ask("{\"command\":\"config\"}");
	json_t *got;

	(void)state;
	tell_result(next_command().id, true, "", text);
	got = hear_result(fd);
	assert_string_equal(json_string_value(got), "workers = 4;\n# \"caf\xc3\xa9\"\n");
	json_decref(got);
	close(text);

	text = text_in_memory("[{\"pid\":4711}]");
	say(fd, "{\"command\":\"why\",\"argument\":2}\n");
	tell_result(next_command().id, true, "", text);
	assert_hears(fd, "{\"ok\":true,\"result\":[{\"pid\":4711}]}");
	close(text);

	text = text_in_memory("no JSON");
	say(fd, "{\"command\":\"why\",\"argument\":2}\n");
	tell_result(next_command().id, true, "", text);
	assert_hears(fd, "{\"ok\":false,\"reason\":\"the answer cannot be read\"}");
	close(text);
	close(fd);
}

static void test_nonsense_does_not_reach_the_master(void **state)
{
	static char many[2 * CONTROL_REQUEST_MAX];

	(void)state;
	memset(many, ' ', sizeof(many) - 1);
	assert_is_refused("GET / HTTP/1.1", "not JSON");
	assert_is_refused(many, "too long");
	assert_is_refused("{\"command\":\"dance\"}", "unknown command");
	assert_is_refused("{\"command\":\"scale\"}", "wants an argument");
	assert_is_refused("{\"command\":\"scale\",\"argument\":0}", "from 1 to 1024");
	assert_is_refused("{\"command\":\"drain\",\"argument\":1024}", "from 0 to 1023");
	assert_is_refused("{\"command\":\"drain\",\"argument\":-1}", "from 0 to 1023");
	assert_is_refused("{\"command\":\"status\",\"argument\":1}", "takes no argument");
	assert_serves();
	assert_int_equal(master.received, 1);
}

static void test_requests_may_be_split_and_joined(void **state)
{
	static const char two[] = "{\"command\":\"reopen\"}\n{\"command\":\"restart\"}\n";
	int fd = connect_client();
	struct command command;

	(void)state;
	for (size_t i = 0; i < strlen(two); i++)
		assert_int_equal(send(fd, two + i, 1, MSG_NOSIGNAL), 1);
	command = next_command();
	assert_int_equal(command.kind, COMMAND_REOPEN);
	tell_result(command.id, true, "", -1);
	command = next_command();
	assert_int_equal(command.kind, COMMAND_RESTART);
	tell_result(command.id, false, "no", -1);
	assert_hears(fd, "{\"ok\":true}");
	assert_hears(fd, "{\"ok\":false,\"reason\":\"no\"}");
	close(fd);
}

static void test_a_client_that_says_no_more_still_gets_its_answer(void **state)
{
	int fd = ask("{\"command\":\"reopen\"}");

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	tell_result(next_command().id, true, "", -1);
	assert_hears(fd, "{\"ok\":true}");
	assert_hears(fd, "");
	close(fd);
}

static void test_hanging_clients_delay_nobody(void **state)
{
	static const char *const hang[] = {"", "{\"comm", "{\"command\":\"restart\"}\n"};
	int fds[CLIENTS];
	uint64_t begin_ms, took_ms;
	struct command command;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connect_client();
		if (i % 2 == 0)
			say(fds[i], hang[i / 2 % 3]);
	}
	begin_ms = clock_now_ms();
	for (int i = 1; i < CLIENTS; i += 2)
		say(fds[i], "{\"command\":\"status\"}\n");
	for (int i = 1; i < CLIENTS; i += 2) {
		do
			command = next_command();
		while (command.kind != COMMAND_STATUS);
		tell_status(command.id);
	}
	for (int i = 1; i < CLIENTS; i += 2)
		assert_memory_equal(hear(fds[i]), "{\"ok\":true,", 11);
	took_ms = clock_now_ms() - begin_ms;
	if (took_ms > 5000)
		fail_msg("50 answers took %u ms", (unsigned)took_ms);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	assert_serves();
}

static void test_one_client_too_many_is_told_so(void **state)
{
	int fds[ROOM], more;

	(void)state;
	for (int i = 0; i < ROOM; i++)
		fds[i] = connect_client();
	more = connect_client();
	assert_hears(more, "{\"ok\":false,\"reason\":\"too many clients\"}");
	close(more);
	for (int i = 0; i < ROOM; i++)
		close(fds[i]);
	assert_serves();
}

static void test_clients_that_went_away_are_forgotten(void **state)
{
	uint64_t ids[2 * ROOM];

	(void)state;
	for (int i = 0; i < ROOM; i++) {
		int fd = ask("{\"command\":\"restart\"}");

		ids[i] = next_command().id;
		close(fd);
	}
	for (int i = 0; i < ROOM; i++) {
		tell_progress(ids[i], 1, 2, "x");
		tell_result(ids[i], true, "", -1);
	}
	assert_serves();
}

static void test_a_silent_client_is_dropped(void **state)
{
	int silent = connect_client(), slow = connect_client(), waiting;
	uint64_t id, begin_ms = clock_now_ms(), took_ms;

	(void)state;
	say(slow, "{\"command\"");
	waiting = ask("{\"command\":\"restart\"}");
	id = next_command().id;
	assert_hears(silent, "{\"ok\":false,\"reason\":\"no request has come in time\"}");
	took_ms = clock_now_ms() - begin_ms;
	assert_in_range(took_ms, 9000, 15000);
	assert_hears(silent, "");
	assert_hears(slow, "{\"ok\":false,\"reason\":\"no request has come in time\"}");
	assert_hears(slow, "");
	/* Who waits for an outcome has all the time of the world. */
	tell_result(id, true, "", -1);
	assert_hears(waiting, "{\"ok\":true}");
	close(silent);
	close(slow);
	close(waiting);
}

static void test_a_damaged_status_fails_and_is_logged(void **state)
{
	struct whole_status status;
	char line[256] = "";
	int fd;

	(void)state;
	for (size_t cut = 1; cut < sizeof(status); cut += 997) {
		fd = ask("{\"command\":\"status\"}");
		status = make_status(next_command().id);
		tell(MESSAGE_STATUS, &status, sizeof(status) - cut, -1);
		assert_hears(fd, "{\"ok\":false,\"reason\":\"the status is not understood\"}");
		close(fd);
	}
	assert_true(pread(admin_log, line, sizeof(line) - 1, 0) > 0);
	assert_non_null(strstr(line, "is not understood"));
	tell(MESSAGE_STATUS, &status, 3, -1);
	tell(MESSAGE_RESULT, &status, 7, -1);
	tell(MESSAGE_PROGRESS, &status, 7, -1);
	tell(MESSAGE_BOARD, &status, 7, -1);
	tell(12345, &status, 7, -1);
	assert_serves();
}

static void test_a_stop_is_done_when_the_master_is_gone(void **state)
{
	int stop = ask("{\"command\":\"stop\"}"), other = ask("{\"command\":\"restart\"}");
	struct pollfd quiet = {.fd = stop, .events = POLLIN};
	struct command command = next_command();

	(void)state;
	if (command.kind != COMMAND_STOP)
		command = next_command();
	assert_int_equal(command.kind, COMMAND_STOP);
	tell_result(command.id, true, "", -1);
	assert_hears(stop, "{\"progress\":{\"done\":0,\"total\":0,\"text\":\"stopping\"}}");
	brood_channel_free(master.channel);
	master.channel = NULL;
	assert_hears(other, "{\"ok\":false,\"reason\":\"the server has gone\"}");
	/* The channel has ended, the process has not. */
	assert_int_equal(poll(&quiet, 1, 50), 0);
	end_parent();
	assert_hears(stop, "{\"ok\":true}");
	assert_admin_ends();
	close(stop);
	close(other);
}

static void test_a_stop_that_is_refused_fails(void **state)
{
	int fd = ask("{\"command\":\"stop-now\"}");
	struct command command = next_command();

	(void)state;
	assert_int_equal(command.kind, COMMAND_STOP_NOW);
	tell_result(command.id, false, "no", -1);
	assert_hears(fd, "{\"ok\":false,\"reason\":\"no\"}");
	close(fd);
}

static void assert_refuses_connections(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&master.name, sizeof(master.name)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
}

static void assert_leaves(void)
{
	while (!master.closed)
		turn();
}

/* A client that was answered and asks nothing. */
static int make_idle(void)
{
	int fd = ask("{\"command\":\"reopen\"}");

	tell_result(next_command().id, true, "", -1);
	assert_hears(fd, "{\"ok\":true}");
	return fd;
}

static void test_a_retired_admin_finishes_what_it_has_begun(void **state)
{
	int waiting = ask("{\"command\":\"upgrade\"}"), idle;
	uint64_t id = next_command().id;

	(void)state;
	idle = make_idle();
	tell(MESSAGE_DRAIN, NULL, 0, -1);
	assert_hears(idle, "");
	assert_refuses_connections();
	tell_progress(id, 1, 1, "x");
	tell_result(id, true, "", -1);
	assert_hears(waiting, "{\"progress\":{\"done\":1,\"total\":1,\"text\":\"x\"}}");
	assert_hears(waiting, "{\"ok\":true}");
	assert_hears(waiting, "");
	assert_leaves();
	close(waiting);
	close(idle);
}

/* Its successor will not know of them. */
static void test_a_retired_admin_answers_whom_it_has_accepted(void **state)
{
	int fresh = connect_client(), silent = connect_client(), idle = make_idle();

	(void)state;
	tell(MESSAGE_DRAIN, NULL, 0, -1);
	assert_hears(idle, "");
	say(fresh, "{\"command\":\"reopen\"}\n");
	tell_result(next_command().id, true, "", -1);
	assert_hears(fresh, "{\"ok\":true}");
	assert_hears(fresh, "");
	assert_hears(silent, "{\"ok\":false,\"reason\":\"no request has come in time\"}");
	assert_hears(silent, "");
	assert_leaves();
	close(fresh);
	close(silent);
	close(idle);
}

static bool admin_is_stopped(void)
{
	char path[64], state;
	FILE *file;
	int got;

	snprintf(path, sizeof(path), "/proc/%d/stat", master.admin);
	file = fopen(path, "r");
	assert_non_null(file);
	got = fscanf(file, "%*d (%*[^)]) %c", &state);
	fclose(file);
	return got == 1 && state == 'T';
}

static void test_a_retired_admin_answers_what_has_reached_it(void **state)
{
	int idle = make_idle();

	(void)state;
	assert_int_equal(kill(master.admin, SIGSTOP), 0);
	while (!admin_is_stopped())
		poll(NULL, 0, 1);
	tell(MESSAGE_DRAIN, NULL, 0, -1);
	say(idle, "{\"command\":\"reopen\"}\n");
	assert_int_equal(kill(master.admin, SIGCONT), 0);
	tell_result(next_command().id, true, "", -1);
	assert_hears(idle, "{\"ok\":true}");
	assert_hears(idle, "");
	assert_leaves();
	close(idle);
}

static void test_signals_meant_for_the_master_do_not_end_it(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

	(void)state;
	assert_serves();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_int_equal(kill(master.admin, signals[i]), 0);
	assert_serves();
}

static void test_it_is_not_root(void **state)
{
	char path[64], line[256];
	FILE *file;

	(void)state;
	assert_serves();
	snprintf(path, sizeof(path), "/proc/%d/status", master.admin);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Uid:", 4) == 0)
			assert_null(strstr(line, "\t0"));
		if (strncmp(line, "NoNewPrivs:", 11) == 0)
			assert_non_null(strstr(line, "1"));
	}
	fclose(file);
}

static void test_others_may_not_give_commands(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(seteuid(65534), 0);
	fd = connect_client();
	assert_int_equal(seteuid(0), 0);
	/* It may have been turned away before it could speak; then this fails, and the reason is there. */
	(void)!send(fd, "{\"command\":\"stop\"}\n", 19, MSG_NOSIGNAL);
	assert_hears(fd, "{\"ok\":false,\"reason\":\"only root and the server's owner may give commands\"}");
	assert_hears(fd, "");
	close(fd);
	assert_serves();
	assert_int_equal(master.received, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commands_reach_the_master_and_outcomes_their_clients),
		TEST(test_progress_comes_before_the_outcome),
		TEST(test_status_joins_what_master_and_workers_say),
		TEST(test_status_tells_of_the_last_roll),
		TEST(test_status_tells_of_trouble),
		TEST(test_a_thousand_slots_fit),
		TEST(test_long_texts_come_by_descriptor),
		TEST(test_nonsense_does_not_reach_the_master),
		TEST(test_requests_may_be_split_and_joined),
		TEST(test_a_client_that_says_no_more_still_gets_its_answer),
		TEST(test_hanging_clients_delay_nobody),
		TEST(test_one_client_too_many_is_told_so),
		TEST(test_clients_that_went_away_are_forgotten),
		TEST(test_a_silent_client_is_dropped),
		TEST(test_a_damaged_status_fails_and_is_logged),
		TEST(test_a_stop_is_done_when_the_master_is_gone),
		TEST(test_a_stop_that_is_refused_fails),
		TEST(test_a_retired_admin_finishes_what_it_has_begun),
		TEST(test_a_retired_admin_answers_whom_it_has_accepted),
		TEST(test_a_retired_admin_answers_what_has_reached_it),
		TEST(test_signals_meant_for_the_master_do_not_end_it),
		TEST(test_it_is_not_root),
		TEST(test_others_may_not_give_commands), /* the last one: only root can play another */
	};
	size_t count = sizeof(tests) / sizeof(tests[0]) - (geteuid() != 0);

	/* What loses its parent becomes this process's child. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return _cmocka_run_group_tests("admin", tests, count, NULL, NULL);
}
