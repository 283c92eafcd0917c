/* SPDX-License-Identifier: MIT
 *
 * One of the admin's clients (admin_client.h). Admin only.
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	REQUEST_LIMIT_MS = 10000, /* for the next request to come */
	LAST_REQUEST_MS = 1000,   /* the same once the admin retires */
	SEND_LIMIT_MS = 30000,    /* without a client taking anything */
	PROGRESS_ROOM = 64 << 10, /* what is unsent beyond this gets no more progress */
};

static void release(struct client *client)
{
	if (client->readable)
		event_free(client->readable);
	if (client->writable)
		event_free(client->writable);
	fd_close(&client->fd);
	buffer_free(&client->unsent);
	free(client);
}

void admin_client_drop(struct client *client)
{
	struct clients *clients = client->clients;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] == client)
			clients->all[i] = NULL;
	}
	clients->count--;
	release(client);
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

bool admin_client_is_gone(const struct client *client)
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

void admin_client_part_with(struct client *client, const char *reason)
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
		admin_client_part_with(client, error == -ENOMEM ? "no memory" : reason);
		return;
	}
	client->state = WAITING;
	client->has_asked = true;
	client->wait.id = (uint64_t)client->pid << 32 | (++clients->last_id & INT32_MAX);
	refusal = clients->handlers->request(clients->context, &request, &client->wait);
	if (!refusal)
		return;
	if (control_encode_failed(&client->unsent, refusal) < 0)
		admin_client_part_with(client, "no memory");
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
		admin_client_part_with(client, "the request is too long");
		return true;
	}
	if (!client->ended && !leaves_unasked(client))
		return false;
	client->state = LEAVING;
	return true;
}

void admin_client_advance(struct client *client)
{
	int rest;

	for (;;) {
		rest = flush(client);
		if (rest < 0 || (rest == 0 && client->state == LEAVING)) {
			admin_client_drop(client);
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
	if (size < 0 || (size == 0 && admin_client_is_gone(client) && client->state == WAITING)) {
		admin_client_drop(client);
		return;
	}
	client->used += (size_t)size;
	client->ended = size == 0;
	admin_client_advance(client);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;

	(void)fd, (void)what;
	admin_client_advance(client);
}

struct client *admin_client_new(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	*client = (struct client){.clients = clients, .fd = fd};
	client->readable = event_new(clients->base, fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(clients->base, fd, EV_WRITE, on_writable, client);
	if (!client->readable || !client->writable) {
		client->fd = -1; /* still the caller's */
		release(client);
		return NULL;
	}
	expect_within(client, REQUEST_LIMIT_MS);
	return client;
}

void admin_client_progress(struct client *client, unsigned done, unsigned total, const char *text)
{
	if (client->unsent.used > PROGRESS_ROOM)
		return;
	if (client->unsent.used == 0)
		expect_within(client, SEND_LIMIT_MS);
	if (control_encode_progress(&client->unsent, done, total, text) == 0)
		admin_client_advance(client);
}

void admin_client_ok(struct client *client, const json_t *result)
{
	int error = control_encode_ok(&client->unsent, result);

	if (error)
		admin_client_part_with(client, error == -EMSGSIZE ? "the answer is too long" : "no memory");
	else
		back_to_reading(client);
	admin_client_advance(client);
}

void admin_client_fail(struct client *client, const char *reason)
{
	if (control_encode_failed(&client->unsent, reason) < 0)
		admin_client_part_with(client, "no memory");
	else
		back_to_reading(client);
	admin_client_advance(client);
}

void admin_client_check(struct client *client, uint64_t now_ms)
{
	if (client->unsent.used > 0 || client->state == LEAVING) {
		if (now_ms >= client->deadline_ms)
			admin_client_drop(client);
	} else if (client->state == WAITING) {
		if (!client->listening && admin_client_is_gone(client))
			admin_client_drop(client);
	} else if (now_ms >= client->deadline_ms) {
		admin_client_part_with(client, "no request has come in time");
		admin_client_advance(client);
	}
}

/* A request that has reached the socket is one that was begun. */
void admin_client_retire(struct client *client)
{
	char octet;

	if (client->state == READING && !client->has_asked)
		expect_within(client, LAST_REQUEST_MS);
	if (client->state == READING && client->listening && recv(client->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		on_readable(client->fd, EV_READ, client);
	else
		admin_client_advance(client);
}
