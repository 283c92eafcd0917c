/* SPDX-License-Identifier: MIT
 *
 * The admin's clients (admin_client.h). Admin only.
 *
 *     READING --a request--> WAITING --its outcome--> READING
 *        \--nonsense, time is up, not allowed--> LEAVING --all is sent--> gone
 *
 * A client's next request is not looked at before the last answer is out: so what is kept for it is
 * bounded by one answer and some progress. */
#include "brood/admin/admin_client.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SWEEP_MS = 500,
	REQUEST_LIMIT_MS = 10000, /* for the next request to come */
	LAST_REQUEST_MS = 1000,   /* the same once the admin retires */
	SEND_LIMIT_MS = 30000,    /* without a client taking anything */
	PROGRESS_ROOM = 64 << 10, /* what is unsent beyond this gets no more progress */
	ACCEPT_BATCH = 32,
};

enum state { READING, WAITING, LEAVING };

struct client {
	struct clients *clients;
	int fd;
	pid_t pid; /* 0: it cannot be seen from here */
	struct event *readable, *writable;
	enum state state;
	bool ended;           /* it sends no more; it may still read */
	bool listening;       /* `readable` is in the loop */
	bool has_asked;       /* at least once */
	uint64_t deadline_ms; /* for a request, or for taking what is unsent */
	struct client_wait wait;
	struct buffer unsent;
	size_t used; /* of input */
	char input[CONTROL_REQUEST_MAX];
};

struct clients {
	struct event_base *base;
	const struct client_handlers *handlers;
	void *context;
	uid_t owner;
	int fd;
	struct event *acceptable, *sweep;
	bool retiring, patient;
	unsigned count;
	uint32_t last_id;
	struct client *all[CLIENTS_MAX]; /* NULL: free */
};

/* --- one client --- */

static void drop(struct client *client)
{
	struct clients *clients = client->clients;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] == client)
			clients->all[i] = NULL;
	}
	clients->count--;
	if (client->readable)
		event_free(client->readable);
	if (client->writable)
		event_free(client->writable);
	fd_close(&client->fd);
	buffer_free(&client->unsent);
	free(client);
	if (clients->retiring && clients->count == 0)
		event_active(clients->sweep, EV_TIMEOUT, 0);
}

static void listen_to(struct client *client, bool on)
{
	if (client->listening == on)
		return;
	client->listening = on;
	if (on)
		event_add(client->readable, NULL);
	else
		event_del(client->readable);
}

static void expect_within(struct client *client, unsigned limit_ms)
{
	client->deadline_ms = clock_now_ms() + limit_ms;
}

/* Both directions are shut: nobody reads what is sent. (A client that only ended its own side, as
 * "nc -N" does, still waits.) */
static bool is_gone(const struct client *client)
{
	struct pollfd look = {.fd = client->fd};

	return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLERR));
}

/* Sends what there is. 0: all; 1: the rest later; or -errno. */
static int flush(struct client *client)
{
	size_t sent = 0;
	ssize_t size = 0;
	int error;

	while (sent < client->unsent.used) {
		size = send(client->fd, client->unsent.data + sent, client->unsent.used - sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			break;
		sent += (size_t)size;
	}
	error = size < 0 ? errno : 0;
	if (sent > 0) {
		buffer_consume(&client->unsent, sent);
		expect_within(client, client->unsent.used > 0 ? SEND_LIMIT_MS : REQUEST_LIMIT_MS);
	}
	if (error && error != EAGAIN)
		return -error;
	return client->unsent.used > 0;
}

/* Its last words, at most. */
static void part_with(struct client *client, const char *reason)
{
	client->state = LEAVING;
	client->wait = (struct client_wait){0};
	listen_to(client, false);
	if (client->unsent.used == 0)
		expect_within(client, SEND_LIMIT_MS);
	if (control_encode_failed(&client->unsent, reason) < 0)
		log_debug("a client leaves without a word: no memory");
}

static void back_to_reading(struct client *client)
{
	client->state = READING;
	client->wait = (struct client_wait){0};
	expect_within(client, SEND_LIMIT_MS); /* for the answer; then for the next request */
}

static void take_request(struct client *client, size_t size)
{
	struct clients *clients = client->clients;
	struct control_request request;
	char reason[CONTROL_REASON_MAX];
	const char *refusal;
	int error = control_decode_request(client->input, size, &request, reason);

	client->used -= size;
	memmove(client->input, client->input + size, client->used);
	if (error) {
		part_with(client, error == -ENOMEM ? "no memory" : reason);
		return;
	}
	client->state = WAITING;
	client->has_asked = true;
	client->wait.id = (uint64_t)client->pid << 32 | (++clients->last_id & INT32_MAX);
	refusal = clients->handlers->request(clients->context, &request, &client->wait);
	if (!refusal)
		return;
	if (control_encode_failed(&client->unsent, refusal) < 0)
		part_with(client, "no memory");
	else
		back_to_reading(client);
}

/* Is it let go although it might still ask? Not one that has just connected: it did so to ask something,
 * and nobody else knows of it. */
static bool leaves_unasked(const struct client *client)
{
	return client->clients->retiring && (client->has_asked || !client->clients->patient);
}

/* One step of what can be done for a READING client. False: nothing more for now. */
static bool read_on(struct client *client)
{
	const char *newline = memchr(client->input, '\n', client->used);

	if (newline) {
		take_request(client, (size_t)(newline - client->input) + 1);
		return true;
	}
	if (client->used == sizeof(client->input)) {
		part_with(client, "the request is too long");
		return true;
	}
	if (!client->ended && !leaves_unasked(client))
		return false;
	client->state = LEAVING;
	return true;
}

/* Does all that can be done for a client now; it may be gone afterwards. */
static void advance(struct client *client)
{
	int rest;

	for (;;) {
		rest = flush(client);
		if (rest < 0 || (rest == 0 && client->state == LEAVING)) {
			drop(client);
			return;
		}
		if (rest > 0) {
			event_add(client->writable, NULL);
			break;
		}
		if (client->state != READING || !read_on(client))
			break;
	}
	/* What has no room waits in the socket. */
	listen_to(client, client->state != LEAVING && !client->ended && client->used < sizeof(client->input));
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	ssize_t size = recv(fd, client->input + client->used, sizeof(client->input) - client->used, MSG_DONTWAIT);

	(void)what;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0 || (size == 0 && is_gone(client) && client->state == WAITING)) {
		drop(client);
		return;
	}
	client->used += (size_t)size;
	client->ended = size == 0;
	advance(client);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;

	(void)fd, (void)what;
	advance(client);
}

/* --- all of them --- */

static void finish_if_last(struct clients *clients)
{
	if (clients->retiring && clients->count == 0)
		clients->handlers->finished(clients->context);
}

/* Half a second is exact enough for limits of this kind. */
static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
	struct clients *clients = argument;
	uint64_t now_ms = clock_now_ms();

	(void)fd, (void)what;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = clients->all[i];

		if (!client)
			continue;
		if (client->unsent.used > 0 || client->state == LEAVING) {
			if (now_ms >= client->deadline_ms)
				drop(client);
		} else if (client->state == WAITING) {
			if (!client->listening && is_gone(client))
				drop(client);
		} else if (now_ms >= client->deadline_ms) {
			part_with(client, "no request has come in time");
			advance(client);
		}
	}
	if (!clients->retiring)
		event_add(clients->acceptable, NULL); /* if it was taken out for want of descriptors */
	finish_if_last(clients);
}

static struct client *add_client(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	size_t place = 0;

	if (!client)
		return NULL;
	while (clients->all[place])
		place++;
	*client = (struct client){.clients = clients, .fd = fd};
	clients->all[place] = client;
	clients->count++;
	client->readable = event_new(clients->base, fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(clients->base, fd, EV_WRITE, on_writable, client);
	if (!client->readable || !client->writable) {
		client->fd = -1; /* still the caller's */
		drop(client);
		return NULL;
	}
	expect_within(client, REQUEST_LIMIT_MS);
	return client;
}

static bool is_allowed(struct client *client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	client->pid = peer.pid;
	return peer.uid == 0 || peer.uid == client->clients->owner;
}

/* A client that has hung up may not have been heard of yet. */
static void make_room(struct clients *clients)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] && is_gone(clients->all[i]))
			drop(clients->all[i]);
	}
}

/* Takes fd. */
static void welcome(struct clients *clients, int fd)
{
	static const char full[] = "{\"ok\":false,\"reason\":\"too many clients\"}\n";
	struct client *client = NULL;

	if (clients->count == CLIENTS_MAX)
		make_room(clients);
	if (clients->count < CLIENTS_MAX)
		client = add_client(clients, fd);
	if (!client) {
		if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug("a client too many: %m");
		fd_close(&fd);
		return;
	}
	if (!is_allowed(client))
		part_with(client, "only root and the server's owner may give commands");
	advance(client);
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
	struct clients *clients = argument;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (taken >= 0) {
			welcome(clients, taken);
			continue;
		}
		/* Out of descriptors or memory: asking again at once would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			event_del(clients->acceptable);
		return;
	}
}

struct clients *clients_new(struct event_base *base, int fd, uid_t owner, const struct client_handlers *handlers,
			    void *context)
{
	struct timeval interval = {0, SWEEP_MS * 1000};
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients) {
		fd_close(&fd);
		return NULL;
	}
	*clients = (struct clients){.base = base, .fd = fd, .owner = owner, .handlers = handlers, .context = context};
	clients->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, clients);
	clients->sweep = event_new(base, -1, EV_PERSIST, on_sweep, clients);
	if (clients->acceptable && clients->sweep && event_add(clients->acceptable, NULL) == 0 &&
	    event_add(clients->sweep, &interval) == 0)
		return clients;
	if (clients->acceptable)
		event_free(clients->acceptable);
	if (clients->sweep)
		event_free(clients->sweep);
	fd_close(&clients->fd);
	free(clients);
	return NULL;
}

static struct client *find(const struct clients *clients, uint64_t id)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = clients->all[i];

		if (client && client->state == WAITING && client->wait.id == id)
			return client;
	}
	return NULL;
}

const struct client_wait *clients_find(const struct clients *clients, uint64_t id)
{
	const struct client *client = find(clients, id);

	return client ? &client->wait : NULL;
}

void clients_progress(struct clients *clients, uint64_t id, unsigned done, unsigned total, const char *text)
{
	struct client *client = find(clients, id);

	if (!client || client->unsent.used > PROGRESS_ROOM)
		return;
	if (client->unsent.used == 0)
		expect_within(client, SEND_LIMIT_MS);
	if (control_encode_progress(&client->unsent, done, total, text) == 0)
		advance(client);
}

void clients_ok(struct clients *clients, uint64_t id, const json_t *result)
{
	struct client *client = find(clients, id);
	int error;

	if (!client)
		return;
	error = control_encode_ok(&client->unsent, result);
	if (error)
		part_with(client, error == -EMSGSIZE ? "the answer is too long" : "no memory");
	else
		back_to_reading(client);
	advance(client);
}

void clients_fail(struct clients *clients, uint64_t id, const char *reason)
{
	struct client *client = find(clients, id);

	if (!client)
		return;
	if (control_encode_failed(&client->unsent, reason) < 0)
		part_with(client, "no memory");
	else
		back_to_reading(client);
	advance(client);
}

size_t clients_waiting(const struct clients *clients, uint64_t ids[CLIENTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] && clients->all[i]->state == WAITING)
			ids[count++] = clients->all[i]->wait.id;
	}
	return count;
}

/* A request that has reached the socket is one that was begun. */
static void retire_client(struct client *client)
{
	char octet;

	if (client->state == READING && !client->has_asked)
		expect_within(client, LAST_REQUEST_MS);
	if (client->state == READING && client->listening && recv(client->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		on_readable(client->fd, EV_READ, client);
	else
		advance(client);
}

void clients_retire(struct clients *clients, bool patient)
{
	if (clients->retiring)
		return;
	clients->retiring = true;
	clients->patient = patient;
	event_del(clients->acceptable);
	fd_close(&clients->fd);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			retire_client(clients->all[i]);
	}
	event_active(clients->sweep, EV_TIMEOUT, 0);
}
