/* SPDX-License-Identifier: MIT
 *
 * The admin process: clients of its socket, who send anything in any pieces and leave at any time, and
 * a status as the master sends it. Steps as in http.c. */
#include "fuzz.h"

#include "brood/admin/admin_clients.h"
#include "brood/admin/admin_status.h"
#include "cluster/ipc/board.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS = 3 };

static struct event_base *base;
static struct clients *clients;
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static socklen_t name_size;
static int peers[PEERS];
static unsigned refusals;

static const char *on_request(void *context, const struct control_request *request, struct client_wait *wait)
{
	(void)context;
	FUZZ_CHECK(wait->id > 0 && request->command[0] != '\0');
	wait->kind = 1;
	return refusals & 1 ? "no" : NULL;
}

static void on_finished(void *context)
{
	(void)context;
}

static const struct client_handlers handlers = {on_request, on_finished};

static void start(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* The kernel finds a name for it (unix(7), autobind). */
	name_size = sizeof(name);
	FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
	FUZZ_CHECK(listen(fd, 16) == 0 && getsockname(fd, (struct sockaddr *)&name, &name_size) == 0);
	base = event_base_new();
	clients = clients_new(base, fd, getuid(), &handlers, NULL);
	FUZZ_CHECK(clients);
}

static void run(void)
{
	for (unsigned turn = 0; turn < 16; turn++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void leave(unsigned which)
{
	if (peers[which] >= 0)
		close(peers[which]);
	peers[which] = -1;
}

static void enter(unsigned which)
{
	leave(which);
	peers[which] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	FUZZ_CHECK(peers[which] >= 0);
	if (connect(peers[which], (struct sockaddr *)&name, name_size) < 0)
		leave(which);
}

static void answer_all(unsigned how)
{
	static char text[70000];
	uint64_t ids[CLIENTS_MAX];
	size_t count = clients_waiting(clients, ids);
	json_t *json = json_string("done");

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(clients_find(clients, ids[i]));
		if (how % 4 == 0)
			clients_progress(clients, ids[i], 1, 2, how & 4 ? text : "half");
		else if (how % 4 == 1)
			clients_fail(clients, ids[i], how & 4 ? text : "no");
		else
			clients_ok(clients, ids[i], how & 4 ? json : NULL);
	}
	json_decref(json);
}

static void try_status(const uint8_t *data, size_t size)
{
	struct board boards[2] = {{.in_use = 0}, {.in_use = 0}};
	void *message = fuzz_copy(data, size);
	json_t *json;

	if (admin_status_is_whole(message, size)) {
		json = admin_status_json(message, boards, 2);
		json_decref(json);
	}
	free(message);
}

static bool step(struct fuzz_input *input)
{
	static unsigned which;
	unsigned what = fuzz_octet(input), number = fuzz_octet(input);
	const uint8_t *at;
	char octets[4096];
	size_t got;

	switch (what) {
	case 'c':
		enter(which = number % PEERS);
		break;
	case 's':
	case 'S':
		at = fuzz_take(input, what == 'S' ? number * 32u : number, &got);
		if (peers[which] >= 0)
			(void)!send(peers[which], at, got, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 'r':
		while (peers[which] >= 0 && recv(peers[which], octets, sizeof(octets), 0) > 0)
			continue;
		break;
	case 'h':
		if (peers[which] >= 0)
			shutdown(peers[which], number & 1 ? SHUT_WR : SHUT_RDWR);
		break;
	case 'x':
		leave(which);
		break;
	case 'a':
		answer_all(number);
		break;
	case 'n':
		refusals = number;
		break;
	default:
		return false;
	}
	run();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (!base)
		start();
	if (size > 0 && data[0] == 0) {
		try_status(data + 1, size - 1);
		return 0;
	}
	refusals = 0;
	for (unsigned i = 0; i < PEERS; i++)
		peers[i] = -1;
	enter(0);
	for (unsigned steps = 0; steps < 64 && input.left > 0 && step(&input); steps++)
		continue;
	for (unsigned i = 0; i < PEERS; i++)
		leave(i);
	run();
	answer_all(1);
	run();
	FUZZ_CHECK(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) <= 3);
	return 0;
}
