/* SPDX-License-Identifier: MIT
 *
 * The admin process (admin.h): its life, and what goes between clients and the master. Admin only. */
#include "brood/admin/admin.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/signals.h"
#include "brood/admin/admin_clients.h"
#include "brood/admin/admin_status.h"
#include "brood/channel.h"
#include "brood/process.h"
#include "cluster/cluster.h"
#include "cluster/ipc/command.h"
#include "cluster/ipc/message.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MASTER_END_MS = 5000, /* for the master's process to end after its channel */
	LAST_WORDS_MS = 2000, /* for clients to take their last answers */
};

struct admin {
	const struct admin_birth *birth;
	struct event_base *base;
	struct brood_channel *channel;
	struct clients *clients;
	struct board *boards;
	unsigned board_count;
	int master_fd; /* pidfd, or -1 */
	struct event *master_ended;
	bool orphaned;
};

/* --- from clients to the master --- */

enum argument { NONE, SLOT, WORKERS };

static const struct word {
	const char *name;
	enum command_kind kind;
	enum argument argument;
} words[] = {
	{"status", COMMAND_STATUS, NONE},   {"restart", COMMAND_RESTART, NONE}, {"reload", COMMAND_RELOAD, NONE},
	{"upgrade", COMMAND_UPGRADE, NONE}, {"scale", COMMAND_SCALE, WORKERS},  {"drain", COMMAND_DRAIN, SLOT},
	{"undrain", COMMAND_UNDRAIN, SLOT}, {"stop", COMMAND_STOP, NONE},       {"stop-now", COMMAND_STOP_NOW, NONE},
	{"reopen", COMMAND_REOPEN, NONE},   {"why", COMMAND_WHY, SLOT},         {"config", COMMAND_CONFIG, NONE},
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	}
	return NULL;
}

static const char *check_argument(const struct word *word, const struct control_request *request)
{
	int least = word->argument == WORKERS ? 1 : 0;

	if (word->argument == NONE)
		return request->has_argument ? "this command takes no argument" : NULL;
	if (!request->has_argument)
		return "this command wants an argument";
	if (request->argument >= least && request->argument < least + CLUSTER_SLOTS_MAX)
		return NULL;
	return word->argument == WORKERS ? "the number of workers is from 1 to 1024"
					 : "slots are numbered from 0 to 1023";
}

static const char *on_request(void *context, const struct control_request *request, struct client_wait *wait)
{
	struct admin *admin = context;
	const struct word *word = find_word(request->command);
	const char *refusal = word ? check_argument(word, request) : "unknown command";
	struct command command = {.id = wait->id, .argument = request->argument};
	struct brood_frame frame = {.type = MESSAGE_COMMAND, .data = &command, .size = sizeof(command)};

	if (refusal)
		return refusal;
	if (admin->orphaned)
		return "the server has gone";
	command.kind = word->kind;
	wait->kind = word->kind;
	switch (brood_channel_send(admin->channel, &frame)) {
	case 0:
		return NULL;
	case -EPIPE:
		return "the server has gone";
	default:
		return "the server is too busy";
	}
}

static void on_finished(void *context)
{
	struct admin *admin = context;

	event_base_loopexit(admin->base, NULL);
}

static const struct client_handlers client_handlers = {
	.request = on_request,
	.finished = on_finished,
};

static bool is_stop(uint32_t kind)
{
	return kind == COMMAND_STOP || kind == COMMAND_STOP_NOW;
}

/* --- from the master to clients --- */

static void on_status(struct admin *admin, const struct brood_frame *frame)
{
	const struct status *status = frame->data;
	json_t *json;

	if (!admin_status_is_whole(frame->data, frame->size)) {
		log_warn("a status of %zu octets is not understood", frame->size);
		if (frame->size >= sizeof(status->id))
			clients_fail(admin->clients, status->id, "the status is not understood");
		return;
	}
	json = admin_status_json(frame->data, admin->boards, admin->board_count);
	if (json)
		clients_ok(admin->clients, status->id, json);
	else
		clients_fail(admin->clients, status->id, "no memory");
	json_decref(json);
}

static void on_progress(struct admin *admin, const struct brood_frame *frame)
{
	struct command_progress progress;

	if (frame->size != sizeof(progress))
		return;
	memcpy(&progress, frame->data, sizeof(progress));
	progress.text[sizeof(progress.text) - 1] = '\0';
	clients_progress(admin->clients, progress.id, progress.done, progress.total, progress.text);
}

/* All of a memfd. NULL: it cannot be read, is too long, or there is no memory. */
static char *read_text(int fd, size_t *size)
{
	struct stat status;
	char *text;
	size_t used = 0;

	if (fstat(fd, &status) < 0 || status.st_size < 0 || status.st_size > CONTROL_ANSWER_MAX)
		return NULL;
	text = malloc((size_t)status.st_size + 1);
	while (text && used < (size_t)status.st_size) {
		ssize_t got = pread(fd, text + used, (size_t)status.st_size - used, (off_t)used);

		if (got <= 0) {
			free(text);
			return NULL;
		}
		used += (size_t)got;
	}
	*size = used;
	return text;
}

/* What came with a result: JSON for `why`, a text else. NULL: it cannot be had. */
static json_t *read_result(int fd, uint32_t kind)
{
	size_t size;
	char *text = read_text(fd, &size);
	json_t *result = NULL;

	if (text && kind == COMMAND_WHY)
		result = json_loadb(text, size, 0, NULL);
	else if (text)
		result = control_text(text, size);
	free(text);
	return result;
}

/* It is done, and how. NULL without memory: that it is done counts. */
static json_t *done_json(const struct command_result *message)
{
	return json_pack("{s:b, s:o}", "ok", 1, "done", control_text(message->reason, strlen(message->reason)));
}

static void on_result(struct admin *admin, const struct brood_frame *frame)
{
	struct command_result message;
	const struct client_wait *wait;
	json_t *result;

	if (frame->size != sizeof(message))
		return;
	memcpy(&message, frame->data, sizeof(message));
	message.reason[sizeof(message.reason) - 1] = '\0';
	wait = clients_find(admin->clients, message.id);
	if (!wait)
		return;
	if (!message.ok) {
		clients_fail(admin->clients, message.id, message.reason);
	} else if (is_stop(wait->kind)) {
		/* Begun only; it is done when the master is gone. */
		clients_progress(admin->clients, message.id, 0, 0, "stopping");
	} else if (frame->fd_count == 0 && !frame->fds_lost) {
		result = message.reason[0] ? done_json(&message) : NULL;
		clients_ok(admin->clients, message.id, result);
		json_decref(result);
	} else {
		result = frame->fds_lost ? NULL : read_result(frame->fds[0], wait->kind);
		if (result)
			clients_ok(admin->clients, message.id, result);
		else
			clients_fail(admin->clients, message.id, "the answer cannot be read");
		json_decref(result);
	}
}

static void on_board(struct admin *admin, struct brood_frame *frame)
{
	const struct message_board *message = frame->data;
	struct board *boards;

	if (frame->size != sizeof(*message) || frame->fd_count != 1 || message->slot >= CLUSTER_SLOTS_MAX ||
	    message->record >= BOARD_RECORDS)
		return;
	if (message->slot >= admin->board_count) {
		boards = realloc(admin->boards, (message->slot + 1) * sizeof(*boards));
		if (!boards)
			return;
		admin->boards = boards;
		while (admin->board_count <= message->slot)
			board_init(&boards[admin->board_count++]);
	}
	if (board_show(&admin->boards[message->slot], (int)message->record, frame->fds[0]) < 0)
		log_warn("cannot see the scoreboard of slot %u", message->slot);
	frame->fds[0] = -1;
}

static void on_frame(void *context, struct brood_frame *frame)
{
	struct admin *admin = context;

	switch (frame->type) {
	case MESSAGE_STATUS:
		on_status(admin, frame);
		break;
	case MESSAGE_PROGRESS:
		on_progress(admin, frame);
		break;
	case MESSAGE_RESULT:
		on_result(admin, frame);
		break;
	case MESSAGE_BOARD:
		on_board(admin, frame);
		break;
	case MESSAGE_PING:
		if (brood_channel_send(admin->channel, frame) < 0)
			log_debug("no room for a sign of life");
		break;
	case MESSAGE_DRAIN:
		clients_retire(admin->clients, true);
		break;
	default: /* of a later version: not for us */
		break;
	}
}

/* --- the end --- */

/* The stop that they waited for is over. */
static void on_master_ended(evutil_socket_t fd, short what, void *argument)
{
	struct timeval limit = {LAST_WORDS_MS / 1000, 0};
	struct admin *admin = argument;
	uint64_t ids[CLIENTS_MAX];
	size_t count = clients_waiting(admin->clients, ids);

	(void)fd, (void)what;
	for (size_t i = 0; i < count; i++)
		clients_ok(admin->clients, ids[i], NULL);
	clients_retire(admin->clients, false);
	event_base_loopexit(admin->base, &limit);
}

/* Nobody is left to carry out anything. The master closes the channel, at the latest, by exiting; a
 * stop is over when its process is gone, pid file and all. */
static void on_orphaned(void *context, int error)
{
	struct timeval limit = {MASTER_END_MS / 1000, 0};
	struct admin *admin = context;
	uint64_t ids[CLIENTS_MAX];
	size_t count = clients_waiting(admin->clients, ids);

	(void)error;
	admin->orphaned = true;
	for (size_t i = 0; i < count; i++) {
		const struct client_wait *wait = clients_find(admin->clients, ids[i]);

		if (wait && !is_stop(wait->kind))
			clients_fail(admin->clients, ids[i], "the server has gone");
	}
	if (admin->master_fd < 0 || event_add(admin->master_ended, &limit) < 0)
		on_master_ended(-1, 0, admin);
}

static const struct brood_channel_handlers channel_handlers = {
	.frame = on_frame,
	.closed = on_orphaned,
};

/* --- birth --- */

/* In this order: what needs the old rights, the rights, what must not have them. */
static int set_up(struct admin *admin)
{
	const struct admin_birth *birth = admin->birth;
	int control_fd = birth->control_fd, error = 0;

	for (unsigned i = 0; i < birth->board_count && error == 0; i++)
		error = board_demote(&admin->boards[i], -1);
	if (error) {
		log_error("cannot map the scoreboard: %s", strerror(-error));
		return CLUSTER_EXIT_RESOURCES;
	}
	error = privilege_drop(birth->privilege);
	if (error) {
		log_error("cannot become user '%s': %s", birth->privilege->user, strerror(-error));
		return CLUSTER_EXIT_FATAL;
	}
	brood_process_wake_at_end();
	admin->master_fd = (int)syscall(SYS_pidfd_open, birth->master, 0);
	admin->base = event_base_new();
	if (!admin->base || signals_leave_to_parent() < 0 || fd_set_nonblock(control_fd, true) < 0 ||
	    !(admin->master_ended = event_new(admin->base, admin->master_fd, EV_READ, on_master_ended, admin)) ||
	    brood_channel_open(&admin->channel, admin->base, birth->channel, &channel_handlers, admin) < 0 ||
	    !(admin->clients = clients_new(admin->base, control_fd, birth->owner, &client_handlers, admin))) {
		log_error("cannot set up an event loop");
		return CLUSTER_EXIT_RESOURCES;
	}
	error = sandbox_enter();
	if (error)
		log_debug("no filter of system calls: %s", strerror(-error));
	return CLUSTER_EXIT_DONE;
}

int admin_main(const struct admin_birth *birth)
{
	struct admin admin = {
		.birth = birth,
		.boards = birth->boards,
		.board_count = birth->board_count,
		.master_fd = -1,
	};
	int code;

	log_set_tag("admin");
	code = set_up(&admin);
	if (code == CLUSTER_EXIT_DONE)
		event_base_dispatch(admin.base);
	return code;
}
